use tracing_core_ctx::{Context, SpanRef};

use super::TracingLayer;

/// What a span of `tracing` is in the tree: for code that has one and wants more than `tracing` offers, such as a link or an attribute whose
/// name is not known when the code is written.
///
/// ```
/// use trace_bridge::TracingSpanExt as _;
/// use tracing_core_ctx::SpanContext;
///
/// fn merge(request: &tracing::Span, other: SpanContext) {
///     request.span_ref().link(other);
///     request.span_ref().set(&format!("shop.merged.{}", 3), true);
/// }
/// # let _ = merge;
/// ```
///
/// It looks for a [`TracingLayer`] in the subscriber of the span, which is found also under filters, but not inside of
/// `tracing_subscriber::reload`.
pub trait TracingSpanExt {
    /// The context in which this span is current, entered or not: to hand over to a thread, a message or a task. Of a span that the layer does not
    /// see, the current context.
    fn context(&self) -> Context;

    /// The span, to describe it. Of one that does not record, a handle that does nothing.
    fn span_ref(&self) -> SpanRef;
}

impl TracingSpanExt for tracing::Span {
    fn context(&self) -> Context {
        with_layer(self, |layer, id| layer.spans.context(id)).unwrap_or_else(Context::current)
    }

    fn span_ref(&self) -> SpanRef {
        with_layer(self, |layer, id| layer.spans.recorded(id))
            .map(|context| context.span())
            .unwrap_or_default()
    }
}

fn with_layer<R>(
    span: &tracing::Span,
    look: impl FnOnce(&TracingLayer, &tracing::span::Id) -> Option<R>,
) -> Option<R> {
    span.with_subscriber(|(id, dispatch)| look(dispatch.downcast_ref()?, id))
        .flatten()
}
