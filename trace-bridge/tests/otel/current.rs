use std::collections::HashMap;
use std::future::Future as _;
use std::sync::Arc;
use std::task::{Poll, Waker};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::context::FutureExt as OtelFutureExt;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use opentelemetry::{Context as OtelContext, KeyValue};
use tracing_core_ctx::context::{FutureExt, NeighbourExists};
use tracing_core_ctx::{Context, Span, SpanFutureExt as _, SpanRef};

use super::both;

fn their_current_id() -> Option<[u8; 8]> {
    OtelContext::map_current(|cx| {
        let span = cx.span();
        let id = span.span_context().span_id();
        span.span_context().is_valid().then(|| id.to_bytes())
    })
}

fn our_current_id() -> Option<[u8; 8]> {
    let span = SpanRef::current();
    span.span_context().map(|span| span.span_id().to_bytes())
}

#[test]
fn there_is_one_bridge_in_a_process() {
    let _both = both();
    let again = trace_bridge::otel::follow_current();
    assert!(matches!(again, Err(NeighbourExists { .. })), "{again:?}");
}

#[test]
fn what_is_current_for_us_is_current_for_them_and_can_be_described() {
    let (recorder, ours, _) = both();
    assert_eq!(their_current_id(), None);
    let span = ours.span("checkout").start();
    span.in_scope(|| {
        assert_eq!(their_current_id(), our_current_id());
        assert!(their_current_id().is_some());
        let theirs = OtelContext::current();
        theirs.span().set_attribute(KeyValue::new("shop.items", 3));
        theirs
            .span()
            .add_event("priced", vec![KeyValue::new("shop.total", 9.5)]);
    });
    assert_eq!(their_current_id(), None);
    drop(span);
    let span = recorder.take_one();
    assert_eq!(span.int("shop.items"), 3);
    assert_eq!(span.event("priced").attributes.len(), 1);
}

#[test]
fn the_last_made_current_is_the_parent_whoever_made_it() {
    let (recorder, ours, theirs) = both();
    ours.span("1").start().in_scope(|| {
        theirs.in_span("2", |_| {
            Span::child("3").in_scope(|| {
                theirs.in_span("4", |_| {
                    SpanRef::current().set("seen", true);
                    Span::child("5").end();
                });
                Span::child("after 4").end();
            });
            Span::child("after 3").end();
        });
        Span::child("after 2").end();
        theirs.start("theirs after 2");
    });
    let spans = recorder.take();
    let named = |name: &str| spans.iter().find(|span| span.name() == name).unwrap();
    for (child, parent) in [
        ("2", "1"),
        ("3", "2"),
        ("4", "3"),
        ("5", "4"),
        ("after 4", "3"),
        ("after 3", "2"),
        ("after 2", "1"),
        ("theirs after 2", "1"),
    ] {
        assert!(named(child).is_child_of(named(parent)), "{child}");
    }
    assert!(named("4").bool("seen"));
    assert!(named("1").parent().is_none());
}

#[test]
fn a_context_that_they_keep_is_current_elsewhere() {
    let (recorder, ours, theirs) = both();
    let span = ours.span("checkout").start();
    let kept = span.in_scope(OtelContext::current);
    let thread = std::thread::spawn(move || {
        let _guard = kept.attach();
        Span::child("ours").end();
        theirs.start("theirs");
        SpanRef::current().set("shop.elsewhere", true);
    });
    thread.join().unwrap();
    drop(span);
    let checkout = recorder.take_named("checkout");
    assert!(checkout.bool("shop.elsewhere"));
    assert!(recorder.take_named("ours").is_child_of(&checkout));
    assert!(recorder.take_named("theirs").is_child_of(&checkout));
}

