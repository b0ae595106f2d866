//! Batches on disk until a back end has taken them: they outlive an outage of the back end and the end of the process.
//!
//! ```text
//!   directory/0/lock                     held by the process that writes there
//!   directory/0/..-000001-...first       a segment: errors, what was kept for a reason, and the rest of their traces
//!   directory/0/..-000002-...rest        a segment: everything else
//!   directory/0/..-000002-...rest.ack    how far it is delivered
//! ```
//!
//! All of it is written and read by the pipeline's thread, and brought onto the disk by another.

mod config;
mod group;
mod record;
mod segment;
mod slot;
mod store;
mod sync;

pub use config::{SpoolConfig, SpoolSync};
pub(crate) use group::Group;
pub(crate) use slot::Slot;
pub(crate) use store::Store;

/// In which order batches are written, and thrown away last when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Failures, what was kept for a reason, and the spans of their traces.
    First,
    Rest,
}

impl Rank {
    const ALL: [Self; 2] = [Self::First, Self::Rest];

    const fn extension(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Rest => "rest",
        }
    }
}

#[cfg(test)]
mod tests;
