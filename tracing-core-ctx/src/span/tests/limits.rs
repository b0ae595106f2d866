//! What is over a limit is dropped, and the span says how much.

use super::*;
use crate::attribute::{Array, Value};

#[test]
fn attributes_over_the_limit_are_dropped_wherever_they_come_from() {
    let bench = Bench::limited(|limits| limits.attributes.count = 2);
    let span = bench
        .tracer
        .span("span")
        .attribute("a", 1)
        .attribute("b", 1)
        .attribute("c", 1)
        .start_with(|span| {
            span.set("d", 1);
            span.set_new("e", 1);
        });
    span.set("f", 1);
    span.set("a", 2);
    span.end_with(|span| span.set("g", 1));
    let record = bench.only();
    let list: Vec<_> = record.attributes().iter().collect();
    assert_eq!(list, [("a", ValueRef::I64(2)), ("b", ValueRef::I64(1))]);
    assert_eq!(record.attributes().dropped(), 5);
}

#[test]
fn values_are_cut_by_characters() {
    let bench = Bench::limited(|limits| limits.attributes.value_length = 3);
    let span = bench
        .tracer
        .span("a long name")
        .attribute("early", "→→→→")
        .start();
    span.set("text", "añb→c");
    span.set("list", ["aaaa", "b"].into_iter().collect::<Array>());
    span.set("bytes", Value::Bytes(vec![7; 9]));
    drop(span);
    let record = bench.only();
    let attributes = record.attributes();
    assert_eq!(text(attributes, "early"), Some("→→→"));
    assert_eq!(text(attributes, "text"), Some("añb"));
    assert_eq!(
        attributes.get("list").unwrap().as_strs().unwrap(),
        ["aaa", "b"]
    );
    assert_eq!(attributes.get("bytes"), Some(ValueRef::Bytes(&[7; 3])));
    // A name is no value.
    assert_eq!(record.name(), "a long name");
    assert_eq!(attributes.dropped(), 0);
}

#[test]
fn a_length_of_zero_leaves_empty_texts() {
    let bench = Bench::limited(|limits| limits.attributes.value_length = 0);
    let span = bench.span();
    span.set("text", "abc");
    drop(span);
    assert_eq!(text(bench.only().attributes(), "text"), Some(""));
}

#[test]
fn events_over_the_limit_are_dropped_newest_first() {
    let bench = Bench::limited(|limits| {
        limits.events = 2;
        limits.event_attributes.count = 1;
        limits.event_attributes.value_length = 2;
    });
    let span = bench.span();
    for name in ["one", "two", "three", "four"] {
        span.event(name, |event| {
            event.set("a", "long");
            event.set("b", "long");
        });
    }
    drop(span);
    let record = bench.only();
    let names: Vec<_> = record.events().iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(record.dropped_events(), 2);
    let attributes = &record.events()[0].attributes;
    assert_eq!(text(attributes, "a"), Some("lo"));
    assert_eq!((attributes.len(), attributes.dropped()), (1, 1));
}

#[test]
fn links_over_the_limit_are_dropped_wherever_they_come_from() {
    let bench = Bench::limited(|limits| limits.links = 3);
    let link = |id| span_context(id, TraceFlags::NONE);
    let span = bench
        .tracer
        .span("span")
        .link(link(1))
        .relation(Relation::FollowsFrom(link(2)))
        .start_with(|span| {
            span.link(link(3));
            span.link(link(4));
        });
    span.link(link(5));
    drop(span);
    let record = bench.only();
    let ids: Vec<_> = record
        .links()
        .iter()
        .map(|link| link.span_context.span_id().to_u64())
        .collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(record.dropped_links(), 2);
}

#[test]
fn a_batch_of_thousands_of_links_is_capped_before_it_is_kept() {
    let bench = Bench::new();
    let mut builder = bench.tracer.span("batch");
    for id in 1..=5_000 {
        builder = builder.link(span_context(id, TraceFlags::NONE));
    }
    drop(builder.start());
    let record = bench.only();
    assert_eq!((record.links().len(), record.dropped_links()), (128, 4_872));
    assert!(record.weight() < 64 * 1024, "{}", record.weight());
}

