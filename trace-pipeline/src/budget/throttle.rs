use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::sampler::threshold::{self, Threshold};
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanContext};

/// The threshold that the budget sets: 0 keeps all.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    threshold: AtomicU64,
    throttled: AtomicU64,
    /// The part of a core that was used last, as the bits of a float.
    cpu: AtomicU64,
}

impl Throttle {
    pub(crate) fn rate(&self) -> f64 {
        Threshold::from_bits(self.threshold()).map_or(1.0, Threshold::probability)
    }

    pub(crate) fn cpu(&self) -> f64 {
        f64::from_bits(self.cpu.load(Ordering::Relaxed))
    }

    pub(crate) fn set_cpu(&self, share: f64) {
        self.cpu.store(share.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn threshold(&self) -> u64 {
        self.threshold.load(Ordering::Relaxed)
    }

    pub(crate) fn set_rate(&self, rate: f64) {
        let threshold = Threshold::from_probability(rate).map_or(0, Threshold::to_bits);
        self.threshold.store(threshold, Ordering::Relaxed);
    }

    pub(crate) fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }
}

/// Keeps less than its sampler would, as the budget says.
#[derive(Debug)]
pub(crate) struct Throttled {
    pub(crate) sampler: Box<dyn Sampler>,
    pub(crate) throttle: Arc<Throttle>,
}

impl Sampler for Throttled {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let sampling = as_its_parent(self.sampler.sample(input), input);
        // Below one of this process that was not kept nothing is either, though its sampler may keep each span for itself.
        let parent = input.parent.filter(|parent| !parent.is_remote());
        let follows = parent.is_some_and(SpanContext::is_sampled);
        let Some(least) = Threshold::from_bits(self.throttle.threshold()) else {
            return sampling;
        };
        let is_dropped = sampling.decision == Decision::Drop;
        if least == Threshold::ALWAYS || is_dropped || is_free(input) || follows {
            return sampling;
        }
        thin(sampling, input, least).unwrap_or_else(|dropped| {
            if parent.is_none() {
                self.throttle.throttled.fetch_add(1, Ordering::Relaxed);
            }
            dropped
        })
    }

    fn description(&self) -> Cow<'static, str> {
        format!("Throttled{{{}}}", self.sampler.description()).into()
    }
}

/// Whether somebody wants this trace whatever it costs.
pub(crate) const fn is_free(input: &SamplingInput<'_>) -> bool {
    matches!(
        input.hint,
        Some(SamplingHint::Accept | SamplingHint::Debug | SamplingHint::Forced)
    )
}

/// What a sampler has kept by itself below a span of this process that is kept: it is there only if that is, so it says no lower threshold. Samplers that
/// decide for each span alone do not know what has become of the threshold above.
pub(crate) fn as_its_parent(mut sampling: Sampling, input: &SamplingInput<'_>) -> Sampling {
    // Else it has the parent's.
    let Some(state) = &sampling.trace_state else {
        return sampling;
    };
    let is_kept = |parent: &&SpanContext| !parent.is_remote() && parent.is_sampled();
    let above = input.parent.filter(is_kept).map(SpanContext::trace_state);
    if sampling.decision == Decision::RecordAndSample
        && let Some(above) = above.and_then(Threshold::of)
        && Threshold::of(state).is_none_or(|own| own < above)
        && !is_free(input)
    {
        sampling.trace_state = Some(above.stamp(state));
    }
    sampling
}

