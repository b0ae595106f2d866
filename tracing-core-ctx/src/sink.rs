//! The seam between what is recorded and everything that happens to it.

use std::fmt;

use crate::span::SpanRecord;

/// Takes finished spans. There is nobody to hear an error: what cannot be taken is dropped and counted by the sink.
///
/// - **When**: once for each span that records, when it ends, on the thread that ends it; often that is a destructor.
/// - **Sees**: the whole record, which it owns.
/// - **If it panics or is slow**: a panic is caught, the span is lost and that is reported once; the request waits for a sink that is
///   slow, so it must not block.
///
/// ```
/// use tracing_core_ctx::{SpanRecord, SpanSink, Tracer};
///
/// #[derive(Debug)]
/// struct Names;
///
/// impl SpanSink for Names {
///     fn submit(&self, span: SpanRecord) {
///         println!("{}", span.name());
///     }
/// }
///
/// let tracer = Tracer::builder().sink(Names).build();
/// tracer.span("hello").start().end();
/// ```
pub trait SpanSink: fmt::Debug + Send + Sync {
    /// Whether there is any use in recording. When not, spans are not even sampled; contexts of callers pass through. Asked at the start
    /// of each span. Default: yes.
    fn is_enabled(&self) -> bool {
        true
    }

    /// A span has started to record: for sinks that know how many are open. Default: nothing.
    fn started(&self) {}

    /// A sampler has decided that a span is not recorded: for sinks that know how many those are. Called for each of them on the thread that would have started it,
    /// so it should cost next to nothing. Default: nothing.
    fn not_recorded(&self) {}

    /// A span has ended.
    fn submit(&self, span: SpanRecord);
}

/// Takes nothing: tracing is off, contexts still travel.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoSink;

impl SpanSink for NoSink {
    fn is_enabled(&self) -> bool {
        false
    }

    fn submit(&self, _span: SpanRecord) {}
}
