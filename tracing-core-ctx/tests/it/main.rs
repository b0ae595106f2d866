//! The integration tests of the context core, as one binary.

mod headers;
