use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::{Context, SpanContext};

use crate::Trust;

/// Where a message came from: the context that was in it, as far as it is believed. Made by
/// [`QueueTracer::extract`](crate::QueueTracer::extract).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What is believed and may be continued.
    pub(crate) context: Context,
    /// What is linked.
    pub(crate) cause: Option<SpanContext>,
}

impl Origin {
    /// A message without context, or one that is not believed.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The context of a message of whose producer `trust` is held.
    #[must_use]
    pub fn of(context: Context, trust: Trust) -> Self {
        let cause = context.span_context().cloned();
        match (trust, cause) {
            (Trust::Continue, cause) => Self { context, cause },
            (Trust::ContinueWithoutSampling, Some(cause)) => Self {
                // Where no sampler is asked, the flag is not passed on either.
                context: Context::new()
                    .with_remote_span(cause.clone().with_sampled(false))
                    .with_sampling_hint(SamplingHint::Defer),
                cause: Some(cause),
            },
            (Trust::NewRootWithLink, cause) => Self {
                context: Context::new(),
                cause,
            },
            (Trust::Ignore | Trust::ContinueWithoutSampling, _) => Self::default(),
        }
    }

    /// The span that made or sent the message, if it is believed to the point of a link.
    #[must_use]
    pub const fn cause(&self) -> Option<&SpanContext> {
        self.cause.as_ref()
    }

    /// `around` with the baggage of the message added to its own; of two entries of one name the message's counts: the work is
    /// done for its sake.
    pub(crate) fn baggage_into(&self, around: Context) -> Context {
        let mine = self.context.baggage();
        if mine.is_empty() {
            return around;
        }
        let both = around.baggage().iter().chain(mine.iter());
        let baggage = both.cloned().collect();
        around.with_baggage(baggage)
    }

    /// `around` with everything that is believed in its place, for a child of the producer.
    pub(crate) fn continued_in(&self, around: Context) -> Context {
        let Some(span) = self.context.span_context() else {
            return self.baggage_into(around);
        };
        let around = around.without_span().with_remote_span(span.clone());
        let around = match self.context.sampling_hint() {
            Some(hint) => around.with_sampling_hint(hint),
            None => around,
        };
        self.baggage_into(around)
    }
}
