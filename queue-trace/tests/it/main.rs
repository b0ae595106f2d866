//! What `queue-trace` promises, tested from outside.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "in a test a panic is a failure, and says which case it was"
)]

mod amqp;
mod contract;
mod kafka;
mod observed;
mod process;
mod strangers;
mod traps;
