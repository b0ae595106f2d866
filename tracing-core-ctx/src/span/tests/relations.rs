//! Parents, links and scopes.

use super::*;
use crate::TraceState;
use crate::context::SamplingHint;
use crate::sampler::{AlwaysOff, AlwaysOn};

#[test]
fn a_span_without_a_parent_starts_a_trace() {
    let bench = Bench::new();
    drop(bench.span());
    let record = bench.only();
    assert_eq!(record.parent(), None);
    assert!(record.is_local_root() && !record.parent_is_remote());
    assert!(!record.span_context().is_remote());
}

#[test]
fn a_span_is_a_child_of_the_current_one() {
    let bench = Bench::new();
    let parent = bench.span();
    parent.in_scope(|| drop(bench.tracer.span("child").start()));
    let record = bench.only();
    let parent = parent.span_context().unwrap();
    assert_eq!(record.parent(), Some(parent.span_id()));
    assert_eq!(record.span_context().trace_id(), parent.trace_id());
    assert_ne!(record.span_context().span_id(), parent.span_id());
    assert!(!record.is_local_root() && !record.parent_is_remote());
}

#[test]
fn a_given_context_goes_before_the_current_one() {
    let bench = Bench::new();
    let (given, current) = (bench.span(), bench.span());
    let cx = given.context();
    current.in_scope(|| drop(bench.tracer.span("child").parent(&cx).start()));
    assert_eq!(
        bench.only().parent(),
        given.span_context().map(SpanContext::span_id)
    );
    current.in_scope(|| drop(bench.tracer.span("root").parent(&Context::new()).start()));
    assert_eq!(bench.only().parent(), None);
}

#[test]
fn a_callers_span_is_a_remote_parent_and_its_tracestate_goes_on() {
    let state: TraceState = "rojo=00f067aa0ba902b7".parse().unwrap();
    let bench = Bench::new();
    let cx = Context::new()
        .with_remote_span(caller(TraceFlags::SAMPLED).with_trace_state(state.clone()));
    drop(bench.tracer.span("serve").parent(&cx).start());
    let record = bench.only();
    assert_eq!(record.parent(), Some(caller(TraceFlags::NONE).span_id()));
    assert!(record.parent_is_remote() && record.is_local_root());
    assert_eq!(record.span_context().trace_state(), &state);
    assert!(!record.span_context().is_remote());
}

#[test]
fn a_span_that_starts_below_a_context_leaves_it_as_it_is_and_keeps_all_but_the_span() {
    let state: TraceState = "rojo=00f067aa0ba902b7".parse().unwrap();
    let caller = caller(TraceFlags::SAMPLED).with_trace_state(state.clone());
    for records in [true, false] {
        let bench = Bench::with(|builder| match records {
            true => builder.sampler(AlwaysOn),
            false => builder.sampler(AlwaysOff),
        });
        let cx = Context::new()
            .with_remote_span(caller.clone())
            .with_sampling_hint(SamplingHint::Debug)
            .with_baggage_entry("tier", "gold")
            .with_value(7u8);
        let copy = cx.clone();
        let active = bench.tracer.span("serve").start_below(&cx, |_| {});
        assert_eq!(active.is_open(), records);
        let below = active.context();
        let span = below.span_context().unwrap();
        assert_eq!(span.trace_id(), caller.trace_id());
        assert_ne!(span.span_id(), caller.span_id());
        assert_eq!(span.trace_state(), &state);
        assert!(!span.is_remote());
        assert_eq!(below.baggage().get("tier"), Some("gold"));
        assert_eq!(below.value(), Some(&7u8));
        assert_eq!(below.sampling_hint(), Some(SamplingHint::Debug));
        assert_eq!(cx.identity(), copy.identity());
        assert_eq!(cx.span_context(), Some(&caller));
    }
}

