use std::borrow::Cow;
use std::sync::Arc;

use tracing_core_ctx::sampler::threshold::{self, Threshold};
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanContext};

use super::gate::Gate;
use super::local::is_forced;
use crate::budget::{as_its_parent, is_free, thin};

/// Has recorded what the head drops, so that the tail can see it (OpenTelemetry SDK, "AlwaysRecord").
///
/// Not what the head drops for good, and of all local traces no more than the tail has time for; and nothing below what is not recorded, also where the head decides
/// for each span alone.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) head: Box<dyn Sampler>,
    pub(crate) gate: Arc<Gate>,
}

impl Recorded {
    /// What the head samples beyond what can leave is recorded alone. Not what follows a span that is sampled here.
    fn leave_to_rules(&self, sampling: Sampling, input: &SamplingInput<'_>) -> Sampling {
        let backlog = self.gate.backlog();
        let is_sampled = |parent: &SpanContext| !parent.is_remote() && parent.is_sampled();
        if backlog == Threshold::ALWAYS
            || sampling.decision != Decision::RecordAndSample
            || input.parent.is_some_and(is_sampled)
            || is_free(input)
        {
            return sampling;
        }
        thin(sampling, input, backlog).unwrap_or_else(|mut dropped| {
            dropped.decision = Decision::RecordOnly;
            dropped
        })
    }
}

impl Sampler for Recorded {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let is_local = |parent: &&SpanContext| !parent.is_remote() && !input.parent_is_recording;
        let unrecorded = input.parent.filter(is_local);
        // One that is sampled is somebody else's, whose spans do not come here.
        if unrecorded.is_some_and(|parent| !parent.is_sampled()) && !is_free(input) {
            let mut dropped = Sampling::new(Decision::Drop);
            dropped.trace_state = threshold::erase(input.trace_state());
            return dropped.finally();
        }
        let mut sampling = as_its_parent(self.head.sample(input), input);
        let is_below_nothing = unrecorded.is_some();
        if sampling.decision == Decision::Drop && !sampling.is_final && !is_below_nothing {
            sampling.decision = Decision::RecordOnly;
        }
        let floor = self.gate.floor();
        let begins = !input.parent_is_recording && sampling.decision != Decision::Drop;
        if begins && is_free(input) {
            if is_forced(&sampling.attributes) {
                self.gate.forced.add(input.trace_id);
            }
        } else if floor > Threshold::ALWAYS && begins {
            match thin(sampling, input, floor) {
                Ok(let_in) => sampling = let_in,
                Err(refused) => {
                    self.gate.refuse();
                    return refused.finally();
                }
            }
        }
        sampling = self.leave_to_rules(sampling, input);
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
