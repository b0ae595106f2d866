use tracing_core_ctx::attribute::Attributes;
use tracing_core_ctx::{SpanContext, SpanId, SpanKind, TraceFlags, TraceId};

use super::*;
use crate::sampling::{Adaptive, RateLimit};

/// Randomness 0.81.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn trace() -> TraceId {
    TRACE.parse().unwrap()
}

fn decide(rules: &Rules, kind: SpanKind, known: &[(&str, &str)]) -> Sampling {
    let mut attributes = Attributes::new();
    for (key, value) in known {
        attributes.set(*key, *value);
    }
    let mut input = SamplingInput::new(trace(), "span");
    input.kind = kind;
    input.attributes = &attributes;
    rules.sample(&input)
}

fn get(rules: &Rules, path: &str) -> Sampling {
    let known = [("http.request.method", "GET"), ("url.path", path)];
    decide(rules, SpanKind::Server, &known)
}

fn caller(flags: TraceFlags, state: &str) -> SpanContext {
    SpanContext::new(trace(), SpanId::from_u64(1).unwrap(), flags)
        .with_trace_state(state.parse().unwrap())
        .with_remote(true)
}

fn threshold(sampling: &Sampling) -> Option<String> {
    Threshold::of(sampling.trace_state.as_ref()?).map(|threshold| threshold.to_string())
}

fn shop() -> Rules {
    Rules::new()
        .rule(Rule::new().route("/checkout").probability(0.1))
        .rule(
            Rule::new()
                .route("/admin/*")
                .method("GET")
                .always()
                .because("admin"),
        )
        .rule(Rule::new().route("/health").never())
        .rule(Rule::new().topic("orders").kind(SpanKind::Consumer))
        .rule(Rule::new().attribute("user.tier", "gold").probability(0.5))
        .rule(Rule::new().host("*.partner").probability(0.25))
        .rule(Rule::new().name("sp*n").kind(SpanKind::Internal))
        .otherwise(0.01)
}

#[test]
fn the_first_rule_that_is_for_a_span_decides() {
    let rules = shop();
    assert_eq!(get(&rules, "/checkout").decision, Decision::Drop);
    let admin = get(&rules, "/admin/users");
    assert_eq!(admin.decision, Decision::RecordAndSample);
    assert_eq!(threshold(&admin).as_deref(), Some("0"));
    let reason = admin.attributes.get("ctx.sampling.reason").unwrap();
    assert_eq!(reason.as_str(), Some("admin"));
    assert_eq!(get(&rules, "/other").decision, Decision::Drop);

    let health = get(&rules, "/health");
    assert_eq!((health.decision, health.is_final), (Decision::Drop, true));
    assert!(!get(&rules, "/other").is_final);

    let topic = [("messaging.destination.name", "orders")];
    let consumed = decide(&rules, SpanKind::Consumer, &topic);
    assert_eq!(consumed.decision, Decision::RecordAndSample);
    let sent = decide(&rules, SpanKind::Producer, &topic);
    assert_eq!(sent.decision, Decision::Drop);

    let gold = decide(&rules, SpanKind::Server, &[("user.tier", "gold")]);
    assert_eq!(threshold(&gold).as_deref(), Some("8"));
    let partner = decide(&rules, SpanKind::Client, &[("server.address", "a.partner")]);
    assert_eq!(threshold(&partner).as_deref(), Some("c"));
    let named = decide(&rules, SpanKind::Internal, &[]);
    assert_eq!(threshold(&named).as_deref(), Some("0"));
}

#[test]
fn a_known_route_is_looked_at_and_not_its_path() {
    let rules = Rules::new()
        .rule(Rule::new().route("/users/{id}"))
        .otherwise(0.0);
    let known = [("http.route", "/users/{id}"), ("url.path", "/users/7")];
    let kept = decide(&rules, SpanKind::Server, &known);
    assert_eq!(kept.decision, Decision::RecordAndSample);
    assert_eq!(get(&rules, "/users/7").decision, Decision::Drop);
}

