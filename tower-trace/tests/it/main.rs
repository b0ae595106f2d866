//! What `tower-trace` promises, tested from outside.

mod axum;
mod bad_input;
mod client_matrix;
mod clients;
mod contract;
mod names;
mod reqwest;
mod server_matrix;
mod settings;
mod sockets;
mod support;
mod trust;
