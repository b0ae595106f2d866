//! The company of other layers: what they hide, what they move to other tasks, and in which order they stand.

use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt, service_fn};
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::http::TestBody;
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::{Context, Span};

use crate::support::{BoxError, LIMIT, hello, now, poll_once, read_to_end};

type Answer = Result<Response<Full<Bytes>>, BoxError>;

fn request() -> Request<()> {
    Request::new(())
}

async fn never(_: Request<()>) -> Answer {
    pending().await
}

fn find<'a>(spans: &'a [RecordedSpan], name: &str) -> &'a RecordedSpan {
    spans.iter().find(|span| span.name() == name).unwrap()
}

#[tokio::test]
async fn a_timeout_below_us_is_an_error_and_one_above_us_a_cancellation() {
    let recorder = SpanRecorder::new();
    let layer = || TraceLayer::new(recorder.tracer("shop"));
    let soon = Duration::from_millis(1);

    let below = ServiceBuilder::new().layer(layer()).timeout(soon);
    let answer = below.service(service_fn(never)).oneshot(request()).await;
    assert!(answer.is_err());
    recorder.take_one().assert_failed("timeout");

    let above = ServiceBuilder::new().timeout(soon).layer(layer());
    let answer = above.service(service_fn(never)).oneshot(request()).await;
    assert!(answer.is_err());
    let span = recorder.take_one();
    span.assert_unset();
    assert_eq!(span.str("ctx.outcome"), "cancelled");
}

#[test]
fn a_request_that_is_shed_below_us_is_an_error_and_above_us_no_request() {
    let recorder = SpanRecorder::new();
    let layer = || TraceLayer::new(recorder.tracer("shop"));
    let busy = || {
        // One place, and somebody has it.
        let mut limited = ServiceBuilder::new()
            .concurrency_limit(1)
            .service(service_fn(never));
        let ready = now(ServiceExt::<Request<()>>::ready(&mut limited));
        assert!(ready.is_ok());
        let clone = limited.clone();
        (limited, clone)
    };

    let (_held, service) = busy();
    let mut below = ServiceBuilder::new()
        .layer(layer())
        .load_shed()
        .service(service);
    let ready = now(ServiceExt::<Request<()>>::ready(&mut below)).unwrap();
    assert!(now(ready.call(request())).is_err());
    recorder.take_one().assert_failed("Overloaded");

    let (_held, service) = busy();
    let mut above = ServiceBuilder::new()
        .load_shed()
        .layer(layer())
        .service(service);
    let ready = now(ServiceExt::<Request<()>>::ready(&mut above)).unwrap();
    assert!(now(ready.call(request())).is_err());
    recorder.assert_nothing();
}

#[test]
fn waiting_for_a_free_place_is_not_hidden_and_no_part_of_the_span() {
    let recorder = SpanRecorder::new();
    let mut first = ServiceBuilder::new()
        .layer(TraceLayer::new(recorder.tracer("shop")))
        .concurrency_limit(1)
        .service(service_fn(hello));
    let mut second = first.clone();
    let ready = now(ServiceExt::<Request<()>>::ready(&mut first)).unwrap();
    let mut running = pin!(ready.call(request()));

    let mut waiting = pin!(ServiceExt::<Request<()>>::ready(&mut second));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(recorder.open(), 1, "only the first one was called");

    // The place is free with the head: what the service held is gone then, though the body is not read yet.
    let response = now(running.as_mut()).unwrap();
    let ready = now(waiting).unwrap();
    recorder.clock().advance(Duration::from_millis(5));
    read_to_end(now(ready.call(request())).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(span.duration(), Duration::ZERO);
    read_to_end(response.into_body()).unwrap();
    assert_eq!(recorder.take_one().duration(), Duration::from_millis(5));
}

#[tokio::test]
async fn below_a_buffer_the_span_is_current_in_every_poll_and_in_call_it_is_not() {
    let recorder = SpanRecorder::new();
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new(recorder.tracer("shop")).parameterize_paths(false))
        .buffer(4)
        .service(service_fn(|request: Request<()>| {
            // The buffer's own task calls.
            assert!(Context::current().span_context().is_none());
            async {
                Span::child("price").end();
                hello(request).await
            }
        }));
    let response = service.oneshot(request()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let spans = recorder.wait_for_async(2, LIMIT).await;
    assert!(find(&spans, "price").is_child_of(find(&spans, "GET")));
}

#[tokio::test]
async fn above_a_buffer_the_caller_is_still_the_parent() {
    let recorder = SpanRecorder::new();
    let service = ServiceBuilder::new()
        .buffer(4)
        .layer(TraceLayer::new(recorder.tracer("shop")))
        .service(service_fn(hello));
    let mut request = request();
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request
        .headers_mut()
        .insert("traceparent", caller.parse().unwrap());
    let response = service.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    let span = recorder.wait_for_async(1, LIMIT).await.remove(0);
    assert_eq!(span.parent().unwrap().to_string(), "00f067aa0ba902b7");
}

/// A layer that makes an answer of a panic.
async fn catch_panic<B: Default>(
    inner: impl Future<Output = Result<Response<B>, Infallible>>,
) -> Result<Response<B>, Infallible> {
    AssertUnwindSafe(inner)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            let mut answer = Response::new(B::default());
            *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            Ok(answer)
        })
}

