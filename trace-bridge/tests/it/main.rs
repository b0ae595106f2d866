//! What `trace-bridge` promises, tested from outside.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is a failure, and says which case it was"
)]

mod context;
mod cost;
mod events;
mod fields;
mod layers;
mod logs;
mod spans;
mod support;
mod traps;
mod unrecorded;
mod wherever;
