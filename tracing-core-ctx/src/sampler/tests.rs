use proptest::prelude::*;

use super::threshold::{Threshold, erase, randomness};
use super::*;
use crate::{SpanId, TraceFlags};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn parent(flags: u8, state: &str, remote: bool) -> SpanContext {
    SpanContext::new(
        TRACE.parse().unwrap(),
        SpanId::from_u64(1).unwrap(),
        TraceFlags::from_bits(flags),
    )
    .with_trace_state(state.parse().unwrap())
    .with_remote(remote)
}

fn below<'a>(parent: &'a SpanContext) -> SamplingInput<'a> {
    SamplingInput::new(parent.trace_id(), "test").with_parent(parent)
}

#[test]
fn thresholds_are_those_of_the_specification() {
    for (probability, digits) in [
        (1.0, "0"),
        (0.9999, "0007"),
        (0.999, "0042"),
        (0.99, "028f"),
        (0.95, "0ccd"),
        (0.9375, "1"),
        (0.9, "199a"),
        (0.75, "4"),
        (2.0 / 3.0, "5555"),
        (0.5, "8"),
        (1.0 / 3.0, "aaab"),
        (0.25, "c"),
        (0.2, "cccd"),
        (0.125, "e"),
        (0.1, "e666"),
        (0.0625, "f"),
        (0.05, "f3333"),
        (0.02, "fae14"),
        (0.01, "fd70a"),
        (0.001, "ffbe77"),
        (1e-4, "fff9724"),
        (1e-5, "ffff583a"),
        (1e-6, "ffffef39"),
    ] {
        let threshold = Threshold::from_probability(probability).unwrap();
        assert_eq!(threshold.to_string(), digits, "{probability}");
        assert_eq!(Threshold::parse(digits), Some(threshold), "{probability}");
    }
    assert_eq!(Threshold::from_probability(0.0), None);
    assert_eq!(Threshold::from_probability(f64::NAN), None);
}

#[test]
fn adjusted_counts_are_those_of_the_specification() {
    for (digits, count) in [
        ("c", 4.0),
        ("e666", 9.999_389_685_688_13),
        ("fd70a", 99.997_711_234_026_33),
        ("ffbe77", 1_000.012_874_769_029),
    ] {
        let counted = Threshold::parse(digits).unwrap().adjusted_count();
        assert!((counted - count).abs() < 1e-9, "{digits}: {counted}");
    }
}

#[test]
fn malformed_thresholds_are_none() {
    for digits in ["", "E666", "0123456789abcde", "g", "+1"] {
        assert_eq!(Threshold::parse(digits), None, "{digits}");
    }
}

#[test]
fn randomness_on_the_threshold_is_kept() {
    let threshold = Threshold::parse("8").unwrap();
    assert!(threshold.keeps(1 << 55));
    assert!(!threshold.keeps((1 << 55) - 1));
}

#[test]
fn explicit_randomness_wins_over_the_trace_id_unless_it_is_malformed() {
    let trace_id: TraceId = TRACE.parse().unwrap();
    let of = |state: &str| randomness(&state.parse().unwrap(), trace_id);
    assert_eq!(of("ot=rv:6e6d1a75832a2f"), 0x6e_6d1a_7583_2a2f);
    assert_eq!(of("ot=rv:6e6d"), trace_id.randomness());
    assert_eq!(of("ot=rv:6E6D1A75832A2F"), trace_id.randomness());
}

#[test]
fn probability_stamps_what_it_keeps_and_erases_what_it_drops() {
    let kept = parent(1, "ot=th:8;rv:ffffffffffffff;zz:1,foo=1", true);
    let sampling = Probability::new(0.1).sample(&below(&kept));
    assert_eq!(sampling.decision, Decision::RecordAndSample);
    assert_eq!(
        sampling.trace_state.unwrap().as_str(),
        "ot=th:e666;rv:ffffffffffffff;zz:1,foo=1"
    );

    let dropped = parent(1, "ot=th:8;rv:00000000000000,foo=1", true);
    let sampling = Probability::new(0.1).sample(&below(&dropped));
    assert_eq!(sampling.decision, Decision::Drop);
    assert_eq!(
        sampling.trace_state.unwrap().as_str(),
        "ot=rv:00000000000000,foo=1"
    );
}