#[test]
fn a_caller_in_no_context_is_a_parent_as_one_in_a_context_is() {
    let state: TraceState = "rojo=00f067aa0ba902b7".parse().unwrap();
    let caller = caller(TraceFlags::SAMPLED).with_trace_state(state.clone());
    let local = Bench::new().span().context();
    for around in [
        Context::new(),
        local,
        unrecorded(TraceFlags::SAMPLED),
        Context::new().with_sampling_hint(SamplingHint::Debug),
    ] {
        for records in [true, false] {
            let bench = Bench::with(|builder| match records {
                true => builder.sampler(AlwaysOn),
                false => builder.sampler(AlwaysOff),
            });
            let around = around.clone().with_baggage_entry("tier", "gold");
            let builder = bench.tracer.span("serve");
            let active = builder.start_in_below(around.clone(), Some(&caller), |_| {});
            let span = active.context().span_context().unwrap();
            assert_eq!(span.trace_id(), caller.trace_id());
            assert_ne!(span.span_id(), caller.span_id());
            assert_eq!(span.trace_state(), &state);
            assert_eq!((span.is_remote(), span.is_sampled()), (false, records));
            assert_eq!(active.context().is_unrecorded(), !records);
            assert_eq!(active.context().baggage().get("tier"), Some("gold"));
            assert_eq!(active.context().sampling_hint(), around.sampling_hint());
            drop(active);
            if records {
                let record = bench.only();
                assert_eq!(record.parent(), Some(caller.span_id()));
                assert!(record.parent_is_remote() && record.is_local_root());
            }
            // Nobody takes spans here, and the caller's goes on.
            let tracer = Tracer::noop();
            let passing = tracer.span("serve");
            let passing = passing.start_in_below(around, Some(&caller), |_| {});
            assert_eq!(passing.context().span_context(), Some(&caller));
        }
    }
    let bench = Bench::new();
    let root = bench.tracer.span("serve");
    drop(root.start_in_below(Context::new(), None, |_| {}));
    assert_eq!(bench.only().parent(), None);
}

/// The context of a span of this process that does not record.
fn unrecorded(flags: TraceFlags) -> Context {
    let bench = Bench::with(|builder| builder.sampler(AlwaysOff));
    let cx = Context::new().with_remote_span(caller(flags));
    let active = bench.tracer.span("around").start_in(cx, |_| {});
    active.context().clone()
}

#[test]
fn a_handle_starts_children_of_a_span_that_records_in_its_applications_name() {
    let bench = Bench::new();
    let parent = bench.span();
    let child = parent.child_span("child").unwrap();
    drop(child.parent(&parent.context()).start());
    assert_eq!(
        bench.only().parent(),
        parent.span_context().map(SpanContext::span_id)
    );
    let remote = Context::new().with_remote_span(caller(TraceFlags::SAMPLED));
    assert!(remote.span_ref().child_span("child").is_none());
    assert!(SpanRef::default().child_span("child").is_none());
}

#[test]
fn a_root_is_one_inside_a_span_too() {
    let bench = Bench::new();
    let around = bench.span();
    around.in_scope(|| drop(bench.tracer.span("root").root().start()));
    let record = bench.only();
    assert_eq!(record.parent(), None);
    assert_ne!(
        record.span_context().trace_id(),
        around.span_context().unwrap().trace_id()
    );
}

#[test]
fn child_of_is_the_parent() {
    let bench = Bench::new();
    let around = bench.span();
    let parent = caller(TraceFlags::SAMPLED);
    around.in_scope(|| {
        drop(
            bench
                .tracer
                .span("child")
                .relation(Relation::ChildOf(parent.clone()))
                .start(),
        );
    });
    let record = bench.only();
    assert_eq!(record.parent(), Some(parent.span_id()));
    assert_eq!(record.span_context().trace_id(), parent.trace_id());
    assert!(record.links().is_empty());
}

#[test]
fn follows_from_is_a_link_and_the_parent_stays() {
    let bench = Bench::new();
    let around = bench.span();
    let cause = caller(TraceFlags::SAMPLED);
    around.in_scope(|| {
        drop(
            bench
                .tracer
                .span("consume")
                .relation(Relation::FollowsFrom(cause.clone()))
                .start(),
        );
    });
    let record = bench.only();
    assert_eq!(
        record.parent(),
        around.span_context().map(SpanContext::span_id)
    );
    assert_eq!(record.links().len(), 1);
    assert_eq!(record.links()[0].span_context, cause);

    drop(
        bench
            .tracer
            .span("consume")
            .relation(Relation::FollowsFrom(cause.clone()))
            .start(),
    );
    let record = bench.only();
    assert_eq!(record.parent(), None);
    assert_ne!(record.span_context().trace_id(), cause.trace_id());
}

#[test]
fn the_last_word_on_the_parent_counts_and_links_add_up() {
    let bench = Bench::new();
    let link = |id| Relation::FollowsFrom(span_context(id, TraceFlags::NONE));
    let parent = Relation::ChildOf(caller(TraceFlags::SAMPLED));
    drop(
        bench
            .tracer
            .span("span")
            .relation(link(1))
            .root()
            .relation(parent)
            .relation(link(2))
            .start(),
    );
    let record = bench.only();
    assert_eq!(record.parent(), Some(caller(TraceFlags::NONE).span_id()));
    assert_eq!(record.links().len(), 2);
}

