//! What heads say, where it is easy to say it wrong.

use http::{Request, Response};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::SpanRecorder;
use trace_testkit::http::TestBody;
use tracing_core_ctx::propagation::B3;
use tracing_core_ctx::{Context, Tracer};

use crate::support::{BoxError, hello, now, read_to_end};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_host_in_brackets_is_split_behind_them() {
    let recorder = SpanRecorder::new();
    let mut service = TraceLayer::new(recorder.tracer("shop")).layer(service_fn(hello));
    for (host, address, port) in [
        ("[::1]:8080", "::1", Some(8080)),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("shop.example:8080", "shop.example", Some(8080)),
    ] {
        let request = Request::get("/").header("host", host).body(()).unwrap();
        read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
        let span = recorder.take_one();
        assert_eq!(span.str("server.address"), address);
        let recorded = span.attr("server.port").and_then(|port| port.as_i64());
        assert_eq!(recorded, port, "{host}");
    }
}

#[test]
fn a_body_that_breaks_after_an_error_status_is_still_seen() {
    let recorder = SpanRecorder::new();
    let mut service =
        TraceLayer::new(recorder.tracer("shop")).layer(service_fn(|_: Request<()>| async {
            Response::builder()
                .status(503)
                .body(TestBody::new().data("so").error())
        }));
    let response = now(service.call(Request::new(()))).unwrap();
    read_to_end(response.into_body()).unwrap_err();
    let span = recorder.take_one();
    span.assert_failed("TestError");
    assert_eq!(span.int("http.response.status_code"), 503);
}

#[test]
fn a_200_whose_body_breaks_is_no_success() {
    let recorder = SpanRecorder::new();
    let mut service =
        TraceLayer::new(recorder.tracer("shop")).layer(service_fn(|_: Request<()>| async {
            Ok::<_, BoxError>(Response::new(TestBody::new().data("one").error()))
        }));
    let response = now(service.call(Request::new(()))).unwrap();
    read_to_end(response.into_body()).unwrap_err();
    recorder.take_one().assert_failed("TestError");
}

/// There is nothing that has to be installed first.
#[test]
fn a_plain_tracer_carries_contexts_through() {
    let tracer = Tracer::noop();
    let mut client = ClientTraceLayer::new(tracer.clone()).layer(service_fn(|request| {
        let request: &Request<()> = &request;
        let sent = request.headers()["traceparent"].to_str().unwrap();
        assert_eq!(sent, format!("00-{TRACE}-00f067aa0ba902b7-01"));
        assert_eq!(request.headers()["baggage"], "tier=gold");
        hello(Request::new(()))
    }));
    let mut server = TraceLayer::new(tracer).layer(service_fn(move |_: Request<()>| {
        let caller = Context::current().span_context().cloned();
        assert_eq!(caller.unwrap().trace_id().to_string(), TRACE);
        client.call(Request::new(()))
    }));
    let request = Request::get("/")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .header("baggage", "tier=gold")
        .body(())
        .unwrap();
    read_to_end(now(server.call(request)).unwrap().into_body()).unwrap();
}

#[test]
fn a_caller_that_speaks_b3_is_continued_where_b3_is_spoken() {
    let recorder = SpanRecorder::new();
    let tracer = recorder
        .tracer_builder("shop")
        .propagator(B3::single())
        .build();
    let mut service = TraceLayer::new(tracer).layer(service_fn(hello));
    let request = Request::get("/")
        .header("b3", format!("{TRACE}-00f067aa0ba902b7-1"))
        .body(())
        .unwrap();
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(span.trace_id().to_string(), TRACE);
    assert_eq!(span.parent().unwrap().to_string(), "00f067aa0ba902b7");
}