#[test]
fn erasing_the_only_sub_key_removes_the_member() {
    assert_eq!(
        erase(&"ot=th:8,foo=1".parse().unwrap()).unwrap().as_str(),
        "foo=1"
    );
    assert_eq!(erase(&"ot=rv:00000000000000".parse().unwrap()), None);
}

#[test]
fn parent_based_follows_the_parent() {
    let sampler = ParentBased::new(AlwaysOff);
    assert_eq!(
        sampler.sample(&below(&parent(1, "", true))).decision,
        Decision::RecordAndSample
    );
    assert_eq!(
        sampler.sample(&below(&parent(0, "", false))).decision,
        Decision::Drop
    );
    let root = SamplingInput::new(TRACE.parse().unwrap(), "root");
    assert_eq!(sampler.sample(&root).decision, Decision::Drop);
}

#[test]
fn parent_based_keeps_a_threshold_only_when_it_agrees_with_the_flag() {
    let sampler = ParentBased::new(AlwaysOn);
    // Randomness 0.81: kept by 25 % (c), not by 12.5 % (e).
    assert_eq!(
        sampler
            .sample(&below(&parent(1, "ot=th:c", true)))
            .trace_state,
        None
    );
    let erased = sampler
        .sample(&below(&parent(1, "ot=th:e", true)))
        .trace_state
        .unwrap();
    assert!(erased.is_empty());
    let unsampled = sampler
        .sample(&below(&parent(0, "ot=th:c,a=1", true)))
        .trace_state
        .unwrap();
    assert_eq!(unsampled.as_str(), "a=1");
}

#[test]
fn parent_based_asks_another_sampler_for_each_kind_of_parent() {
    let sampler = ParentBased::new(AlwaysOn)
        .remote_parent_sampled(AlwaysOff)
        .remote_parent_not_sampled(AlwaysOn)
        .local_parent_sampled(AlwaysOff)
        .local_parent_not_sampled(AlwaysOn);
    for remote in [true, false] {
        assert_eq!(
            sampler.sample(&below(&parent(1, "", remote))).decision,
            Decision::Drop
        );
        assert_eq!(
            sampler.sample(&below(&parent(0, "", remote))).decision,
            Decision::RecordAndSample
        );
    }
}

#[test]
fn a_wish_without_ids_steers_the_root() {
    let input = |hint| SamplingInput {
        hint: Some(hint),
        ..SamplingInput::new(TRACE.parse().unwrap(), "root")
    };
    let on = ParentBased::new(AlwaysOn);
    let off = ParentBased::new(AlwaysOff);
    assert_eq!(
        on.sample(&input(SamplingHint::Deny)).decision,
        Decision::Drop
    );
    assert_eq!(
        off.sample(&input(SamplingHint::Accept)).decision,
        Decision::RecordAndSample
    );
    assert_eq!(
        off.sample(&input(SamplingHint::Debug)).decision,
        Decision::RecordAndSample
    );
    assert_eq!(
        off.sample(&input(SamplingHint::Defer)).decision,
        Decision::Drop
    );
}

#[test]
fn a_parent_that_deferred_is_decided_by_the_root_sampler() {
    let undecided = parent(0, "", true);
    let input = SamplingInput {
        hint: Some(SamplingHint::Defer),
        ..below(&undecided)
    };
    assert_eq!(
        ParentBased::new(AlwaysOn).sample(&input).decision,
        Decision::RecordAndSample
    );
}

#[test]
fn descriptions_name_the_settings() {
    assert_eq!(
        ParentBased::new(Probability::new(0.1)).description(),
        "ParentBased{root:ProbabilitySampler{0.1},remoteParentSampled:AlwaysOnSampler,\
         remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}"
    );
}