#[test]
fn a_span_says_which_library_recorded_it() {
    static LIBRARY: InstrumentationScope = InstrumentationScope::new("library", "2");
    let bench = Bench::new();
    let span = bench.tracer.with_scope(&LIBRARY).span("serve").start();
    span.in_scope(|| drop(Span::child("compute")));
    drop(span);
    let all = bench.all();
    assert_eq!((all[0].name(), all[0].scope()), ("compute", &BENCH));
    assert_eq!((all[1].name(), all[1].scope()), ("serve", &LIBRARY));
}

#[test]
fn a_child_is_recorded_by_the_tracer_of_its_parent() {
    let (bench, other) = (Bench::new(), Bench::new());
    let parent = bench.span();
    parent.in_scope(|| {
        let child = Span::child("child");
        assert!(child.is_recording());
        child.in_scope(|| drop(Span::child("grandchild")));
    });
    let all = bench.all();
    assert_eq!(
        all[1].parent(),
        parent.span_context().map(SpanContext::span_id)
    );
    assert_eq!(all[0].parent(), Some(all[1].span_context().span_id()));
    assert!(other.all().is_empty());
}

#[test]
fn a_child_of_nothing_is_nothing() {
    let child = Span::child("child");
    assert!(!child.is_recording());
    assert_eq!(child.span_context(), None);
}

#[test]
fn a_child_below_a_span_that_does_not_record_passes_its_identity_on() {
    let cx = Context::new().with_remote_span(caller(TraceFlags::NONE));
    cx.scope(|| {
        let child = Span::child("child");
        assert!(!child.is_recording());
        assert_eq!(child.span_context(), Some(&caller(TraceFlags::NONE)));
        // What is called from in here continues the caller's trace.
        child.in_scope(|| {
            assert_eq!(
                Context::current().span_context(),
                Some(&caller(TraceFlags::NONE))
            );
        });
    });
}

#[test]
fn a_child_below_a_span_that_has_ended_is_still_its_child() {
    let bench = Bench::new();
    let parent = bench.span();
    let cx = parent.context();
    parent.end();
    let parent = bench.only();
    cx.scope(|| drop(Span::child("late")));
    assert_eq!(bench.only().parent(), Some(parent.span_context().span_id()));
}

#[test]
fn a_span_without_identity_does_not_hide_the_one_around_it() {
    let bench = Bench::new();
    let around = bench.span();
    around.in_scope(|| {
        Span::none()
            .in_scope(|| assert_eq!(SpanRef::current().span_context(), around.span_context()));
    });
}

#[test]
fn the_context_of_a_span_keeps_baggage_and_values() {
    let bench = Bench::new();
    let cx = Context::new()
        .with_value(7u8)
        .with_baggage(crate::Baggage::new().with("a", "1"))
        .with_sampling_hint(SamplingHint::Deny);
    cx.scope(|| {
        let span = bench.span();
        let cx = span.context();
        assert_eq!(
            (cx.value::<u8>(), cx.baggage().get("a")),
            (Some(&7), Some("1"))
        );
        assert_eq!(cx.span_context(), span.span_context());
    });
}

#[test]
fn a_built_child_has_what_it_was_built_with_and_the_current_parent() {
    let bench = Bench::new();
    let parent = bench.span();
    parent.in_scope(|| {
        let child = Span::child_with("SELECT", |span| {
            span.kind(SpanKind::Client)
                .attribute("db.system.name", "sqlite")
        });
        assert_eq!(SpanRef::current().span_context(), parent.span_context());
        child.end();
    });
    let record = bench.only();
    assert_eq!(record.name(), "SELECT");
    assert_eq!(record.kind(), SpanKind::Client);
    assert_eq!(text(record.attributes(), "db.system.name"), Some("sqlite"));
    assert_eq!(
        record.parent(),
        parent.span_context().map(SpanContext::span_id)
    );
}

#[test]
fn a_child_is_not_built_where_nothing_records() {
    let far = caller(TraceFlags::SAMPLED);
    Context::new().with_remote_span(far.clone()).scope(|| {
        let child = Span::child_with("SELECT", |_| panic!("built"));
        assert!(!child.is_recording());
        assert_eq!(child.span_context(), Some(&far));
    });
    assert_eq!(
        Span::child_with("SELECT", |_| panic!("built")).span_context(),
        None
    );
}

#[test]
fn a_child_may_be_built_as_a_root() {
    let bench = Bench::new();
    let parent = bench.span();
    parent.in_scope(|| drop(Span::child_with("job", |span| span.root())));
    assert_eq!(bench.only().parent(), None);
}