#[test]
fn what_has_a_parent_does_what_the_parent_did() {
    let rules = shop();
    let sampled = caller(TraceFlags::SAMPLED, "ot=th:c");
    let input = SamplingInput::new(trace(), "span").with_parent(&sampled);
    let sampling = rules.sample(&input);
    assert_eq!(sampling.decision, Decision::RecordAndSample);
    assert!(sampling.trace_state.is_none());
    let unsampled = caller(TraceFlags::NONE, "");
    let input = SamplingInput::new(trace(), "span").with_parent(&unsampled);
    let sampling = rules.sample(&input);
    assert_eq!(
        (sampling.decision, sampling.is_final),
        (Decision::Drop, false)
    );
}

#[test]
fn with_own_rates_the_same_randomness_decides_in_every_service() {
    let at = |probability| Rules::new().otherwise(probability).own_rates();
    let unsampled = caller(TraceFlags::NONE, "ot=rv:60000000000000");
    let input = SamplingInput::new(trace(), "span").with_parent(&unsampled);
    let decision = |probability| at(probability).sample(&input).decision;
    assert_eq!(decision(0.5), Decision::Drop);
    assert_eq!(decision(0.7), Decision::RecordAndSample);
    let state = at(0.7).sample(&input).trace_state.unwrap();
    assert_eq!(state.get("ot"), Some("th:4ccd;rv:60000000000000"));

    // But within a process the local parent decides.
    let local = unsampled.clone().with_remote(false);
    let input = SamplingInput::new(trace(), "span").with_parent(&local);
    assert_eq!(at(1.0).sample(&input).decision, Decision::Drop);
}

#[test]
fn a_forced_trace_is_kept_and_has_no_weight() {
    let rules = Rules::new().otherwise(0.0);
    let sampled = caller(TraceFlags::NONE, "ot=th:8;rv:00000000000000");
    for parent in [None, Some(&sampled)] {
        let mut input = SamplingInput::new(trace(), "span");
        if let Some(parent) = parent {
            input = input.with_parent(parent);
        }
        input.hint = Some(SamplingHint::Debug);
        let sampling = rules.sample(&input);
        assert_eq!(sampling.decision, Decision::RecordAndSample);
        assert_eq!(threshold(&sampling), None);
        let reason = sampling.attributes.get("ctx.sampling.reason").unwrap();
        assert_eq!(reason.as_str(), Some("forced"));
    }
}

#[test]
fn rules_that_adapt_want_to_hear_how_roots_end() {
    let limited = Rules::new().rule(Rule::new().limit(RateLimit::per_second(1)));
    assert!(!limited.learns());
    let adaptive = Rules::new().rule(Rule::new().adaptive(Adaptive::per_second(1.0)));
    assert!(adaptive.learns());
    let new = get(&adaptive, "/new");
    assert_eq!(threshold(&new).as_deref(), Some("0"));
}

#[cfg(feature = "rules-file")]
#[test]
fn new_rules_that_are_as_before_have_no_new_budget() {
    use std::sync::Arc;

    use crate::sampling::{CurrentRules, RulesFile};

    let rules = |first: &str| {
        let text = format!("{first}\n[[rule]]\nname = \"a\"\nkeep = {{ per_second = 50 }}");
        RulesFile::parse(&text).unwrap().rules
    };
    let limit = |rules: &Rules| match &rules.rules.last().unwrap().rate {
        Rate::Limit(limit) => Arc::clone(limit),
        other => panic!("{other:?}"),
    };
    let first = rules("");
    let before = limit(&first);
    let current = CurrentRules::new(first);
    current.set(rules("[[rule]]\nname = \"b\"\nkeep = 1"));
    assert!(Arc::ptr_eq(&before, &limit(&current.now())));
    let other = RulesFile::parse("[[rule]]\nname = \"a\"\nkeep = { per_second = 51 }").unwrap();
    current.set(other.rules);
    assert!(!Arc::ptr_eq(&before, &limit(&current.now())));
}
