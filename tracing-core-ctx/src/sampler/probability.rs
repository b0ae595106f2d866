use std::borrow::Cow;

use super::threshold::{self, Threshold};
use super::{Decision, Sampler, Sampling, SamplingInput};

/// Keeps a part of all traces, the same ones in every service that uses the trace's own randomness.
///
/// A span is kept when the trace's 56 random bits are not below a threshold (OpenTelemetry, "TraceState: Probability
/// Sampling"); the threshold travels as `ot=th:..` in `tracestate`, so that what was kept can be counted. It does not look at the parent's
/// decision: put it under [`ParentBased`](super::ParentBased).
///
/// ```
/// use tracing_core_ctx::sampler::{Decision, Probability, Sampler as _, SamplingInput};
///
/// // This trace's randomness is 0.81 of the whole: kept by 25 %, not by 12.5 %.
/// let input = SamplingInput::new("4bf92f3577b34da6a3ce929d0e0e4736".parse()?, "GET");
/// assert_eq!(Probability::new(0.25).sample(&input).decision, Decision::RecordAndSample);
/// assert_eq!(Probability::new(0.125).sample(&input).decision, Decision::Drop);
/// # Ok::<(), tracing_core_ctx::id::InvalidId>(())
/// ```
#[derive(Clone, Debug)]
pub struct Probability {
    ratio: f64,
    threshold: Option<Threshold>,
}

impl Probability {
    /// Keeps `ratio` of all traces: 0 none, 1 all. Values outside are taken as the nearer end, what is no number as 1.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        let ratio = if ratio.is_nan() {
            1.0
        } else {
            ratio.clamp(0.0, 1.0)
        };
        Self {
            ratio,
            threshold: Threshold::from_probability(ratio),
        }
    }
}

impl Sampler for Probability {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let state = input.trace_state();
        let kept = self
            .threshold
            .filter(|threshold| threshold.keeps(threshold::randomness(state, input.trace_id)));
        let mut sampling;
        match kept {
            Some(threshold) => {
                sampling = Sampling::new(Decision::RecordAndSample);
                sampling.trace_state = Some(threshold.stamp(state));
            }
            None => {
                sampling = Sampling::new(Decision::Drop);
                sampling.trace_state = threshold::erase(state);
            }
        }
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        format!("ProbabilitySampler{{{}}}", self.ratio).into()
    }
}
