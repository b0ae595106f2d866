//! What services tell their callers of a trace, and who hears it.

use http::{Request, Response, StatusCode};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::way_back::TRACE_RESPONSE;
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::SpanRecorder;
use trace_testkit::http::TestBody;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::AlwaysOff;

use crate::support::{BoxError, now, read_to_end};

/// What the edge sees of a service that fails behind a gateway that hands its answer on.
fn seen_at_the_edge(callee: Tracer, gateway: &Tracer, hears: bool) -> bool {
    let failing = service_fn(|_: Request<()>| async {
        let mut response = Response::new(TestBody::new().data("no"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Ok::<_, BoxError>(response)
    });
    let callee = TraceLayer::new(callee).tell_callers(true).layer(failing);
    let client = ClientTraceLayer::new(gateway.clone()).hear_callees(hears);
    let proxy = client.layer(callee);
    let mut edge = TraceLayer::new(gateway.clone()).layer(proxy);
    let response = now(edge.call(Request::new(()))).unwrap();
    let is_told = response.headers().contains_key(TRACE_RESPONSE);
    read_to_end(response.into_body()).unwrap();
    is_told
}

#[test]
fn what_is_heard_is_not_handed_on_by_who_does_not_tell() {
    let recorder = SpanRecorder::new();
    let callee = recorder.tracer("orders");
    let gateway = recorder.tracer("gateway");
    assert!(!seen_at_the_edge(callee.clone(), &gateway, true));
    let heard = recorder.take();
    assert!(heard[1].bool("ctx.sampling.callee"), "{heard:?}");
    assert!(seen_at_the_edge(callee, &gateway, false));
    recorder.ignore();
}

#[test]
fn nor_is_it_where_the_gateway_records_nothing() {
    let recorder = SpanRecorder::new();
    let callee = recorder
        .tracer_builder("orders")
        .sampler(tracing_core_ctx::sampler::AlwaysOn)
        .build();
    let gateway = recorder
        .tracer_builder("gateway")
        .sampler(AlwaysOff)
        .build();
    assert!(!seen_at_the_edge(callee.clone(), &gateway, true));
    assert!(seen_at_the_edge(callee, &gateway, false));
    recorder.ignore();
}