proptest! {
    #[test]
    fn a_lower_probability_keeps_a_subset(trace in 1u128.., p in 0.0f64..1.0, q in 0.0f64..1.0) {
        let (low, high) = if p < q { (p, q) } else { (q, p) };
        let input = SamplingInput::new(TraceId::from_u128(trace).unwrap(), "x");
        let keeps = |p| Probability::new(p).sample(&input).decision == Decision::RecordAndSample;
        prop_assert!(!keeps(low) || keeps(high));
    }

    #[test]
    fn a_threshold_stands_for_its_probability(p in 0.000_001f64..=1.0) {
        let threshold = Threshold::from_probability(p).unwrap();
        let error = (threshold.adjusted_count() * p - 1.0).abs();
        prop_assert!(error < 0.001, "{p}: {error}");
        prop_assert_eq!(Threshold::parse(&threshold.to_string()), Some(threshold));
    }
}

#[test]
fn a_threshold_is_a_number_of_56_bits() {
    let eighth = Threshold::from_bits(0xe0 << 48).unwrap();
    assert_eq!(eighth.to_string(), "e");
    assert_eq!(eighth.to_bits(), 0xe0 << 48);
    assert!((eighth.probability() - 0.125).abs() < 1e-12);
    assert_eq!(Threshold::from_bits(1 << 56), None);
}

#[test]
fn a_forced_trace_is_kept_below_any_parent_and_has_no_threshold() {
    let unsampled = parent(0, "ot=th:8,a=1", true);
    for input in [
        below(&unsampled),
        SamplingInput::new(TRACE.parse().unwrap(), "root"),
    ] {
        let input = SamplingInput {
            hint: Some(SamplingHint::Forced),
            ..input
        };
        let sampling = ParentBased::new(AlwaysOff).sample(&input);
        assert_eq!(sampling.decision, Decision::RecordAndSample);
        let state = sampling.trace_state.unwrap_or_default();
        assert_eq!(Threshold::of(&state), None);
    }
}

#[test]
fn a_threshold_for_which_there_is_no_room_is_not_replaced_by_an_old_one() {
    let long = "x".repeat(256 - "th:8;y:".len());
    let state: TraceState = format!("ot=th:8;y:{long}").parse().unwrap();
    let stamped = Threshold::from_bits(1).unwrap().stamp(&state);
    assert_eq!(Threshold::of(&stamped), None);
    assert_eq!(stamped.get("ot"), Some(format!("y:{long}").as_str()));
}

#[test]
fn a_debug_wish_that_came_with_a_sampled_parent_is_stronger_than_samplers() {
    let sampler = ParentBased::new(AlwaysOff)
        .remote_parent_sampled(Probability::new(0.0))
        .local_parent_sampled(AlwaysOff);
    let caller = parent(1, "ot=th:8,a=1", true);
    let input = SamplingInput {
        hint: Some(SamplingHint::Debug),
        ..below(&caller)
    };
    let sampling = sampler.sample(&input);
    assert_eq!(sampling.decision, Decision::RecordAndSample);
    assert_eq!(sampling.trace_state.unwrap().as_str(), "a=1");
    let reason = sampling.attributes.get("ctx.sampling.reason");
    assert_eq!(reason, Some(ValueRef::Str("forced")));

    // Below the first span here the wish is still there, and says nothing new.
    let first = parent(1, "a=1", false);
    let input = SamplingInput {
        hint: Some(SamplingHint::Debug),
        ..below(&first)
    };
    let sampling = sampler.sample(&input);
    assert_eq!(sampling.decision, Decision::RecordAndSample);
    assert!(sampling.attributes.is_empty());
    let unsampled = parent(0, "", false);
    let wish = SamplingInput {
        hint: Some(SamplingHint::Debug),
        ..below(&unsampled)
    };
    assert_eq!(sampler.sample(&wish).decision, Decision::Drop);
}
