use std::borrow::Cow;

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};

/// Has recorded what the head drops, so that the tail can see it (OpenTelemetry SDK, "AlwaysRecord").
///
/// Not what the head drops for good, and nothing below that.
#[derive(Debug)]
pub(crate) struct Recorded(pub(crate) Box<dyn Sampler>);

impl Sampler for Recorded {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let mut sampling = self.0.sample(input);
        let is_below_nothing = input
            .parent
            .is_some_and(|parent| !parent.is_remote() && !input.parent_is_recording);
        if sampling.decision == Decision::Drop && !sampling.is_final && !is_below_nothing {
            sampling.decision = Decision::RecordOnly;
        }
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        format!("AlwaysRecord{{{}}}", self.0.description()).into()
    }
}
