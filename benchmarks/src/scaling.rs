//! How cost grows: with threads, with the spans of a trace, with spans that are open at once.
//!
//! ```text
//!   report()  ->  figures(work)  ->  this program once more, which runs the one work and prints its figures
//! ```
//!
//! So each figure comes from a process that does nothing else: its memory, its threads and its pools are those of that work.

mod concurrent;
mod open;
mod report;
mod requests;
mod threads;
mod traces;
mod usage;
mod work;

pub use report::report;
pub use work::run;
