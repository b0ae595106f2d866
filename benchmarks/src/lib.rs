//! What one traced request costs, in instructions and allocations.
//!
//! ```text
//!   cases()  ->  Case { bare, traced }          each makes a Subject
//!                   |
//!                   +-- instructions   this program once more, under callgrind
//!                   +-- allocations    another program, whose allocator counts
//!                   +-- wall           here, bare and traced in turn
//!                   v
//!                Report  ->  a table
//! ```
//!
//! Everything is measured over bare: the same work without tracing, in the same batches. Nothing here fails because a
//! figure is high; what must hold (the allocations) is a test.
//!
//! [`load`] measures a whole server instead, and [`scaling`] how the cost grows; each is a program of its own.

// Public API.
pub mod allocations;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod markdown;
pub mod report;
pub mod scaling;
pub mod wall;

// Necessary for implementation.
mod case;
mod client;
mod exchange;
mod raw;
mod request;
mod server;
mod sink;
mod subject;

// The public interface is:
pub use case::{Case, cases};
pub use sink::Collected;
pub use subject::{BATCH, Subject, run_batches, warm_up};

/// What goes wrong in a measurement: one message for the person at the terminal.
pub type Error = Box<dyn std::error::Error>;
