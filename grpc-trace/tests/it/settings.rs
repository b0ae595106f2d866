//! What can be set.

use grpc_trace::{ClientTraceLayer, GrpcTraceBin, INFRASTRUCTURE, PeerAddr, TraceLayer, Trust};
use http::{HeaderValue, Request};
use tower::{Layer as _, Service as _};
use trace_testkit::http::{TestBody, TestService};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::propagation::{B3, Composite, Jaeger, Propagator, TraceContext, XRay};
use tracing_core_ctx::{Context, Tracer};

use crate::greeter::SERVICE;

fn call(path: &str) -> Request<TestBody> {
    Request::post(format!("http://shop.example:8080{path}"))
        .body(TestBody::empty())
        .unwrap()
}

/// Answers OK, without a message.
fn answering() -> TestService {
    TestService::new(|_| async {
        let mut response = http::Response::new(TestBody::empty());
        let ok = HeaderValue::from_static("0");
        response.headers_mut().insert("grpc-status", ok);
        Ok(response)
    })
}

async fn serve_once(layer: &TraceLayer, request: Request<TestBody>) {
    let mut service = layer.layer(answering());
    std::future::poll_fn(|cx| tower::Service::<Request<TestBody>>::poll_ready(&mut service, cx))
        .await
        .unwrap();
    drop(service.call(request).await.unwrap());
}

async fn send_once(layer: &ClientTraceLayer, request: Request<TestBody>) {
    let mut service = layer.layer(answering());
    std::future::poll_fn(|cx| tower::Service::<Request<TestBody>>::poll_ready(&mut service, cx))
        .await
        .unwrap();
    drop(service.call(request).await.unwrap());
}

async fn served(
    set: impl FnOnce(TraceLayer) -> TraceLayer,
    request: Request<TestBody>,
) -> RecordedSpan {
    let recorder = SpanRecorder::new();
    let layer = set(TraceLayer::new(recorder.tracer("server")));
    serve_once(&layer, request).await;
    recorder.take_one()
}

#[tokio::test]
async fn methods_of_services_that_are_not_listed_are_other() {
    for (path, name) in [
        (
            "/accept.greeter.v1.Greeter/SayHello",
            "accept.greeter.v1.Greeter/SayHello",
        ),
        ("/shop.Orders/Place", "shop.Orders/Place"),
        ("/shop.Orders/Cancel", "grpc"),
        ("/admin.Console/Run", "grpc"),
    ] {
        let span = served(
            |layer| layer.services([SERVICE, "shop.Orders/Place"]),
            call(path),
        )
        .await;
        assert_eq!(span.name(), name);
        if name == "grpc" {
            assert_eq!(span.str("rpc.method"), "_OTHER");
            assert_eq!(span.str("rpc.method_original"), &path[1..]);
        }
    }
}

#[tokio::test]
async fn methods_are_bounded_in_number_without_a_list() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).max_names(2);
    for method in ["One", "Two", "Three", "One"] {
        serve_once(&layer, call(&format!("/a.B/{method}"))).await;
    }
    let spans = recorder.take();
    let names: Vec<_> = spans.iter().map(|span| span.name()).collect();
    assert_eq!(names, ["a.B/One", "a.B/Two", "grpc", "a.B/One"]);
    assert_eq!(layer.overflowed_names(), 1);
}

#[tokio::test]
async fn health_and_reflection_are_left_out_on_request() {
    let recorder = SpanRecorder::new();
    let server = TraceLayer::new(recorder.tracer("server")).leave_out(INFRASTRUCTURE);
    let client = ClientTraceLayer::new(recorder.tracer("client")).leave_out(INFRASTRUCTURE);
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        serve_once(&server, call(path)).await;
        send_once(&client, call(path)).await;
    }
    recorder.assert_nothing();
    serve_once(&server, call("/a.B/C")).await;
    assert_eq!(recorder.take_one().name(), "a.B/C");
}

#[tokio::test]
async fn a_filter_decides_and_one_that_panics_does_not() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).filter(|request| {
        assert!(!request.uri.path().ends_with("Panic"));
        !request.uri.path().ends_with("Quiet")
    });
    serve_once(&layer, call("/a.B/Quiet")).await;
    recorder.assert_nothing();
    serve_once(&layer, call("/a.B/Panic")).await;
    assert_eq!(recorder.take_one().name(), "a.B/Panic");
}

