use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::{Context, SpanContext};

use crate::Trust;

/// Where a message came from: the context that was in it, as far as it is believed. Made by
/// [`QueueTracer::extract`](crate::QueueTracer::extract).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What is believed and may be continued.
    pub(crate) context: Context,
    cause: Cause,
}

/// What is linked.
#[derive(Clone, Debug, Default)]
enum Cause {
    /// What is continued.
    #[default]
    Continued,
    /// Another, of which less is believed.
    Other(SpanContext),
}

impl Origin {
    /// A message without context, or one that is not believed.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The context of a message of whose producer `trust` is held.
    #[must_use]
    #[inline]
    pub fn of(context: Context, trust: Trust) -> Self {
        match trust {
            Trust::Continue => Self {
                context,
                cause: Cause::Continued,
            },
            Trust::ContinueWithoutSampling | Trust::Ignore | Trust::NewRootWithLink => {
                Self::believed_less(&context, trust)
            }
        }
    }

    fn believed_less(context: &Context, trust: Trust) -> Self {
        let Some(cause) = context.span_context().cloned() else {
            return Self::default();
        };
        match trust {
            Trust::Continue | Trust::Ignore => Self::default(),
            Trust::ContinueWithoutSampling => Self {
                // Where no sampler is asked, the flag is not passed on either.
                context: Context::new()
                    .with_remote_span(cause.clone().with_sampled(false))
                    .with_sampling_hint(SamplingHint::Defer),
                cause: Cause::Other(cause),
            },
            Trust::NewRootWithLink => Self {
                context: Context::new(),
                cause: Cause::Other(cause),
            },
        }
    }

    /// The span that made or sent the message, if it is believed to the point of a link.
    #[must_use]
    #[inline]
    pub fn cause(&self) -> Option<&SpanContext> {
        match &self.cause {
            Cause::Continued => self.context.span_context(),
            Cause::Other(cause) => Some(cause),
        }
    }

    /// Whether the span that made or sent the message says that it was not recorded.
    #[inline]
    pub(crate) fn is_unsampled(&self) -> bool {
        self.cause().is_some_and(|cause| !cause.is_sampled())
    }

    /// `around` with the baggage of the message added to its own; of two entries of one name the message's counts: the work is
    /// done for its sake.
    pub(crate) fn baggage_into(&self, around: Context) -> Context {
        match self.context.baggage().is_empty() {
            true => around,
            false => with_baggage_of(&self.context, around),
        }
    }

    /// `around` with everything that is believed in its place, for a child of the producer.
    #[inline]
    pub(crate) fn continued_in(self, around: Context) -> Context {
        match self.context.span_context() {
            Some(_) if around.is_empty() => self.context,
            Some(span) => self.continue_in(span.clone(), around),
            None => self.baggage_into(around),
        }
    }

    fn continue_in(&self, span: SpanContext, around: Context) -> Context {
        let around = around.without_span().with_remote_span(span);
        let around = match self.context.sampling_hint() {
            Some(hint) => around.with_sampling_hint(hint),
            None => around,
        };
        self.baggage_into(around)
    }
}

/// `around` with the baggage of a message added to its own; of two entries of one name the message's counts.
pub(crate) fn with_baggage_of(message: &Context, around: Context) -> Context {
    let both = around.baggage().iter().chain(message.baggage().iter());
    let baggage = both.cloned().collect();
    around.with_baggage(baggage)
}