#[test]
fn attributes_of_links_are_limited_wherever_they_come_from() {
    let bench = Bench::limited(|limits| {
        limits.link_attributes.count = 1;
        limits.link_attributes.value_length = 2;
    });
    let mut link = Link::new(span_context(9, TraceFlags::NONE));
    link.attributes.set("a", "long");
    link.attributes.set("b", "long");
    let span = bench
        .tracer
        .span("span")
        .link(link.clone())
        .start_with(|span| span.link(link.clone()));
    span.link(link);
    drop(span);
    let record = bench.only();
    assert_eq!(record.links().len(), 3);
    for link in record.links() {
        assert_eq!(text(&link.attributes, "a"), Some("lo"));
        assert_eq!((link.attributes.len(), link.attributes.dropped()), (1, 1));
    }
}

#[test]
fn a_long_value_of_a_link_is_cut_also_when_it_is_alone() {
    let bench = Bench::limited(|limits| limits.link_attributes.value_length = 2);
    let mut link = Link::new(span_context(9, TraceFlags::NONE));
    link.attributes.set("a", "long");
    drop(bench.tracer.span("span").link(link).start());
    assert_eq!(text(&bench.only().links()[0].attributes, "a"), Some("lo"));
}

#[test]
fn limits_of_zero_drop_all_and_count_it() {
    let bench = Bench::limited(|limits| {
        limits.attributes.count = 0;
        limits.events = 0;
        limits.links = 0;
    });
    let span = bench
        .tracer
        .span("span")
        .attribute("a", 1)
        .link(span_context(9, TraceFlags::NONE))
        .start();
    span.event("event", |_| {});
    drop(span);
    let record = bench.only();
    assert!(
        record.attributes().is_empty() && record.events().is_empty() && record.links().is_empty()
    );
    assert_eq!(
        (
            record.attributes().dropped(),
            record.dropped_events(),
            record.dropped_links()
        ),
        (1, 1, 1)
    );
}

#[test]
fn an_attribute_is_updated_in_its_place() {
    let bench = Bench::new();
    let span = bench.span();
    span.set("a", 1);
    span.set("b", 1);
    span.set("a", "text now");
    drop(span);
    let record = bench.only();
    let list: Vec<_> = record.attributes().iter().collect();
    assert_eq!(
        list,
        [("a", ValueRef::Str("text now")), ("b", ValueRef::I64(1))]
    );
}

#[test]
fn a_span_that_is_updated_forever_takes_bounded_memory() {
    let bench = Bench::new();
    let span = bench.span();
    for n in 0..20_000 {
        span.set("progress", format!("{n} of 20000"));
        span.update_name(&format!("round {n}"));
        span.event("round", |_| {});
    }
    drop(span);
    let record = bench.only();
    assert_eq!(record.name(), "round 19999");
    assert_eq!(
        text(record.attributes(), "progress"),
        Some("19999 of 20000")
    );
    assert_eq!(
        (record.events().len(), record.dropped_events()),
        (128, 19_872)
    );
    assert!(record.weight() < 32 * 1024, "{}", record.weight());
}

#[test]
fn what_callers_and_errors_say_at_length_has_its_weight() {
    let bench = Bench::new();
    let value = "x".repeat(256);
    let members: Vec<_> = (0..32).map(|n| format!("k{n}={value}")).collect();
    let caller =
        span_context(1, TraceFlags::SAMPLED).with_trace_state(members.join(",").parse().unwrap());
    let weight = |span: Span| {
        drop(span);
        bench.only().weight()
    };
    let plain = weight(bench.tracer.span("plain").start());
    let told = bench.tracer.span("told");
    let told = weight(told.relation(Relation::ChildOf(caller.clone())).start());
    assert!(told >= plain + 8_000, "{told}");
    let linked = weight(bench.tracer.span("linked").link(caller).start());
    assert!(linked >= plain + 8_000, "{linked}");
    let failed = bench.tracer.span("failed").start();
    failed.fail("timeout", "x".repeat(10_000));
    let failed = weight(failed);
    assert!(failed >= plain + 10_000, "{failed}");
}
