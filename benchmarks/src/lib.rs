//! What one traced request costs, beside the peers.
//!
//! ```text
//!   cases()  ->  Case  ->  Subject { bare, traced }      ours, and the peers
//!                             |
//!                             +-- instructions   this program once more, under callgrind
//!                             +-- allocations    another program, whose allocator counts, and memcheck
//!                             +-- time           this program once more, bare and traced in turn
//!                             +-- weight         versions, crates, memory
//!                             v
//!                          Report  ->  a table for each case
//! ```
//!
//! Everything is measured over bare: the same work without tracing, in the same batches. Peers keep state for the whole process, so each
//! measurement is a process of its own. Nothing here fails because a figure is high; what must hold (the allocations) is a test.
//!
//! [`load`] measures a whole server instead, [`throughput`] a queue, and [`scaling`] how the cost grows; each is a program of its own. Every program writes its
//! section of the results, by [`program::write`].

// Public API.
pub mod allocations;
pub mod delivered;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod program;
pub mod report;
mod results;
pub mod run;
pub mod scaling;
pub mod throughput;
pub mod time;
pub mod weight;

// Necessary for implementation.
mod case;
mod client;
mod delivery;
mod exchange;
mod grpc;
mod instrumented;
mod markdown;
mod ours;
mod peers;
mod queue;
mod raw;
mod request;
mod server;
mod subject;
mod work;

// The public interface is:
pub use case::{Case, cases};
pub use delivery::Delivery;
pub use ours::Collected;
pub use server::recorded;
pub use subject::{Subject, Traced};
pub use work::Work;

/// What goes wrong in a measurement: one message for the person at the terminal.
pub type Error = Box<dyn std::error::Error>;
