//! The decision falls before anything is built.

use std::borrow::Cow;

use super::*;
use crate::TraceState;
use crate::attribute::{Attributes, ValueRef};
use crate::context::SamplingHint;
use crate::sampler::{
    AlwaysOff, AlwaysOn, AttributeSource, Decision, Sampler, Sampling, SamplingInput,
};

/// Answers by a closure.
struct By<F>(F);

impl<F> std::fmt::Debug for By<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("By")
    }
}

impl<F: Fn(&SamplingInput<'_>) -> Sampling + Send + Sync> Sampler for By<F> {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        (self.0)(input)
    }

    fn description(&self) -> Cow<'static, str> {
        "By".into()
    }
}

fn decided_by(sample: impl Fn(&SamplingInput<'_>) -> Sampling + Send + Sync + 'static) -> Bench {
    Bench::with(|builder| builder.sampler(By(sample)))
}

#[test]
fn of_a_span_that_is_dropped_only_the_identity_is_made() {
    let bench = Bench::with(|builder| builder.sampler(AlwaysOff));
    let cx = Context::new().with_remote_span(caller(TraceFlags::SAMPLED));
    let span = bench
        .tracer
        .span("span")
        .parent(&cx)
        .start_with(|_| panic!("described for nobody"));
    assert!(!span.is_recording());
    let identity = span.span_context().unwrap().clone();
    assert_eq!(identity.trace_id(), caller(TraceFlags::NONE).trace_id());
    assert_ne!(identity.span_id(), caller(TraceFlags::NONE).span_id());
    assert!(!identity.is_sampled() && !identity.is_remote());
    span.event("event", |_| panic!("described for nobody"));
    span.end_with(|_| panic!("described for nobody"));
    assert_eq!(bench.sink.starts(), 0);
    assert!(bench.all().is_empty());
    assert_eq!(bench.late_writes(), 0);
}

#[test]
fn a_sink_is_told_of_what_a_sampler_drops_and_of_nothing_else() {
    let bench = decided_by(|input| {
        Sampling::new(match input.name {
            "drop" => Decision::Drop,
            "record" => Decision::RecordOnly,
            _ => Decision::RecordAndSample,
        })
    });
    let dropped = bench.tracer.span("drop").start();
    bench.tracer.span("record").start().end();
    bench.tracer.span("sample").start().end();
    assert_eq!(bench.sink.not_recorded.load(Ordering::Relaxed), 1);
    // In whichever way it would have started.
    let caller = Context::new().with_remote_span(caller(TraceFlags::SAMPLED));
    drop(bench.tracer.span("drop").parent(&caller).start());
    drop(bench.tracer.span("drop").start_in(Context::new(), |_| {}));
    assert_eq!(bench.sink.not_recorded.load(Ordering::Relaxed), 3);
    // Nobody is asked about these.
    dropped.in_scope(|| drop(Span::child("drop")));
    let suppressed = Context::new().suppressed();
    drop(bench.tracer.span("drop").parent(&suppressed).start());
    assert_eq!(bench.sink.not_recorded.load(Ordering::Relaxed), 3);
}

#[test]
fn of_a_template_samplers_see_nothing_and_the_span_has_its_name() {
    let bench = decided_by(|input| {
        assert_eq!(input.name, "given");
        assert_eq!(input.attributes.get("key"), None);
        Sampling::new(Decision::RecordAndSample)
    });
    let mut template = SpanTemplate::new("name");
    template.set("key", "value");
    let builder = bench.tracer.span("given").template(&template);
    builder.start_with(|span| span.set("own", 1)).end();
    let all = bench.all();
    let [span] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(span.name(), "name");
    let keys: Vec<&str> = span.attributes().iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["key", "own"]);
}

