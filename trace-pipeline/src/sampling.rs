//! Which traces are kept.

mod keep;
mod pattern;
mod tail;

pub use keep::Keep;
pub(crate) use keep::When;
pub use tail::Tail;
