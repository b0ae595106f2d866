//! What becomes of events.

use std::fmt;

use trace_bridge::Events;
use trace_testkit::SpanRecorder;
use tracing::{error, info, info_span, warn};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::span::Event;
use tracing_core_ctx::{Span, Status};

use crate::support::{with_default, with_layer};

fn text<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    event.attributes.get(key).and_then(ValueRef::as_str)
}

#[test]
fn an_event_is_told_on_the_span_that_is_current() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |tracer| {
        let request = tracer.span("request").start();
        request.in_scope(|| {
            info!(items = 3, big = u64::MAX, "cart {}", "checked");
            info_span!("price").in_scope(|| info!(free = true));
            Span::child("by hand").in_scope(|| warn!(target: "shop", "slow"));
        });
        request.end();
    });
    let request = recorder.take_named("request");
    let event = request.event("cart checked");
    assert_eq!(event.attributes.get("items"), Some(ValueRef::I64(3)));
    assert_eq!(text(event, "big"), Some("18446744073709551615"));
    assert_eq!(text(event, "level"), Some("INFO"));
    assert_eq!(text(event, "target"), Some(module_path!()));
    assert_eq!(text(event, "code.file.path"), Some(file!()));
    assert_eq!(text(event, "message"), None);
    assert_eq!(request.events().len(), 1);
    // Without a message it has the name that `tracing` gives it.
    let price = recorder.take_named("price");
    assert!(price.events()[0].name.starts_with("event "), "{price:?}");
    let by_hand = recorder.take_named("by hand");
    assert_eq!(text(by_hand.event("slow"), "target"), Some("shop"));
}

#[test]
fn an_event_with_a_parent_is_told_there_and_one_without_any_nowhere() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        second.in_scope(|| {
            info!(parent: &first, "there");
            info!(parent: None, "nowhere");
        });
        error!("outside of any span");
    });
    assert_eq!(recorder.take_named("first").events().len(), 1);
    let second = recorder.take_named("second");
    assert!(second.events().is_empty());
    second.assert_unset();
}

#[derive(Debug)]
struct NoStock;

impl fmt::Display for NoStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stock is empty")
    }
}

impl std::error::Error for NoStock {}

#[tracing::instrument(err)]
fn reserve() -> Result<(), NoStock> {
    Err(NoStock)
}

#[tracing::instrument(err(level = "info", Debug))]
fn reserve_quietly() -> Result<(), NoStock> {
    Err(NoStock)
}

#[test]
fn an_error_that_a_function_returns_is_an_exception_and_the_status() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        (reserve().is_err(), reserve_quietly().is_err())
    });
    for (name, message) in [
        ("reserve", "stock is empty"),
        ("reserve_quietly", "NoStock"),
    ] {
        let span = recorder.take_named(name);
        span.assert_failed("_OTHER");
        assert_eq!(*span.status(), Status::error(message));
        let exception = span.event("exception");
        assert_eq!(text(exception, "exception.message"), Some(message));
        assert_eq!(text(exception, "error"), None);
    }
}

#[test]
fn an_event_of_level_error_fails_its_span_and_one_of_another_level_does_not() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        info_span!("logged").in_scope(|| error!("no answer"));
        info_span!("marked").in_scope(|| error!(error = true, "no answer"));
        info_span!("with cause")
            .in_scope(|| error!(cause = &NoStock as &dyn std::error::Error, "no answer"));
        info_span!("coped").in_scope(|| warn!(error = %NoStock, "asking again"));
    });
    let marked = recorder.take_named("marked");
    assert_eq!(*marked.status(), Status::error("no answer"));
    let logged = recorder.take_named("logged");
    assert_eq!(*logged.status(), Status::error("no answer"));
    let with_cause = recorder.take_named("with cause");
    assert_eq!(*with_cause.status(), Status::error("stock is empty"));
    let event = with_cause.event("no answer");
    assert_eq!(text(event, "exception.message"), Some("stock is empty"));
    assert_eq!(text(event, "cause"), Some("stock is empty"));
    let coped = recorder.take_named("coped");
    coped.assert_unset();
    assert_eq!(
        text(coped.event("asking again"), "error"),
        Some("stock is empty")
    );
}

#[test]
fn a_span_that_tracing_did_not_open_judges_for_itself() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |tracer| {
        let request = tracer.span("request").start();
        request.in_scope(|| error!("one of three replicas is away"));
        let _job = info_span!("job").entered();
        Span::child("by hand").in_scope(|| error!("away"));
    });
    for span in recorder.take() {
        span.assert_unset();
        assert_eq!(span.events().len(), usize::from(span.name() != "job"));
    }
}

#[test]
fn events_can_be_left_to_the_logs() {
    let recorder = SpanRecorder::new();
    with_layer(
        &recorder,
        |layer| layer.events(Events::InLogs),
        |_| {
            info_span!("job").in_scope(|| info!("fine"));
            let _ = reserve();
        },
    );
    let job = recorder.take_named("job");
    assert!(job.events().is_empty());
    job.assert_unset();
    let reserve = recorder.take_named("reserve");
    assert!(reserve.events().is_empty());
    assert_eq!(*reserve.status(), Status::error("stock is empty"));
}

#[test]
fn nothing_is_put_into_words_where_nothing_records() {
    struct Never;

    impl fmt::Debug for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("it was put into words")
        }
    }

    let recorder = SpanRecorder::new();
    with_layer(
        &recorder,
        |layer| layer.roots(false),
        |_| {
            info_span!("job", never = ?Never).in_scope(|| info!(?Never, "{:?}", Never));
        },
    );
    recorder.assert_nothing();
}
