use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::{Context, SpanContext};

/// How far a caller's trace context is believed.
///
/// Whoever can reach a service can send it headers. A forged context can force recording, hide from it, or
/// tie a stranger's spans to yours ([W3C Trace Context, section 6]).
///
/// Of the `tracestate` of a caller that is believed less than fully, 512 bytes are taken over or linked: whole members, as
/// [`TraceState::shortened`](tracing_core_ctx::TraceState::shortened) leaves them.
///
/// [W3C Trace Context, section 6]: https://www.w3.org/TR/trace-context-2/#security-considerations
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// Continue the caller's trace and follow its decision on sampling: for callers that are ours. The default.
    #[default]
    Continue,
    /// Continue the caller's trace, and decide on sampling as if the trace started here. Its baggage is dropped.
    ///
    /// Who picks the trace id still has a say with samplers that decide by it: to strangers, give a [new root](Self::NewRootWithLink).
    ContinueWithoutSampling,
    /// Take nothing over: a new trace starts.
    Ignore,
    /// Start a new trace and link the caller's span. Its baggage is dropped.
    NewRootWithLink,
}

impl Trust {
    /// What of the caller's context is taken over, and what becomes a link. That a trace is [forced](SamplingHint::Forced) by somebody
    /// with the right to it is always taken over.
    #[must_use]
    pub fn judge(self, caller: Context) -> (Context, Option<SpanContext>) {
        let is_forced = caller.sampling_hint() == Some(SamplingHint::Forced);
        let (context, link) = self.take_over(caller);
        if is_forced {
            (context.with_sampling_hint(SamplingHint::Forced), link)
        } else {
            (context, link)
        }
    }

    fn take_over(self, caller: Context) -> (Context, Option<SpanContext>) {
        match self {
            Self::Continue => (caller, None),
            Self::ContinueWithoutSampling => {
                let context = match caller.span_context() {
                    // Where no sampler is asked, the flag is not passed on either.
                    Some(span) => Context::new()
                        .with_remote_span(bounded(span).with_sampled(false))
                        .with_sampling_hint(SamplingHint::Defer),
                    None => Context::new(),
                };
                (context, None)
            }
            Self::Ignore => (Context::new(), None),
            Self::NewRootWithLink => (Context::new(), caller.span_context().map(bounded)),
        }
    }
}

/// What every service has to hand on, in bytes (W3C Trace Context Level 2, section 3.3.1.5).
const TRACE_STATE: usize = 512;

/// The same with no more `tracestate` than that.
fn bounded(span: &SpanContext) -> SpanContext {
    let trace_state = span.trace_state().shortened(TRACE_STATE);
    span.clone().with_trace_state(trace_state)
}
