/// How the span of a consumer stands to the context in the message.
///
/// | | one message, no span is active | one message, a span is active | a batch |
/// |---|---|---|---|
/// | [`Follow`](Self::Follow) | child of the producer, and linked to it | child of the active span, linked | linked to each |
/// | [`LinkOnly`](Self::LinkOnly) | a new trace, linked | child of the active span, linked | linked to each |
/// | [`ChildOnly`](Self::ChildOnly) | child of the producer | child of the producer, linked to the active span | linked to each |
///
/// It speaks of process spans. A receive span is the consumer's own call: it is linked, never a child of a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Relation {
    /// Follow from the producer: linked always, and in its trace where nothing speaks against it. The default.
    #[default]
    Follow,
    /// Linked, and never in the trace of the producer: for messages with many consumers or a long way.
    LinkOnly,
    /// A child like the server side of a call: for queues of requests, whose producer waits for a reply.
    ChildOnly,
}
