//! Memory goes from span to span; what was in it does not.

use super::*;
use crate::semconv;

/// A span with everything that a span can have.
fn full(bench: &Bench) -> SpanRecord {
    let parent = SpanContext::new(
        TraceId::from_u128(7).unwrap(),
        SpanId::from_u64(7).unwrap(),
        TraceFlags::SAMPLED,
    )
    .with_trace_state("a=1".parse().unwrap())
    .with_remote(true);
    let span = bench
        .tracer
        .span("full")
        .kind(SpanKind::Consumer)
        .relation(Relation::ChildOf(parent.clone()))
        .link(Link::new(parent.clone()))
        .attribute("given", 1)
        .start();
    span.set(semconv::HTTP_ROUTE, "/users/{id}");
    span.set("list", crate::attribute::Array::I64(vec![1, 2, 3]));
    span.event("event", |event| event.set("of the event", true));
    span.link(parent);
    span.fail("timeout", "too late");
    span.end();
    bench.only()
}

#[test]
fn a_span_has_nothing_of_the_one_whose_memory_it_got() {
    let bench = Bench::new();
    for _ in 0..3 {
        let earlier = full(&bench);
        assert!(earlier.status().is_error() && earlier.parent_is_remote());
        drop(earlier);
        bench.tracer.span("plain").root().start().end();
        let span = bench.only();
        assert_eq!(span.name(), "plain");
        assert_eq!(span.kind(), SpanKind::Internal);
        assert_eq!(span.parent(), None);
        assert!(!span.parent_is_remote());
        assert_eq!(span.status(), &Status::Unset);
        assert!(span.attributes().is_empty(), "{:?}", span.attributes());
        assert!(span.events().is_empty() && span.links().is_empty());
        assert!(span.span_context().trace_state().is_empty());
        assert_eq!((span.dropped_events(), span.dropped_links()), (0, 0));
        assert_eq!(span.attributes().dropped(), 0);
        assert_eq!(span.scope().name, "bench");
    }
}

#[test]
fn what_was_given_to_a_span_that_is_dropped_does_not_come_up_in_the_next() {
    let bench = Bench::limited(|limits| limits.links = 1);
    let dropped = Bench::with(|builder| builder.sampler(crate::sampler::AlwaysOff));
    let cause = bench.span().span_context().unwrap().clone();
    dropped
        .tracer
        .span("dropped")
        .attribute("given", 1)
        .link(cause.clone())
        .link(cause)
        .start()
        .end();
    bench.all();
    bench.span().end();
    let span = bench.only();
    assert!(span.attributes().is_empty() && span.links().is_empty());
    assert_eq!(span.dropped_links(), 0);
}

#[test]
fn a_copy_of_a_record_outlives_it() {
    let bench = Bench::new();
    let record = full(&bench);
    let copy = record.clone();
    drop(record);
    bench.span().end();
    assert_eq!(copy.name(), "full");
    assert_eq!(copy.events().len(), 1);
    assert_eq!(copy.attributes().len(), 4);
}

#[test]
fn an_active_span_is_current_where_it_is_entered_and_ends_once() {
    let bench = Bench::new();
    let cx = Context::new().with_baggage_entry("tier", "gold");
    let mut active = bench
        .tracer
        .span("active")
        .start_in(cx, |span| span.set("a", 1));
    assert!(active.is_open());
    {
        let _entered = active.enter();
        SpanRef::current().set("b", 2);
        assert_eq!(Context::current().baggage().get("tier"), Some("gold"));
    }
    active.end_with(|span| span.set("c", 3));
    active.end_with(|_| panic!("the second end does nothing"));
    drop(active);
    let spans = bench.all();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].attributes().len(), 3);

    let dropped = bench
        .tracer
        .span("dropped")
        .start_in(Context::new(), |_| {});
    drop(dropped);
    assert_eq!(bench.all().len(), 1);
}