#[test]
fn a_tracestate_that_their_grammar_does_not_take_costs_no_span() {
    let (recorder, ours, theirs) = both();
    let headers = HashMap::from([
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("tracestate", "a@b@c=1"),
    ]);
    let headers: HashMap<String, String> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let caller = ours.extract(&headers);
    let span = ours.span("server").parent(&caller).start();
    span.in_scope(|| {
        assert!(SpanRef::current().is_recording());
        Span::child("ours").end();
        theirs.in_span("theirs", |_| Span::child("below theirs").end());
        let mut sent = HashMap::new();
        ours.inject(&Context::current(), &mut sent);
        assert_eq!(sent["tracestate"], "a@b@c=1");
    });
    drop(span);
    let server = recorder.take_named("server");
    let theirs = recorder.take_named("theirs");
    assert!(recorder.take_named("ours").is_child_of(&server));
    assert!(theirs.is_child_of(&server));
    assert!(recorder.take_named("below theirs").is_child_of(&theirs));
}

#[test]
fn what_starts_below_a_span_of_theirs_that_has_ended_is_its_child() {
    let (recorder, _ours, theirs) = both();
    let context = OtelContext::current_with_span(theirs.start("theirs"));
    let guard = context.clone().attach();
    context.span().end();
    Span::child("ours").end();
    theirs.start("theirs too");
    drop(guard);
    drop(context);
    let ended = recorder.take_named("theirs");
    assert!(recorder.take_named("ours").is_child_of(&ended));
    assert!(recorder.take_named("theirs too").is_child_of(&ended));
}

#[test]
fn guards_in_the_wrong_order_leave_nothing_current() {
    let (recorder, ours, theirs) = both();
    {
        let first = ours.span("first").start();
        let scope = first.context().attach();
        let guard = OtelContext::current_with_span(theirs.start("second")).attach();
        drop(scope);
        Span::child("third").end();
        drop(guard);
    }
    assert_eq!(their_current_id(), None);
    assert_eq!(our_current_id(), None);
    let second = recorder.take_named("second");
    assert!(recorder.take_named("third").is_child_of(&second));
    assert!(second.is_child_of(&recorder.take_named("first")));
}