#[tokio::test]
async fn a_rule_names_spans() {
    let rule = |request: grpc_trace::RequestHead<'_>| {
        let (_, method) = request.uri.path().rsplit_once('/')?;
        (method != "Plain").then(|| method.to_owned())
    };
    let span = served(move |layer| layer.name(rule), call("/a.B/Place")).await;
    assert_eq!(
        (span.name(), span.str("rpc.method")),
        ("Place", "a.B/Place")
    );
    let span = served(move |layer| layer.name(rule), call("/a.B/Plain")).await;
    assert_eq!(span.name(), "a.B/Plain");
}

#[tokio::test]
async fn hooks_describe_the_span_and_their_panics_hurt_nobody() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"))
        .on_request(|request, span| span.set("shop.path", request.uri.path()))
        .on_response(|response, span| {
            span.set(
                "shop.headers",
                i64::try_from(response.headers.len()).unwrap(),
            );
            panic!("as the test wants");
        });
    serve_once(&layer, call("/a.B/C")).await;
    let span = recorder.take_one();
    assert_eq!(span.str("shop.path"), "/a.B/C");
    assert_eq!(span.int("shop.headers"), 1);

    let layer = ClientTraceLayer::new(recorder.tracer("client"))
        .name(|_| Some("call".to_owned()))
        .on_request(|request, span| {
            assert!(!request.headers.contains_key("traceparent"));
            span.set("shop.path", request.uri.path());
        })
        .on_response(|_, span| span.set("shop.answered", true));
    send_once(&layer, call("/a.B/C")).await;
    let span = recorder.take_one();
    assert_eq!((span.name(), span.str("shop.path")), ("call", "/a.B/C"));
    assert!(span.bool("shop.answered"));
}

#[tokio::test]
async fn old_names_are_added_on_request() {
    let span = served(|layer| layer.legacy_names(true), call("/a.B/C")).await;
    span.assert_has(&[
        ("rpc.system", "grpc".into()),
        ("rpc.service", "a.B".into()),
        ("rpc.method", "a.B/C".into()),
        ("rpc.grpc.status_code", 0.into()),
        ("rpc.response.status_code", "OK".into()),
        ("rpc.status_code", "OK".into()),
    ]);
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("client")).legacy_names(true);
    send_once(&layer, call("/a.B/C")).await;
    assert_eq!(recorder.take_one().int("rpc.grpc.status_code"), 0);
}

#[tokio::test]
async fn each_caller_is_believed_as_far_as_a_rule_says() {
    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let from = |tenant: &'static str| {
        let mut request = call("/a.B/C");
        let headers = request.headers_mut();
        headers.insert("traceparent", HeaderValue::from_static(CALLER));
        headers.insert("x-tenant", HeaderValue::from_static(tenant));
        request
    };
    let rule = |request: grpc_trace::RequestHead<'_>| match request.headers["x-tenant"].to_str() {
        Ok("ours") => Trust::Continue,
        Ok("other") => Trust::NewRootWithLink,
        _ => panic!("as the test wants"),
    };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let span = served(|layer| layer.trust_by(rule), from("ours")).await;
    assert_eq!(span.trace_id().to_string(), trace);
    let span = served(|layer| layer.trust_by(rule), from("other")).await;
    assert_ne!(span.trace_id().to_string(), trace);
    assert_eq!(span.links().len(), 1);
    let span = served(|layer| layer.trust_by(rule), from("unknown")).await;
    assert_ne!(span.trace_id().to_string(), trace);
    assert!(span.links().is_empty());
}

#[tokio::test]
async fn the_peer_is_what_a_rule_or_an_extension_says() {
    let mut request = call("/a.B/C");
    request
        .extensions_mut()
        .insert(PeerAddr("192.0.2.1:7".parse().unwrap()));
    let span = served(|layer| layer, request).await;
    assert_eq!(span.str("network.peer.address"), "192.0.2.1");
    assert_eq!(span.int("network.peer.port"), 7);
    let span = served(
        |layer| layer.peer_address(|_| "192.0.2.2:8".parse().ok()),
        call("/a.B/C"),
    )
    .await;
    assert_eq!(span.str("network.peer.address"), "192.0.2.2");
}