async fn panics(_: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    resume_unwind(Box::new("on purpose"))
}

#[test]
fn a_panic_is_seen_as_one_unless_somebody_below_us_made_an_answer_of_it() {
    let recorder = SpanRecorder::new();
    let layer = || TraceLayer::new(recorder.tracer("shop"));

    let mut traced = layer().layer(service_fn(panics));
    let response = now(catch_panic(traced.call(request()))).unwrap();
    assert_eq!(response.status(), 500);
    let span = recorder.take_one();
    span.assert_failed("panic");
    span.assert_absent("http.response.status_code");
    // A body for the answer that others make is one without a span.
    read_to_end(response.into_body()).unwrap();

    let mut traced = layer().layer(service_fn(|request| catch_panic(panics(request))));
    let response = now(traced.call(request())).unwrap();
    read_to_end(response.into_body()).unwrap();
    let span = recorder.take_one();
    span.assert_failed("500");
    assert_eq!(span.int("http.response.status_code"), 500);
}

#[test]
fn a_body_that_another_layer_replaces_cancels_the_span_and_one_that_it_wraps_does_not() {
    let recorder = SpanRecorder::new();
    let mut traced = TraceLayer::new(recorder.tracer("shop")).layer(service_fn(hello));
    let wrapped = now(traced.call(request())).unwrap().map(BodyExt::boxed);
    read_to_end(wrapped.into_body()).unwrap();
    recorder.take_one().assert_absent("ctx.outcome");

    let replaced = now(traced.call(request())).unwrap();
    drop(replaced.map(|_| Full::<Bytes>::from("sorry")));
    let span = recorder.take_one();
    assert_eq!(span.str("ctx.outcome"), "cancelled");
    span.assert_unset();
}

#[test]
fn a_server_and_a_client_layer_in_one_stack_are_parent_and_child() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("proxy");
    let mut proxy = ServiceBuilder::new()
        .layer(TraceLayer::new(tracer.clone()).parameterize_paths(false))
        .layer(ClientTraceLayer::new(tracer))
        .service(service_fn(|request: Request<()>| async move {
            let body = TestBody::new().data("hello").knows_length().knows_end();
            assert!(request.headers().contains_key("traceparent"));
            Ok::<_, Infallible>(Response::new(body))
        }));
    let mut forwarded = request();
    *forwarded.uri_mut() = "http://upstream/".parse().unwrap();
    read_to_end(now(proxy.call(forwarded)).unwrap().into_body()).unwrap();
    let spans = recorder.take();
    let [client, server] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert!(client.is_child_of(server));
    assert_eq!(client.str("url.full"), "http://upstream/");
}

/// As `server` says: one layer for each request.
#[test]
fn two_layers_on_one_request_are_two_spans_below_its_caller_unless_the_outer_one_leaves_it() {
    let recorder = SpanRecorder::new();
    let layer = || TraceLayer::new(recorder.tracer("shop"));
    let inner = layer().layer(service_fn(hello));
    for (wants, expected) in [(true, 2), (false, 1)] {
        let mut outer = layer().filter(move |_| wants).layer(inner.clone());
        let mut request = request();
        let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let headers = request.headers_mut();
        headers.insert("traceparent", caller.parse().unwrap());
        read_to_end(now(outer.call(request)).unwrap().into_body()).unwrap();
        let spans = recorder.take();
        assert_eq!(spans.len(), expected);
        for span in spans {
            let parent = span.parent().unwrap().to_string();
            assert_eq!(parent, "00f067aa0ba902b7");
        }
    }
}