#[test]
fn a_sampler_that_panics_leaves_the_current_span_where_it_is() {
    let bench = decided_by(|input| match input.name {
        "child" => panic!("the sampler"),
        _ => Sampling::new(Decision::RecordAndSample),
    });
    let parent = bench.span();
    let _scope = parent.context().attach();
    let panicked = std::panic::catch_unwind(|| Span::child("child").end());
    assert!(panicked.is_err());
    assert_eq!(SpanRef::current().span_context(), parent.span_context());
    Span::child("other").end();
    assert_eq!(
        bench.only().parent(),
        parent.span_context().map(SpanContext::span_id)
    );
}

#[test]
fn a_span_that_is_only_recorded_has_its_sampled_flag_off() {
    let bench = decided_by(|_| Sampling::new(Decision::RecordOnly));
    let cx = Context::new().with_remote_span(caller(TraceFlags::SAMPLED));
    let span = bench.tracer.span("span").parent(&cx).start();
    assert!(span.is_recording());
    drop(span);
    assert!(!bench.only().span_context().is_sampled());
}

#[test]
fn a_sampler_sees_what_is_known_before_the_start() {
    struct Lent;

    impl AttributeSource for Lent {
        fn get(&self, key: &str) -> Option<ValueRef<'_>> {
            (key == "url.path").then_some(ValueRef::Str("/lent"))
        }
    }

    let bench = decided_by(|input| {
        assert_eq!(input.name, "span");
        assert_eq!(input.kind, SpanKind::Client);
        assert_eq!(input.hint, Some(SamplingHint::Debug));
        assert_eq!(input.parent, Some(&caller(TraceFlags::SAMPLED)));
        assert_eq!(input.trace_id, caller(TraceFlags::SAMPLED).trace_id());
        assert_eq!(input.links.len(), 1);
        assert_eq!(input.attributes.get("own"), Some(ValueRef::I64(1)));
        assert_eq!(input.attributes.get("other"), None);
        let key = if input.attributes.get("url.path").is_some() {
            "lent"
        } else {
            "given"
        };
        let mut sampling = Sampling::new(Decision::RecordAndSample);
        sampling.attributes.set(key, true);
        sampling
    });
    let cx = Context::new()
        .with_remote_span(caller(TraceFlags::SAMPLED))
        .with_sampling_hint(SamplingHint::Debug);
    let builder = || {
        let link = span_context(9, TraceFlags::NONE);
        bench
            .tracer
            .span("span")
            .kind(SpanKind::Client)
            .parent(&cx)
            .link(link)
            .attribute("own", 1)
    };
    drop(builder().start());
    let record = bench.only();
    assert!(record.attributes().get("given").is_some());
    drop(builder().attribute_source(&Lent).start());
    let record = bench.only();
    assert!(record.attributes().get("lent").is_some());
    assert!(record.attributes().get("own").is_some());
    assert_eq!(
        record.attributes().get("url.path"),
        None,
        "what is lent is not kept"
    );
}

#[test]
fn a_sampler_sees_links_that_are_lent_and_the_span_does_not_keep_them() {
    let lent = [9, 10].map(|id| Link::new(span_context(id, TraceFlags::NONE)));
    let bench = decided_by(|input| {
        let expected = if input.attributes.get("given").is_some() {
            1
        } else {
            2
        };
        assert_eq!(input.links.len(), expected);
        Sampling::new(Decision::RecordAndSample)
    });
    let builder = || bench.tracer.span("span").link_source(&lent);
    drop(builder().start());
    assert!(bench.only().links().is_empty());
    let link = span_context(11, TraceFlags::NONE);
    drop(builder().link(link).attribute("given", true).start());
    assert_eq!(bench.only().links().len(), 1);
}

#[test]
fn a_samplers_attribute_wins_over_a_described_one_and_stands_there_once() {
    let bench = decided_by(|_| {
        let mut sampling = Sampling::new(Decision::RecordAndSample);
        sampling.attributes.set("shop.rule", "sampler");
        sampling
    });
    const RULE: crate::attribute::Key<str> = crate::attribute::Key::new("shop.rule");
    bench
        .tracer
        .span("span")
        .start_with(|span| span.set_new(RULE, "described"))
        .end();
    let record = bench.all().remove(0);
    assert_eq!(record.attributes().len(), 1);
    assert_eq!(text(record.attributes(), "shop.rule"), Some("sampler"));
}

