//! Spans: one operation with a start, an end and what is known about it.
//!
//! A [`Span`] is owned by the code that runs the operation: it ends when it is told to, or when it is dropped, and
//! never twice. Everyone else gets a [`SpanRef`] from the [`Context`](crate::Context), to describe the span but not to end it.

mod active;
mod builder;
mod event;
mod exception;
mod handle;
mod in_span;
mod link;
mod live;
mod owned;
mod record;
mod recording;
mod status;
mod template;
mod writer;

pub use active::ActiveSpan;
pub use builder::SpanBuilder;
pub use event::{Event, EventWriter};
pub use handle::SpanRef;
pub use in_span::{Failing, InSpan, SpanFutureExt};
pub use link::{Link, Relation};
pub(crate) use live::{LiveRef, LiveSpan};
pub use owned::Span;
pub use record::{SpanKind, SpanRecord};
pub use status::Status;
pub use template::SpanTemplate;
pub use writer::SpanWriter;

#[cfg(test)]
mod tests;
