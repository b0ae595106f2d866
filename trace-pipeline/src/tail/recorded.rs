use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};

/// Has recorded what the head drops, so that the tail can see it (OpenTelemetry SDK, "AlwaysRecord").
///
/// Not what the head drops for good, and nothing below that.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) head: Box<dyn Sampler>,
    /// The tail takes from what the head keeps. Then what the head keeps for certain says so, since it will not be certain any more.
    pub(crate) thins: Arc<AtomicBool>,
}

impl Sampler for Recorded {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let mut sampling = self.head.sample(input);
        let is_below_nothing = input
            .parent
            .is_some_and(|parent| !parent.is_remote() && !input.parent_is_recording);
        if sampling.decision == Decision::Drop && !sampling.is_final && !is_below_nothing {
            sampling.decision = Decision::RecordOnly;
        }
        if sampling.is_certain && self.thins.load(Ordering::Relaxed) {
            let state = sampling.trace_state.as_ref();
            let state = state.unwrap_or_else(|| input.trace_state());
            sampling.trace_state = Some(Threshold::ALWAYS.stamp(state));
        }
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        format!("AlwaysRecord{{{}}}", self.head.description()).into()
    }
}
