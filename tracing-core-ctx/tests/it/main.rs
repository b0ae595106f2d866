//! The integration tests of the context core, as one binary.

#[cfg(unix)]
mod fork;
mod headers;
