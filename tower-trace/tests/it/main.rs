//! What `tower-trace` promises, tested from outside.

mod client_matrix;
mod server_matrix;
mod support;
