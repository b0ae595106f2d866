//! Which spans there are, and how they stand to each other.

use std::time::Duration;

use trace_bridge::TracingSpanExt as _;
use trace_testkit::{SpanRecorder, render::render};
use tracing::{Instrument as _, info_span};
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};
use tracing_core_ctx::{
    Context, Span, SpanContext, SpanFutureExt as _, SpanId, SpanKind, SpanRef, TraceFlags, TraceId,
};

use crate::support::{now, with_default, with_layer};

pub(crate) fn caller(flags: TraceFlags) -> Context {
    let caller = SpanContext::new(
        TraceId::from_u128(7).unwrap(),
        SpanId::from_u64(0xabc).unwrap(),
        flags,
    );
    Context::new().with_remote_span(caller.with_remote(true))
}

#[test]
fn a_span_inside_a_request_is_its_child_and_parent_of_what_is_made_inside() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |tracer| {
        let request = tracer.span("GET /").kind(SpanKind::Server).start();
        request.in_scope(|| {
            let _price = info_span!("price").entered();
            Span::child("by hand").in_scope(|| info_span!("deeper").in_scope(|| {}));
            tracer.span("call").kind(SpanKind::Client).start().end();
        });
        request.end();
    });
    assert_eq!(
        render(&recorder.take()),
        "\
server GET /  0ms +0ms
  internal price  0ms +0ms
    internal by hand  0ms +0ms
      internal deeper  0ms +0ms
    client call  0ms +0ms
"
    );
}

#[test]
fn a_span_that_is_left_while_spans_below_it_are_open_ends_there() {
    for is_timed in [false, true] {
        let recorder = SpanRecorder::new();
        let layer = |layer: trace_bridge::TracingLayer| layer.busy_and_idle(is_timed);
        with_layer(&recorder, layer, |_| {
            let request = info_span!("request");
            let refresh = request.in_scope(|| {
                let load = info_span!("load");
                let refresh = load.in_scope(|| info_span!("refresh"));
                recorder.clock().advance(Duration::from_millis(2));
                load.in_scope(|| recorder.clock().advance(Duration::from_millis(1)));
                recorder.clock().advance(Duration::from_millis(2));
                refresh
            });
            drop(request);
            recorder.clock().advance(Duration::from_secs(90));
            let dispatch = tracing::dispatcher::get_default(tracing::Dispatch::clone);
            let elsewhere = move || refresh.in_scope(|| {});
            std::thread::spawn(move || tracing::dispatcher::with_default(&dispatch, elsewhere))
                .join()
                .unwrap();
        });
        let times = |name| recorder.take_named(name).duration();
        assert_eq!(times("request"), Duration::from_millis(5));
        assert_eq!(times("load"), Duration::from_millis(3));
        assert_eq!(times("refresh"), Duration::from_millis(90_005));
    }
}

#[test]
fn a_span_ends_with_its_last_handle_once_those_below_it_have_ended() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let request = info_span!("request");
        let body = request.clone();
        let price = request.in_scope(|| info_span!("price"));
        recorder.clock().advance(Duration::from_millis(5));
        request.in_scope(|| drop(price));
        drop(request);
        recorder.clock().advance(Duration::from_millis(187));
        drop(body);
    });
    assert_eq!(
        recorder.take_named("request").duration(),
        Duration::from_millis(192)
    );
    recorder.ignore();
}

#[test]
fn a_span_that_others_are_in_as_it_is_left_goes_on() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job");
        let outer = job.enter();
        job.in_scope(|| {});
        recorder.clock().advance(Duration::from_millis(5));
        drop(outer);
        recorder.clock().advance(Duration::from_millis(7));
        drop(job);
    });
    assert_eq!(recorder.take_one().duration(), Duration::from_millis(12));
}

#[test]
fn an_instrumented_future_is_one_span_across_its_polls() {
    #[tracing::instrument]
    async fn price(items: u32) -> u32 {
        crate::support::pause().await;
        info_span!("lookup").in_scope(|| {});
        items * 3
    }

    let recorder = SpanRecorder::new();
    with_default(&recorder, |tracer| {
        let request = tracer.span("GET /").start();
        let mut work = std::pin::pin!(price(4).in_span(request));
        assert!(crate::support::poll_once(work.as_mut()).is_pending());
        assert!(Context::current().span_context().is_none());
        recorder.clock().advance(Duration::from_millis(5));
        assert!(crate::support::poll_once(work.as_mut()).is_ready());
    });
    let spans = recorder.take();
    assert_eq!(
        render(&spans),
        "\
internal GET /  0ms +5ms
  internal price  0ms +5ms
    internal lookup  5ms +0ms
"
    );
    assert_eq!(spans[1].int("items"), 4);
}

#[test]
fn a_span_outside_of_a_request_begins_a_trace_unless_told_otherwise() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        info_span!("job").in_scope(|| info_span!("step").in_scope(|| {}));
    });
    let [step, job] = <[_; 2]>::try_from(recorder.take()).unwrap();
    assert!(job.parent().is_none());
    assert!(step.is_child_of(&job));

    with_layer(
        &recorder,
        |layer| layer.roots(false),
        |_| {
            info_span!("job").in_scope(|| info_span!("step").in_scope(|| {}));
        },
    );
    recorder.assert_nothing();
}

