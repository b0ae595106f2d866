use crate::SpanContext;
use crate::attribute::Attributes;

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
}

/// How a new span stands to another one.
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
