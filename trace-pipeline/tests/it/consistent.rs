//! The same traces are kept as by samplers of other languages: see `consistent/generate.py`.

use trace_pipeline::sampling::Rules;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{Decision, Probability, Sampler, SamplingInput};
use tracing_core_ctx::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const PYTHON: &str = include_str!("consistent/opentelemetry-python.tsv");

#[test]
fn the_same_traces_are_kept_as_by_opentelemetry_of_python() {
    let rows = PYTHON.lines().filter(|line| !line.starts_with('#'));
    let mut compared = 0;
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let [probability, trace_id, state_in, sampled, state_out] = columns[..] else {
            panic!("five columns: {row}")
        };
        let ratio: f64 = probability.parse().unwrap();
        let rules = Rules::new().otherwise(ratio).own_rates();
        let samplers: [&dyn Sampler; 2] = [&rules, &Probability::new(ratio)];
        let trace_id: TraceId = trace_id.parse().unwrap();
        let caller = SpanContext::new(trace_id, SpanId::from_u64(1).unwrap(), TraceFlags::NONE)
            .with_trace_state(state_in.parse().unwrap())
            .with_remote(true);
        let mut input = SamplingInput::new(trace_id, "span");
        if !state_in.is_empty() {
            input = input.with_parent(&caller);
        }
        for sampler in samplers {
            let sampling = sampler.sample(&input);
            let is_sampled = sampling.decision == Decision::RecordAndSample;
            assert_eq!(is_sampled, sampled == "1", "{row}");
            let ours = sampling
                .trace_state
                .unwrap_or_else(|| input.trace_state().clone());
            agree(&ours, &state_out.parse().unwrap(), row);
            compared += 1;
        }
    }
    assert_eq!(compared, 2 * 520);
}

fn agree(ours: &TraceState, theirs: &TraceState, row: &str) {
    // They write all digits of a threshold, we write four and those behind leading `f`s, as the specification recommends.
    match (Threshold::of(ours), Threshold::of(theirs)) {
        (Some(ours), Some(theirs)) => {
            let quotient = ours.adjusted_count() / theirs.adjusted_count();
            assert!((quotient - 1.0).abs() < 1e-3, "{row}: {ours}");
        }
        (ours, theirs) => assert_eq!(ours, theirs, "{row}"),
    }
    assert_eq!(rest(ours), rest(theirs), "{row}");
}

/// All that a sampler leaves as it is.
fn rest(state: &TraceState) -> (Vec<String>, Vec<String>) {
    let sub_keys = state.get("ot").unwrap_or_default().split(';');
    let sub_keys = sub_keys
        .filter(|pair| !pair.is_empty() && !pair.starts_with("th:"))
        .map(str::to_owned);
    let others = state.iter().filter(|member| member.0 != "ot");
    (
        sub_keys.collect(),
        others
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
    )
}
