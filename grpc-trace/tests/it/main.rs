//! What `grpc-trace` promises, tested from outside.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is a failure, and says which case it was"
)]

mod contract;
mod ends;
mod greeter;
mod hops;
mod kinds;
mod messages;
mod observed;
mod repeats;
mod settings;
mod surroundings;
mod traps;
mod way_back;
