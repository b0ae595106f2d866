use std::borrow::Cow;

use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::{Context, SpanContext};

use crate::Trust;

/// Where a message came from: the context that was in it, as far as it is believed. Made by
/// [`QueueTracer::extract`](crate::QueueTracer::extract).
///
/// The span is kept outside of any context: most messages bring nothing else, and each is processed in a context of its own.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What is believed to the point of a link.
    cause: Option<SpanContext>,
    trust: Trust,
    /// What else is believed and may be continued.
    pub(crate) rest: Context,
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
        let (span, hint) = (context.span_context().cloned(), context.sampling_hint());
        let rest = with_hint(context.without_span(), hint);
        Self::of_parts(span, rest, trust)
    }

    /// The same in two parts.
    #[inline]
    pub(crate) fn of_parts(cause: Option<SpanContext>, rest: Context, trust: Trust) -> Self {
        match trust {
            Trust::Continue => Self { cause, trust, rest },
            Trust::ContinueWithoutSampling if cause.is_some() => Self {
                cause,
                trust,
                // Where no sampler is asked, the flag is not passed on either.
                rest: Context::new().with_sampling_hint(SamplingHint::Defer),
            },
            Trust::NewRootWithLink => Self {
                cause,
                trust,
                rest: Context::new(),
            },
            Trust::ContinueWithoutSampling | Trust::Ignore => Self {
                cause: None,
                trust,
                rest: Context::new(),
            },
        }
    }

    /// The span that made or sent the message, if it is believed to the point of a link.
    #[must_use]
    #[inline]
    pub const fn cause(&self) -> Option<&SpanContext> {
        self.cause.as_ref()
    }

    /// How far it is believed.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) const fn trust(&self) -> Trust {
        self.trust
    }

    /// Whether the span that made or sent the message says that it was not recorded, and is believed to the full.
    #[inline]
    pub(crate) fn is_unsampled(&self) -> bool {
        self.trust == Trust::Continue && self.cause().is_some_and(|cause| !cause.is_sampled())
    }

    /// The span that made or sent the message if it may be continued, as it then is.
    #[inline]
    pub(crate) fn continued(&self) -> Option<Cow<'_, SpanContext>> {
        let cause = self.cause.as_ref()?;
        match self.trust {
            Trust::Continue => Some(Cow::Borrowed(cause)),
            Trust::ContinueWithoutSampling => Some(Cow::Owned(cause.clone().with_sampled(false))),
            Trust::Ignore | Trust::NewRootWithLink => None,
        }
    }

    /// `around` with the baggage of the message added to its own; of two entries of one name the message's counts: the work is
    /// done for its sake.
    pub(crate) fn baggage_into(&self, around: Context) -> Context {
        match self.rest.baggage().is_empty() {
            true => around,
            false => with_baggage_of(&self.rest, around),
        }
    }

    /// `around` without its span, and with everything that is believed, for a child of the [producer](Self::continued).
    #[inline]
    pub(crate) fn continued_in(&self, around: Context) -> Context {
        match around.is_empty() {
            true => self.rest.clone(),
            false => {
                let around = with_hint(around.without_span(), self.rest.sampling_hint());
                self.baggage_into(around)
            }
        }
    }
}

fn with_hint(context: Context, hint: Option<SamplingHint>) -> Context {
    match hint {
        Some(hint) => context.with_sampling_hint(hint),
        None => context,
    }
}

/// `around` with the baggage of a message added to its own; of two entries of one name the message's counts.
pub(crate) fn with_baggage_of(message: &Context, around: Context) -> Context {
    let both = around.baggage().iter().chain(message.baggage().iter());
    let baggage = both.cloned().collect();
    around.with_baggage(baggage)
}
