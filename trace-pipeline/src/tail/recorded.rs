use std::borrow::Cow;
use std::sync::Arc;

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};

use super::gate::Gate;
use crate::budget::{is_free, thin};

/// Has recorded what the head drops, so that the tail can see it (OpenTelemetry SDK, "AlwaysRecord").
///
/// Not what the head drops for good, and nothing below that; and of all local traces no more than the tail has time for.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) head: Box<dyn Sampler>,
    pub(crate) gate: Arc<Gate>,
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
        let floor = self.gate.floor();
        let begins = !input.parent_is_recording && sampling.decision != Decision::Drop;
        if floor > Threshold::ALWAYS && begins && !is_free(input) {
            match thin(sampling, input, floor) {
                Ok(let_in) => sampling = let_in,
                Err(refused) => {
                    self.gate.refuse();
                    return refused.finally();
                }
            }
        }
        if sampling.is_certain && self.gate.thins() {
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