#[test]
fn a_caller_that_is_current_is_the_parent_and_its_decision_counts() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        caller(TraceFlags::SAMPLED).scope(|| info_span!("handle").in_scope(|| {}));
        caller(TraceFlags::NONE).scope(|| info_span!("handle").in_scope(|| {}));
    });
    let span = recorder.take_one();
    assert_eq!(span.trace_id(), TraceId::from_u128(7).unwrap());
    assert_eq!(span.parent(), SpanId::from_u64(0xabc));
    assert!(span.parent_is_remote());
}

#[test]
fn parents_that_are_given_are_obeyed() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |tracer| {
        let request = tracer.span("request").start();
        request.in_scope(|| {
            let first = info_span!("first");
            let _second = info_span!("second").entered();
            info_span!(parent: &first, "below first").in_scope(|| {});
            info_span!(parent: None, "alone").in_scope(|| {});
        });
        request.end();
    });
    assert_eq!(
        render(&recorder.take()),
        "\
trace 1
internal request  0ms +0ms
  internal first  0ms +0ms
    internal below first  0ms +0ms
  internal second  0ms +0ms
trace 2
internal alone  0ms +0ms
"
    );
}

#[test]
fn below_a_span_that_does_not_record_nothing_is_recorded_and_its_identity_is_passed_on() {
    let recorder = SpanRecorder::new();
    // It would record everything, but is not asked: what is above decided.
    let tracer = recorder.tracer_builder("shop").sampler(AlwaysOn).build();
    let dropping = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    let layer = trace_bridge::TracingLayer::new(tracer);
    tracing::dispatcher::with_default(&crate::support::dispatch(layer), || {
        let request = dropping.span("request").start();
        let identity = request.span_context().cloned();
        request.in_scope(|| {
            let work = async {
                info_span!("deeper").in_scope(|| assert_eq!(current(), identity));
            };
            // Where the request is not current any more, the span still is what it was made in.
            let work = work.instrument(info_span!("work"));
            Context::new().scope(|| now(work));
        });
    });
    recorder.assert_nothing();
}

fn current() -> Option<SpanContext> {
    Context::current().span_context().cloned()
}

#[test]
fn a_root_that_is_not_sampled_has_no_recorded_children_either() {
    let recorder = SpanRecorder::new();
    let tracer = recorder
        .tracer_builder("shop")
        .sampler(ParentBased::new(AlwaysOff))
        .build();
    let layer = trace_bridge::TracingLayer::new(tracer.clone());
    tracing::dispatcher::with_default(&crate::support::dispatch(layer), || {
        let _job = info_span!("job").entered();
        let above = current().unwrap();
        assert!(!above.flags().is_sampled());
        let call = tracer.span("call").start();
        assert_eq!(call.span_context().unwrap().trace_id(), above.trace_id());
    });
    recorder.assert_nothing();
}

#[test]
fn suppressed_work_is_not_recorded() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let export = Context::new().suppressed().scope(|| info_span!("export"));
        export.in_scope(|| {
            assert!(Context::current().is_suppressed());
            info_span!("connect").in_scope(|| {});
        });
    });
    recorder.assert_nothing();
}

#[test]
fn a_child_is_of_the_service_of_its_parent() {
    let recorder = SpanRecorder::new();
    let mail = recorder.tracer("mail");
    with_default(&recorder, |_| {
        let request = mail.span("send").start();
        request.in_scope(|| info_span!("render").in_scope(|| {}));
        request.end();
        info_span!("job").in_scope(|| {});
    });
    assert_eq!(recorder.take_named("render").service(), "mail");
    assert_eq!(recorder.take_named("job").service(), "shop");
    let _ = recorder.take();
}

#[test]
fn a_span_dropped_by_a_panic_has_failed() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let caught = std::panic::catch_unwind(|| info_span!("job").in_scope(|| panic!("no")));
        assert!(caught.is_err());
        assert!(SpanRef::current().span_context().is_none());
    });
    recorder.take_one().assert_failed("panic");
}

#[test]
fn what_a_span_follows_from_is_linked() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        let elsewhere = caller(TraceFlags::SAMPLED);
        effect
            .span_ref()
            .link(elsewhere.span_context().unwrap().clone());
    });
    let (cause, effect) = (recorder.take_named("cause"), recorder.take_named("effect"));
    assert_eq!(effect.links().len(), 2);
    assert_eq!(effect.links()[0].span_context.span_id(), cause.span_id());
    assert_ne!(effect.trace_id(), cause.trace_id());
}

#[test]
fn the_context_of_a_span_can_be_handed_over_without_entering_it() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job");
        let context = job.context();
        drop(job);
        std::thread::spawn(move || context.scope(|| Span::child("late").end()))
            .join()
            .unwrap();
    });
    let job = recorder.take_named("job");
    assert!(recorder.take_named("late").is_child_of(&job));
}

#[test]
fn the_scope_is_the_applications() {
    let recorder = SpanRecorder::new();
    static SCOPE: tracing_core_ctx::InstrumentationScope =
        tracing_core_ctx::InstrumentationScope::new("shop", "1.2.3");
    static LIBRARY: tracing_core_ctx::InstrumentationScope =
        tracing_core_ctx::InstrumentationScope::new("tower-trace", "0.1.0");
    let tracer = recorder.tracer_builder("shop").scope(&SCOPE).build();
    let layer = trace_bridge::TracingLayer::new(tracer.clone());
    tracing::dispatcher::with_default(&crate::support::dispatch(layer), || {
        let request = tracer.with_scope(&LIBRARY).span("request").start();
        request.in_scope(|| info_span!("job").in_scope(|| {}));
    });
    assert_eq!(recorder.take_named("job").scope().name, "shop");
    assert_eq!(recorder.take_one().scope().name, "tower-trace");
}