#[test]
fn a_samplers_attributes_and_tracestate_are_taken_over() {
    let bench = decided_by(|input| {
        let mut sampling = Sampling::new(Decision::RecordAndSample);
        sampling.attributes.set("sampler.rule", "checkout");
        sampling.attributes.set("given", "replaced");
        sampling.with_trace_state(input.trace_state().with("ot", "th:8").unwrap())
    });
    let state: TraceState = "rojo=1".parse().unwrap();
    let cx = Context::new().with_remote_span(caller(TraceFlags::SAMPLED).with_trace_state(state));
    drop(
        bench
            .tracer
            .span("span")
            .parent(&cx)
            .attribute("given", "early")
            .start(),
    );
    let record = bench.only();
    assert_eq!(
        record.span_context().trace_state().as_str(),
        "ot=th:8,rojo=1"
    );
    assert_eq!(text(record.attributes(), "sampler.rule"), Some("checkout"));
    assert_eq!(text(record.attributes(), "given"), Some("replaced"));
}

#[test]
fn a_dropped_span_carries_the_samplers_tracestate_too() {
    let bench =
        decided_by(|_| Sampling::new(Decision::Drop).with_trace_state("a=1".parse().unwrap()));
    let span = bench.span();
    assert_eq!(span.span_context().unwrap().trace_state().as_str(), "a=1");
}

#[test]
fn a_root_has_the_random_flag_if_its_ids_are_random() {
    for random in [true, false] {
        let ids = Counted {
            random,
            ..Counted::default()
        };
        let bench = Bench::with(|builder| builder.sampler(AlwaysOn).id_generator(ids));
        drop(bench.span());
        assert_eq!(
            bench.only().span_context().flags(),
            TraceFlags::SAMPLED.with_random(random)
        );
    }
}

#[test]
fn a_child_has_the_random_flag_of_its_parent() {
    for generator in [true, false] {
        for parent in [true, false] {
            let ids = Counted {
                random: generator,
                ..Counted::default()
            };
            let bench = Bench::with(|builder| builder.id_generator(ids));
            let cx =
                Context::new().with_remote_span(caller(TraceFlags::SAMPLED.with_random(parent)));
            drop(bench.tracer.span("span").parent(&cx).start());
            assert_eq!(bench.only().span_context().flags().is_random(), parent);
        }
    }
}

#[test]
fn a_dropped_span_keeps_the_random_flag() {
    let bench = Bench::with(|builder| builder.sampler(AlwaysOff));
    let cx = Context::new().with_remote_span(caller(TraceFlags::SAMPLED.with_random(true)));
    let span = bench.tracer.span("span").parent(&cx).start();
    assert_eq!(span.span_context().unwrap().flags(), TraceFlags::RANDOM);
}

#[test]
fn nothing_is_recorded_in_a_suppressed_context() {
    let bench = decided_by(|_| panic!("asked for nothing"));
    let cx = Context::new()
        .with_remote_span(caller(TraceFlags::SAMPLED))
        .suppressed();
    cx.scope(|| {
        let passing = bench.span();
        assert!(!passing.is_recording());
        assert_eq!(passing.span_context(), Some(&caller(TraceFlags::SAMPLED)));
        assert!(!bench.tracer.span("root").root().start().is_recording());
        let relation = Relation::ChildOf(span_context(9, TraceFlags::SAMPLED));
        assert!(
            !bench
                .tracer
                .span("child")
                .relation(relation)
                .start()
                .is_recording()
        );
        assert!(!Span::child("child").is_recording());
    });
    assert!(
        !bench
            .tracer
            .span("below")
            .parent(&cx)
            .root()
            .start()
            .is_recording()
    );
    assert_eq!(bench.sink.starts(), 0);
}