#[test]
fn a_guard_of_theirs_that_is_held_across_an_await_does_not_leak_into_other_tasks() {
    /// Pending as often as that, with another guard each time.
    async fn wrong(theirs: &trace_bridge::otel::BridgeTracer, times: usize) {
        for _ in 0..times {
            let span = theirs.start("theirs");
            let guard = OtelContext::current_with_span(span).attach();
            let mut is_over = false;
            std::future::poll_fn(|_| match std::mem::replace(&mut is_over, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            drop(guard);
        }
    }

    let (recorder, ours, theirs) = both();
    let mut poll = std::task::Context::from_waker(Waker::noop());
    let mut tasks = [(); 2].map(|()| {
        let task = wrong(&theirs, 3).in_span(ours.span("task").start());
        Box::pin(task)
    });
    for round in 0..4 {
        for task in &mut tasks {
            assert_eq!(task.as_mut().poll(&mut poll).is_ready(), round == 3);
            assert_eq!(our_current_id(), None);
            assert_eq!(their_current_id(), None);
            Context::new().scope(|| assert_eq!(our_current_id(), None));
            assert_eq!(our_current_id(), None);
        }
    }
    let spans = recorder.take();
    let is_task = |id| {
        spans
            .iter()
            .any(|one| one.span_id() == id && one.name() == "task")
    };
    for span in spans.iter().filter(|span| span.name() == "theirs") {
        assert!(span.parent().is_some_and(is_task));
    }
    // Nor did anything stay where it was left.
    let guard = OtelContext::current_with_span(theirs.start("last")).attach();
    assert!(our_current_id().is_some());
    drop(guard);
    assert_eq!(our_current_id(), None);
    recorder.ignore();
}

#[test]
fn suppression_is_common() {
    let (recorder, ours, theirs) = both();
    Context::new().suppressed().scope(|| {
        assert!(OtelContext::is_current_telemetry_suppressed());
        theirs.start("not recorded");
    });
    {
        let _guard = OtelContext::enter_telemetry_suppressed_scope();
        assert!(Context::current().is_suppressed());
        ours.span("not recorded").start().end();
        theirs.start("not recorded");
    }
    assert!(!Context::current().is_suppressed());
    recorder.assert_nothing();
}

#[test]
fn what_is_left_out_of_traces_is_logged_and_stays_left_out_wherever_its_context_is_current() {
    let (recorder, _ours, theirs) = both();
    let kept = Context::new().untraced().scope(|| {
        assert!(!OtelContext::is_current_telemetry_suppressed());
        theirs.start("not recorded");
        OtelContext::current()
    });
    let _guard = kept.attach();
    assert!(!Context::current().is_telemetry());
    assert!(Context::current().is_suppressed());
    theirs.start("not recorded");
    Span::child("not recorded").end();
    recorder.assert_nothing();
}

#[test]
fn a_context_that_they_keep_knows_our_values_elsewhere() {
    let (recorder, ours, theirs) = both();
    let span = ours.span("checkout").start();
    let context = span.context().with_value(7_u8);
    let [kept, below] = context.scope(|| {
        let below = theirs.start("theirs");
        [
            OtelContext::current(),
            OtelContext::current_with_span(below),
        ]
    });
    let thread = std::thread::spawn(move || {
        for theirs in [kept, below] {
            let _guard = theirs.attach();
            assert_eq!(Context::current().value(), Some(&7_u8));
        }
    });
    thread.join().unwrap();
    drop(span);
    recorder.ignore();
}

#[test]
fn telemetry_stays_telemetry_where_a_context_of_others_becomes_current() {
    let (recorder, ours, theirs) = both();
    let span = ours.span("checkout").start();
    let kept = span.in_scope(OtelContext::current);
    Context::new().suppressed().scope(|| {
        let _guard = kept.attach();
        assert!(Context::current().is_telemetry());
        theirs.start("not recorded");
    });
    drop(span);
    assert_eq!(recorder.take_one().name(), "checkout");
}

#[test]
fn baggage_is_common() {
    let (_recorder, ..) = both();
    let ours = Context::new().with_baggage_entry("shop.tier", "gold");
    ours.scope(|| {
        let theirs = OtelContext::current();
        assert_eq!(theirs.baggage().get("shop.tier").unwrap().as_str(), "gold");
        let more =
            theirs.with_baggage([KeyValue::new("shop.tier", "gold"), KeyValue::new("a", "b")]);
        let _guard = more.attach();
        assert_eq!(Context::current().baggage().get("a"), Some("b"));
        assert_eq!(Context::current().baggage().get("shop.tier"), Some("gold"));
    });
    assert!(OtelContext::current().baggage().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_requests_on_two_threads_do_not_mix() {
    let (recorder, ours, theirs) = both();
    let theirs = Arc::new(theirs);
    let request = |number: i64| {
        let (ours, theirs) = (ours.clone(), Arc::clone(&theirs));
        let root = ours.span("request").start();
        root.set("number", number);
        let work = async move {
            for _ in 0..5 {
                let span = theirs.start("theirs");
                let inner = OtelContext::current_with_span(span);
                let work = async {
                    tokio::task::yield_now().await;
                    inner_work(number).await;
                };
                OtelFutureExt::with_context(work, inner.clone()).await;
            }
        };
        work.in_span(root)
    };
    let tasks: Vec<_> = (0..64)
        .map(|number| tokio::spawn(request(number)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let spans = recorder.take();
    assert_eq!(spans.len(), 64 * 11);
    let find = |id| spans.iter().find(|span| Some(span.span_id()) == id);
    for span in spans.iter().filter(|span| span.name() == "ours") {
        let theirs = find(span.parent()).unwrap();
        assert_eq!(theirs.name(), "theirs");
        let request = find(theirs.parent()).unwrap();
        assert_eq!(request.int("number"), span.int("number"));
    }
    assert_eq!(their_current_id(), None);
}

async fn inner_work(number: i64) {
    let work = async {
        SpanRef::current().set("number", number);
        tokio::task::yield_now().await;
    };
    work.in_span(Span::child("ours")).await;
}

#[tokio::test]
async fn their_context_is_taken_along_by_a_future_of_ours() {
    let (recorder, _, theirs) = both();
    let root = OtelContext::current_with_span(theirs.start("theirs"));
    let work = {
        let _guard = root.clone().attach();
        let work = async { Span::child("ours").end() };
        FutureExt::with_context(work, Context::current())
    };
    tokio::spawn(work).await.unwrap();
    drop(root);
    let parent = recorder.take_named("theirs");
    assert!(recorder.take_named("ours").is_child_of(&parent));
}
