//! What other instrumentations of message queues get wrong and what their users complain about, each a test: a table for each client.
//!
//! The names are modules of these tests and of the crate.

use trace_testkit::traps::TrapTable;

mod amqp;
mod kafka;

/// Checks that each test of a table is there: a table that nobody checks is a wish. The answer is how many rows it has.
fn check(table: &str) -> usize {
    TrapTable::of_crate(env!("CARGO_MANIFEST_DIR")).check(table)
}
