//! What `tower-trace` promises, tested from outside.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "in a test a panic is a failure, and says which case it was"
)]

mod axum;
mod bad_input;
mod client_matrix;
mod clients;
mod contract;
mod names;
mod observed;
mod outcome;
mod repeats;
mod reqwest;
mod server_matrix;
mod settings;
mod sockets;
mod support;
mod traps;
mod trust;
mod types;
mod way_back;
