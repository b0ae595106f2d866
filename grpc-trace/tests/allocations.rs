//! What is not recorded takes nothing from the allocator: these are facts, so they are tests.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is a failure, and says which case it was"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use bytes::Bytes;
use grpc_trace::{ClientTraceLayer, INFRASTRUCTURE, TraceLayer};
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::Empty;
use tonic::body::Body;
use tower::{Layer, Service};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::{Context, Tracer};

const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Answers with its status alone.
#[derive(Clone)]
struct Answers;

impl Service<Request<Body>> for Answers {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        drop(request);
        let mut response = Response::new(Empty::new());
        let status = HeaderValue::from_static("0");
        response.headers_mut().insert("grpc-status", status);
        ready(Ok(response))
    }
}

fn request(traceparent: Option<&'static str>) -> Request<Body> {
    let mut request = Request::post("http://shop.example:8080/shop.Orders/Place");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    request
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Empty::<Bytes>::new()))
        .unwrap()
}

fn exchange<S, B>(service: &mut S, request: Request<Body>)
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body,
{
    let mut task = Task::from_waker(Waker::noop());
    let future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.poll(&mut task) else {
        panic!("it waits");
    };
    let mut body = pin!(response.into_body());
    while !body.is_end_stream() {
        let _ = body.as_mut().poll_frame(&mut task);
    }
}

/// How many allocations an exchange takes, once everything is warm.
fn allocations<S, B>(service: &mut S, traceparent: Option<&'static str>) -> u64
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body,
{
    for _ in 0..8 {
        exchange(service, request(traceparent));
    }
    let request = request(traceparent);
    allocation_counter::measure(|| exchange(service, request)).count_total
}

fn unsampled(recorder: &SpanRecorder) -> Tracer {
    recorder.tracer_builder("any").sampler(AlwaysOff).build()
}

#[test]
fn the_allocator_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(7))));
    assert_eq!(info.count_total, 1);
}

#[test]
fn a_served_call_that_is_not_recorded_allocates_nothing() {
    let recorder = SpanRecorder::new();
    let bare = allocations(&mut Answers, Some(UNSAMPLED));
    for (layer, caller) in [
        (TraceLayer::new(recorder.tracer("any")), Some(UNSAMPLED)),
        (TraceLayer::new(unsampled(&recorder)), None),
        (
            TraceLayer::new(unsampled(&recorder)).count_messages(true),
            None,
        ),
        (TraceLayer::new(Tracer::noop()), None),
    ] {
        assert_eq!(allocations(&mut layer.layer(Answers), caller), bare);
    }
    let left_out = TraceLayer::new(recorder.tracer("any")).leave_out(INFRASTRUCTURE);
    let left_out = left_out.filter(|_| false);
    assert_eq!(allocations(&mut left_out.layer(Answers), None), bare);
}

/// But for the value of the header, which is a string of its own.
#[test]
fn a_sent_call_that_is_not_recorded_allocates_no_more_than_the_header() {
    let recorder = SpanRecorder::new();
    let tracer = unsampled(&recorder);
    let bare = allocations(&mut Answers, None);
    let parent = tracer.span("parent").start();
    let mut service = ClientTraceLayer::new(tracer).layer(Answers);
    let within = parent.context().scope(|| allocations(&mut service, None));
    let header = allocation_counter::measure(|| {
        drop(HeaderValue::from_str(std::hint::black_box(UNSAMPLED)));
    });
    assert!(
        within - bare <= header.count_total + 1,
        "{within} over {bare}"
    );
    // Where no context is to be handed on there is nothing at all.
    let mut service = ClientTraceLayer::new(Tracer::noop()).layer(Answers);
    let outside = Context::new().scope(|| allocations(&mut service, None));
    assert_eq!(outside, bare);
}

#[test]
fn a_recorded_call_allocates_a_few_times() {
    let recorder = SpanRecorder::new();
    let bare = allocations(&mut Answers, None);
    let tracer = recorder.tracer("any");
    let served = allocations(&mut TraceLayer::new(tracer.clone()).layer(Answers), None) - bare;
    let sent = allocations(&mut ClientTraceLayer::new(tracer).layer(Answers), None) - bare;
    recorder.ignore();
    // The recorder's own are in it.
    assert!(served <= 12 && sent <= 14, "{served} served, {sent} sent");
}
