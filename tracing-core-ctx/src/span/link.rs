use crate::SpanContext;
use crate::attribute::Attributes;
use crate::limits::AttributeLimits;

/// A relation to a span that is not the parent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// The other span.
    pub span_context: SpanContext,
    /// What is known about the relation.
    pub attributes: Attributes,
}

impl Link {
    /// A link without attributes.
    #[must_use]
    pub const fn new(span_context: SpanContext) -> Self {
        Self {
            span_context,
            attributes: Attributes::new(),
        }
    }

    /// Drops and cuts what is over the limits.
    pub(super) fn limit(&mut self, limits: &AttributeLimits) {
        if self.attributes.len() > limits.count || limits.value_length != usize::MAX {
            let mut kept = Attributes::new();
            kept.put_all(limits, &self.attributes);
            self.attributes = kept;
        }
    }
}

impl From<SpanContext> for Link {
    fn from(span_context: SpanContext) -> Self {
        Self::new(span_context)
    }
}

/// How a new span stands to another one. OpenTelemetry's model has a parent and links; this says which of the two is meant.
///
/// ```
/// use tracing_core_ctx::{Relation, SpanContext, Tracer};
///
/// # fn demo(tracer: &Tracer, caller: SpanContext, producer: SpanContext) {
/// let served = tracer.span("serve").relation(Relation::ChildOf(caller)).start();
/// let consumed = tracer.span("consume").relation(Relation::FollowsFrom(producer)).start();
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relation {
    /// The other span waits for this one: it is the parent.
    ChildOf(SpanContext),
    /// The other span caused this one and did not wait: it is linked, and the parent stays what it was.
    FollowsFrom(SpanContext),
}
