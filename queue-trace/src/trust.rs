/// How far the context in a message is believed: [for all](crate::QueueTracer::trust), or [for each](crate::QueueTracer::trust_by).
///
/// Whoever can write to a queue can put headers on a message. A forged context can force recording, hide from it, or tie a stranger's
/// spans to yours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// Believe it all: the trace, the decision on sampling, the baggage. For producers that are ours. The default.
    #[default]
    Continue,
    /// Believe the trace, and decide on sampling as if it started here. The baggage is dropped.
    ContinueWithoutSampling,
    /// Take nothing over, not even a link.
    Ignore,
    /// Link the producer's span and believe nothing else. The baggage is dropped.
    NewRootWithLink,
}
