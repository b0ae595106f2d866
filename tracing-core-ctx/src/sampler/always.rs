use std::borrow::Cow;

use super::{Decision, Sampler, Sampling, SamplingInput, threshold};

/// Records every span.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOn;

impl Sampler for AlwaysOn {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let mut sampling = Sampling::new(Decision::RecordAndSample);
        // What the parent was kept with says nothing about this span.
        sampling.trace_state = threshold::erase(input.trace_state());
        // It may have been asked because of what a parent decided, which is not known to be certain.
        sampling.is_certain = input.parent.is_none();
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        "AlwaysOnSampler".into()
    }
}

/// Records no span. The caller's trace still passes through.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOff;

impl Sampler for AlwaysOff {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let mut sampling = Sampling::new(Decision::Drop);
        sampling.trace_state = threshold::erase(input.trace_state());
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        "AlwaysOffSampler".into()
    }
}