#[test]
fn suppression_holds_below_a_span_that_records() {
    let bench = Bench::new();
    let span = bench.span();
    span.context().suppressed().scope(|| {
        let child = Span::child("exporting");
        assert!(!child.is_recording());
        assert_eq!(child.span_context(), span.span_context());
    });
    assert_eq!(bench.sink.starts(), 1);
}

#[test]
fn a_given_context_that_is_not_suppressed_records_in_one_that_is() {
    let bench = Bench::new();
    Context::new().suppressed().scope(|| {
        assert!(
            bench
                .tracer
                .span("span")
                .parent(&Context::new())
                .start()
                .is_recording()
        );
    });
}

#[test]
fn a_tracer_without_a_sink_passes_the_callers_context_on() {
    let tracer = Tracer::noop();
    let cx = Context::new()
        .with_remote_span(caller(TraceFlags::SAMPLED))
        .with_sampling_hint(SamplingHint::Debug);
    let span = tracer
        .span("span")
        .parent(&cx)
        .start_with(|_| panic!("described for nobody"));
    assert!(!span.is_recording());
    let onward = cx.with_span(&span);
    assert_eq!(onward.span_context(), Some(&caller(TraceFlags::SAMPLED)));
    assert_eq!(onward.sampling_hint(), Some(SamplingHint::Debug));
    // And a wish that came without ids.
    let cx = Context::new().with_sampling_hint(SamplingHint::Deny);
    let span = tracer.span("span").parent(&cx).start();
    assert_eq!(span.span_context(), None);
    assert_eq!(
        cx.with_span(&span).sampling_hint(),
        Some(SamplingHint::Deny)
    );
}

#[test]
fn an_empty_sampling_adds_nothing() {
    let sampling = Sampling::new(Decision::RecordAndSample);
    assert_eq!(
        (sampling.trace_state, sampling.attributes),
        (None, Attributes::new())
    );
}

#[test]
fn spans_know_their_local_root() {
    let bench = Bench::new();
    let remote = Context::new().with_remote_span(caller(TraceFlags::SAMPLED));
    let root = bench.tracer.span("root").parent(&remote).start();
    let root_id = root.span_context().unwrap().span_id();
    let outer = bench.tracer.span("outer").parent(&root.context()).start();
    let inner = outer.in_scope(|| Span::child("inner"));
    outer.end();
    // The root's recording is gone, and it is the root all the same.
    root.end();
    let late = inner.in_scope(|| Span::child("late"));
    late.end();
    inner.end();
    drop(bench.tracer.span("other").start_in(remote, |_| {}));
    for record in bench.all() {
        let is_other = record.name() == "other";
        let expected = if is_other {
            record.span_context().span_id()
        } else {
            root_id
        };
        assert_eq!(record.local_root(), expected, "{}", record.name());
    }
}

#[test]
fn below_a_span_that_does_not_record_a_new_local_root_begins() {
    let bench = decided_by(|input| {
        let decision = if input.name() == "dropped" {
            Decision::Drop
        } else {
            Decision::RecordOnly
        };
        assert_eq!(input.parent_is_recording, input.name() == "third");
        Sampling::new(decision)
    });
    let dropped = bench.tracer.span("dropped").root().start();
    let second = bench
        .tracer
        .span("second")
        .parent(&dropped.context())
        .start();
    let third = bench.tracer.span("third").parent(&second.context()).start();
    third.end();
    second.end();
    let [third, second] = &bench.all()[..] else {
        panic!("two spans were recorded")
    };
    assert_eq!(second.local_root(), second.span_context().span_id());
    assert_eq!(third.local_root(), second.span_context().span_id());
}

#[test]
fn a_record_can_be_sampled_after_its_end() {
    let bench = decided_by(|_| Sampling::new(Decision::RecordOnly));
    bench.span().end();
    let mut record = bench.only();
    record.set_sampled("ot=th:8".parse().unwrap());
    record.set("ctx.sampling.reason", "error");
    assert!(record.span_context().is_sampled());
    assert_eq!(record.span_context().trace_state().as_str(), "ot=th:8");
    assert_eq!(record.attributes().len(), 1);
}