#[tokio::test]
async fn binary_metadata_is_base64() {
    let mut request = call("/a.B/C");
    let headers = request.headers_mut();
    headers.append("x-key-bin", HeaderValue::from_static("3q2+7w"));
    headers.append("x-key-bin", HeaderValue::from_static("AA"));
    headers.append("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
    let span = served(
        |layer| layer.capture_request_metadata(["X-Key-Bin", "x-latin"]),
        request,
    )
    .await;
    assert_eq!(span.strs("rpc.request.header.x-key-bin"), ["3q2+7w", "AA"]);
    assert_eq!(span.strs("rpc.request.header.x-latin"), ["Y2Fm6Q"]);
}

/// A tracer that speaks one format.
fn speaking(recorder: &SpanRecorder, propagator: impl Propagator + 'static) -> Tracer {
    recorder
        .tracer_builder("any")
        .propagator(propagator)
        .build()
}

#[tokio::test]
async fn every_propagator_carries_through_metadata() {
    type Make = fn() -> Box<dyn Propagator>;
    let formats: [(Make, &str); 6] = [
        (|| Box::new(TraceContext::default()), "traceparent"),
        (|| Box::new(B3::single()), "b3"),
        (|| Box::new(B3::multi()), "x-b3-traceid"),
        (|| Box::new(Jaeger::default()), "uber-trace-id"),
        (|| Box::new(XRay::default()), "x-amzn-trace-id"),
        (|| Box::new(GrpcTraceBin::default()), "grpc-trace-bin"),
    ];
    for (format, header) in formats {
        let recorder = SpanRecorder::new();
        let tracer = speaking(&recorder, Composite::new([format()]));
        let inner = TraceLayer::new(tracer.clone()).layer(answering());
        let mut outer = ClientTraceLayer::new(tracer).layer(tower::service_fn(
            move |request: Request<TestBody>| {
                assert!(request.headers().contains_key(header), "{header}");
                let mut inner = inner.clone();
                async move {
                    std::future::poll_fn(|cx| {
                        tower::Service::<Request<TestBody>>::poll_ready(&mut inner, cx)
                    })
                    .await?;
                    inner.call(request).await
                }
            },
        ));
        drop(outer.call(call("/a.B/C")).await.unwrap());
        let mut spans = recorder.take();
        let (server, client) = (spans.remove(0), spans.remove(0));
        assert!(server.is_child_of(&client), "{header}");
    }
}

#[tokio::test]
async fn hosts_and_baggage_are_told_as_little_as_is_set() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("client"))
        .target("http://orders.shop.internal:50051")
        .propagate_to(["*.shop.internal"])
        .propagate_baggage(["user.tier"]);
    let current = Context::new()
        .with_baggage_entry("user.tier", "gold")
        .with_baggage_entry("user.name", "Ann");
    for (target, told) in [
        ("http://orders.shop.internal:50051", true),
        ("http://evil.example", false),
    ] {
        let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let layer = layer.clone().target(target);
        let mut service = layer.layer(tower::service_fn(move |request: Request<TestBody>| {
            sender.send(request.headers().clone()).unwrap();
            async { Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::empty())) }
        }));
        let future = current.scope(|| service.call(call("/a.B/C")));
        drop(future.await);
        let headers = seen.recv().await.unwrap();
        assert_eq!(headers.contains_key("traceparent"), told);
        let baggage = headers.get("baggage").map(|value| value.to_str().unwrap());
        assert_eq!(baggage, told.then_some("user.tier=gold"));
        drop(recorder.take());
    }
}

#[tokio::test]
async fn a_server_behind_a_prefix_knows_its_methods_by_the_same_list_and_number() {
    const PATH: &str = "/api/v1/shop.Orders/Place";
    for (list, name) in [
        (&[][..], "shop.Orders/Place"),
        (&["shop.Orders"], "shop.Orders/Place"),
        (&["shop.Orders/Place"], "shop.Orders/Place"),
        (&["shop.Admin"], "grpc"),
    ] {
        let span = served(|layer| layer.services(list.iter().copied()), call(PATH)).await;
        assert_eq!(span.name(), name);
        let original = span.attr("rpc.method_original");
        assert_eq!(original.is_some(), name == "grpc");
    }
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).max_names(1);
    for (path, name) in [
        ("/shop.Orders/Place", "shop.Orders/Place"),
        (PATH, "shop.Orders/Place"),
        ("/api/shop.Orders/Cancel", "grpc"),
    ] {
        serve_once(&layer, call(path)).await;
        assert_eq!(recorder.take_one().name(), name);
    }
}