/// What is left of a decision to record where only traces of this randomness and more are; `Err` is the decision not to.
pub(crate) fn thin(
    mut sampling: Sampling,
    input: &SamplingInput<'_>,
    least: Threshold,
) -> Result<Sampling, Sampling> {
    let state = sampling.trace_state.as_ref();
    let state = state.unwrap_or_else(|| input.trace_state());
    if !least.keeps(threshold::randomness(state, input.trace_id)) {
        let mut dropped = Sampling::new(Decision::Drop);
        dropped.trace_state = threshold::erase(state).or(sampling.trace_state);
        return Err(dropped);
    }
    let certain = sampling.is_certain.then_some(Threshold::ALWAYS);
    // Where the probability is not known, it is not known after this either.
    if sampling.decision == Decision::RecordAndSample
        && let Some(before) = Threshold::of(state).or(certain)
        && before < least
    {
        sampling.trace_state = Some(least.stamp(state));
        sampling.is_certain = false;
    }
    Ok(sampling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_core_ctx::sampler::{AlwaysOn, ParentBased, Probability};
    use tracing_core_ctx::{IdGenerator as _, RandomIds, TraceFlags, TraceId};

    fn throttled(sampler: impl Sampler + 'static, rate: f64) -> Throttled {
        let throttle = Throttle::default();
        throttle.set_rate(rate);
        Throttled {
            sampler: Box::new(sampler),
            throttle: Arc::new(throttle),
        }
    }

    fn trace_ids(count: usize) -> impl Iterator<Item = TraceId> {
        let ids = RandomIds::default();
        (0..count).map(move |_| ids.trace_id())
    }

    /// A span of this process.
    fn kept(trace_id: TraceId, state: &str) -> SpanContext {
        let span_id = RandomIds::default().span_id();
        let cx = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED);
        cx.with_trace_state(state.parse().unwrap())
    }

    #[test]
    fn what_is_left_carries_the_threshold_of_both() {
        for (head, rate, least) in [(0.5, 0.1, 0.1), (0.1, 0.5, 0.1), (1.0, 0.25, 0.25)] {
            let sampler = throttled(Probability::new(head), rate);
            let mut represented = 0.0;
            for trace_id in trace_ids(20_000) {
                let sampling = sampler.sample(&SamplingInput::new(trace_id, "x"));
                if sampling.decision == Decision::Drop {
                    continue;
                }
                let state = sampling.trace_state.unwrap();
                let threshold = Threshold::of(&state).unwrap();
                assert!((threshold.probability() - least).abs() < 0.001);
                assert!(threshold.keeps(threshold::randomness(&state, trace_id)));
                represented += threshold.adjusted_count();
            }
            // Four sigma.
            let sigma = (20_000.0 * (1.0 - least) / least).sqrt();
            assert!(
                (represented - 20_000.0).abs() < 4.0 * sigma,
                "{represented}"
            );
        }
    }

    #[test]
    fn what_a_sampler_keeps_for_certain_carries_the_threshold_of_the_budget() {
        let sampler = throttled(AlwaysOn, 0.25);
        let mut kept = 0;
        for trace_id in trace_ids(1000) {
            let sampling = sampler.sample(&SamplingInput::new(trace_id, "x"));
            if sampling.decision == Decision::RecordAndSample {
                kept += 1;
                assert_eq!(sampling.trace_state.unwrap().get("ot"), Some("th:c"));
                assert!(!sampling.is_certain);
            }
        }
        assert!((150..350).contains(&kept), "{kept}");
    }

    #[test]
    fn below_a_span_of_this_process_that_went_for_the_budget_all_goes() {
        let sampler = throttled(AlwaysOn, 1e-9);
        for trace_id in trace_ids(50) {
            let span_id = RandomIds::default().span_id();
            let parent = SpanContext::new(trace_id, span_id, TraceFlags::NONE);
            let child = SamplingInput::new(trace_id, "x").with_parent(&parent);
            assert_eq!(sampler.sample(&child).decision, Decision::Drop);
        }
        // It was counted when it began.
        assert_eq!(sampler.throttle.throttled(), 0);
    }

    #[test]
    fn below_a_caller_that_said_no_probability_there_is_none() {
        let sampler = throttled(ParentBased::new(AlwaysOn), 0.25);
        for trace_id in trace_ids(100) {
            let span_id = RandomIds::default().span_id();
            let parent = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED).with_remote(true);
            let sampling = sampler.sample(&SamplingInput::new(trace_id, "x").with_parent(&parent));
            assert!(sampling.trace_state.is_none_or(|state| state.is_empty()));
        }
    }

    #[test]
    fn what_is_below_a_span_of_this_process_says_no_less_than_that_was_kept_with() {
        let heads: [Arc<dyn Sampler>; 2] = [Arc::new(AlwaysOn), Arc::new(Probability::new(0.5))];
        // There may be more of the budget again.
        for (head, rate) in [(0, 0.125), (0, 1.0), (1, 0.125), (1, 1.0)] {
            let throttled = throttled(Arc::clone(&heads[head]), rate);
            let trace_id = TraceId::from_u128((1 << 64) | 0xff_ffff_ffff_ffff).unwrap();
            let parent = kept(trace_id, "ot=th:e,rojo=1");
            let mut child = SamplingInput::new(trace_id, "x").with_parent(&parent);
            let sampling = throttled.sample(&child);
            let state = sampling.trace_state.unwrap();
            assert_eq!(state.as_str(), "ot=th:e,rojo=1");
            // What is forced below it would have been kept anyway.
            child.hint = Some(SamplingHint::Forced);
            let state = throttled.sample(&child).trace_state.unwrap();
            assert!(Threshold::of(&state).is_none_or(|own| own.probability() > 0.4));
        }
    }

    #[test]
    fn what_is_kept_less_often_than_the_span_above_it_says_so() {
        let throttled = throttled(Probability::new(0.0625), 0.5);
        let trace_id = TraceId::from_u128((1 << 64) | 0xff_ffff_ffff_ffff).unwrap();
        let parent = kept(trace_id, "ot=th:8");
        let child = SamplingInput::new(trace_id, "x").with_parent(&parent);
        let state = throttled.sample(&child).trace_state.unwrap();
        assert_eq!(state.as_str(), "ot=th:f");
    }

    #[test]
    fn without_a_lack_nothing_changes() {
        let sampler = throttled(AlwaysOn, 1.0);
        for trace_id in trace_ids(100) {
            let sampling = sampler.sample(&SamplingInput::new(trace_id, "x"));
            assert_eq!(sampling.decision, Decision::RecordAndSample);
            let plain = AlwaysOn.sample(&SamplingInput::new(trace_id, "x"));
            assert_eq!(sampling.trace_state, plain.trace_state);
        }
        assert_eq!(sampler.throttle.throttled(), 0);
    }

    #[test]
    fn what_follows_a_span_of_this_process_or_is_forced_is_kept() {
        let sampler = throttled(AlwaysOn, 1e-9);
        for trace_id in trace_ids(50) {
            let mut forced = SamplingInput::new(trace_id, "x");
            forced.hint = Some(SamplingHint::Forced);
            assert_eq!(sampler.sample(&forced).decision, Decision::RecordAndSample);
            let span_id = RandomIds::default().span_id();
            let parent = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED);
            let child = SamplingInput::new(trace_id, "x").with_parent(&parent);
            assert_eq!(sampler.sample(&child).decision, Decision::RecordAndSample);
        }
        assert_eq!(sampler.throttle.throttled(), 0);
        for trace_id in trace_ids(50) {
            let root = sampler.sample(&SamplingInput::new(trace_id, "x"));
            assert_eq!(root.decision, Decision::Drop);
        }
        assert_eq!(sampler.throttle.throttled(), 50);
    }
}
