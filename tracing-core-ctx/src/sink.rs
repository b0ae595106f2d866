//! The seam between what is recorded and everything that happens to it.

use std::fmt;

use crate::span::SpanRecord;

/// Takes finished spans.
///
/// Called on the thread that ends a span, so it must not block, and there is nobody to hear an error: what cannot be taken
/// is dropped and counted by the sink.
///
/// ```
/// use tracing_core_ctx::{SpanRecord, SpanSink, Tracer};
///
/// #[derive(Debug)]
/// struct Names;
///
/// impl SpanSink for Names {
///     fn submit(&self, span: Box<SpanRecord>) {
///         println!("{}", span.name());
///     }
/// }
///
/// let tracer = Tracer::builder().sink(Names).build();
/// tracer.span("hello").start().end();
/// ```
pub trait SpanSink: fmt::Debug + Send + Sync {
    /// Whether there is any use in recording. When not, spans are not even sampled; contexts of callers pass through. Default: yes.
    fn is_enabled(&self) -> bool {
        true
    }

    /// A span has started to record. Default: nothing.
    fn started(&self) {}

    /// A span has ended.
    fn submit(&self, span: Box<SpanRecord>);
}

/// Takes nothing: tracing is off, contexts still travel.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoSink;

impl SpanSink for NoSink {
    fn is_enabled(&self) -> bool {
        false
    }

    fn submit(&self, _span: Box<SpanRecord>) {}
}
