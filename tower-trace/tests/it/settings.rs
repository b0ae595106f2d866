//! The server layer's settings, one by one.

use http::{HeaderName, Request, Response};
use http_body_util::Full;
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::{PeerAddr, TraceLayer};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::{Context, Span};

use crate::support::{hello, now, read_to_end};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn serve(recorder: &SpanRecorder, layer: &TraceLayer, request: Request<()>) -> RecordedSpan {
    let mut service = layer.layer(service_fn(hello));
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    recorder.take_one()
}

fn get(path: &str) -> http::request::Builder {
    Request::get(path).header("host", "shop.example")
}

#[test]
fn filtered_requests_record_nothing_and_still_pass_the_callers_context_on() {
    let recorder = SpanRecorder::new();
    let layer =
        TraceLayer::new(recorder.tracer("shop")).filter(|request| request.uri.path() != "/health");
    let mut service = layer.layer(service_fn(|request: Request<()>| async {
        Span::child("check").end();
        let caller = Context::current()
            .span_context()
            .map(|span| span.trace_id().to_string());
        assert_eq!(caller.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        hello(request).await
    }));
    let request = get("/health")
        .header("traceparent", CALLER)
        .body(())
        .unwrap();
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    recorder.assert_nothing();
}

#[test]
fn a_filter_that_panics_traces_the_request() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .filter(|_| std::panic::resume_unwind(Box::new("broken")));
    let _ = serve(&recorder, &layer, get("/").body(()).unwrap());
}

#[test]
fn headers_are_recorded_only_if_listed_and_never_if_they_grant_access() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .capture_request_headers([
            "X-Tenant",
            "Authorization",
            "cookie",
            "x-api-key",
            "not a header",
        ])
        .capture_response_headers(["content-type", "set-cookie"]);
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Response::builder()
            .header("content-type", "text/plain")
            .header("set-cookie", "session=s3cret")
            .body(Full::<bytes::Bytes>::default())
    }));
    let request = get("/")
        .header("x-tenant", "apples")
        .header("x-tenant", "pears")
        .header("x-other", "not listed")
        .header("authorization", "Bearer s3cret")
        .header("cookie", "s3cret")
        .header("x-api-key", "s3cret")
        .body(())
        .unwrap();
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(
        span.strs("http.request.header.x-tenant"),
        ["apples", "pears"]
    );
    assert_eq!(
        span.strs("http.response.header.content-type"),
        ["text/plain"]
    );
    span.assert_absent("http.request.header.x-other");
    assert!(!format!("{span:?}").contains("s3cret"), "{span:?}");
}

#[test]
fn urls_in_captured_headers_lose_their_secrets() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .capture_request_headers(["referer"])
        .capture_response_headers(["location"])
        .redact_query_keys(["token"]);
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Response::builder()
            .status(302)
            .header("location", "https://ann:s3cret@bucket/x?sig=s3cret&a=1")
            .body(Full::<bytes::Bytes>::default())
    }));
    let request = get("/").header("referer", "https://shop/?token=s3cret");
    let response = now(service.call(request.body(()).unwrap())).unwrap();
    read_to_end(response.into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(
        span.strs("http.request.header.referer"),
        ["https://shop/?token=REDACTED"]
    );
    assert_eq!(
        span.strs("http.response.header.location"),
        ["https://REDACTED:REDACTED@bucket/x?sig=REDACTED&a=1"]
    );
}

#[test]
fn forwarded_headers_count_only_when_a_proxy_is_configured() {
    let request = || {
        let mut request = get("/")
            .header(
                "forwarded",
                r#"for="[2001:db8::1]:4711";proto=https;host=outer.example:8443, for=10.0.0.1"#,
            )
            .body(())
            .unwrap();
        request
            .extensions_mut()
            .insert(PeerAddr("10.0.0.9:1234".parse().unwrap()));
        request
    };
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let span = serve(&recorder, &layer, request());
    assert_eq!(span.str("client.address"), "10.0.0.9");
    assert_eq!(span.str("url.scheme"), "http");
    assert_eq!(span.str("server.address"), "shop.example");

    let span = serve(&recorder, &layer.forwarded_headers(true), request());
    assert_eq!(span.str("client.address"), "2001:db8::1");
    assert_eq!(span.int("client.port"), 4711);
    assert_eq!(span.str("url.scheme"), "https");
    assert_eq!(span.str("server.address"), "outer.example");
    assert_eq!(span.int("server.port"), 8443);
    assert_eq!(span.str("network.peer.address"), "10.0.0.9");
}

#[test]
fn the_trace_id_is_told_to_the_caller_recorded_or_not() {
    let recorder = SpanRecorder::new();
    let name = HeaderName::from_static("x-trace-id");
    for tracer in [
        recorder.tracer("shop"),
        recorder.tracer_builder("shop").sampler(AlwaysOff).build(),
    ] {
        let layer = TraceLayer::new(tracer).trace_id_header(name.clone());
        let mut service = layer.layer(service_fn(hello));
        let request = get("/").header("traceparent", CALLER).body(()).unwrap();
        let response = now(service.call(request)).unwrap();
        assert_eq!(
            response.headers()[&name],
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        read_to_end(response.into_body()).unwrap();
    }
    assert_eq!(recorder.take().len(), 1);
}

#[test]
fn hooks_describe_the_span_and_their_panics_hurt_nobody() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .on_request(|request, span| span.set("shop.path", request.uri.path()))
        .on_response(|response, span| {
            span.set("shop.status", response.status.as_u16());
            std::panic::resume_unwind(Box::new("broken"))
        });
    let span = serve(&recorder, &layer, get("/a").body(()).unwrap());
    assert_eq!(span.str("shop.path"), "/a");
    assert_eq!(span.int("shop.status"), 200);
    span.assert_unset();
}

#[test]
fn hooks_are_not_called_when_nothing_records() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    let layer = TraceLayer::new(tracer)
        .on_request(|_, _| std::process::abort())
        .on_response(|_, _| std::process::abort());
    let mut service = layer.layer(service_fn(hello));
    read_to_end(
        now(service.call(get("/").body(()).unwrap()))
            .unwrap()
            .into_body(),
    )
    .unwrap();
}

#[test]
fn legacy_names_come_beside_the_new_ones_on_request() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).legacy_names(true);
    let mut request = get("/a?b=1&sig=s3cret")
        .header("user-agent", "curl/8")
        .body(())
        .unwrap();
    request
        .extensions_mut()
        .insert(PeerAddr("192.0.2.7:50000".parse().unwrap()));
    let span = serve(&recorder, &layer, request);
    for (new, old) in [
        ("http.request.method", "http.method"),
        ("http.response.status_code", "http.status_code"),
        ("url.scheme", "http.scheme"),
        ("user_agent.original", "http.user_agent"),
        ("server.address", "net.host.name"),
        ("client.address", "http.client_ip"),
        ("network.peer.address", "net.sock.peer.addr"),
        ("network.peer.port", "net.sock.peer.port"),
        ("network.protocol.version", "http.flavor"),
    ] {
        assert_eq!(span.attr(new), span.attr(old), "{new} and {old}");
        assert!(span.attr(old).is_some(), "{old}");
    }
    assert_eq!(span.str("http.target"), "/a?b=1&sig=REDACTED");
}

#[test]
fn query_keys_of_the_user_extend_the_seven() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).redact_query_keys(["api_key"]);
    let span = serve(
        &recorder,
        &layer,
        get("/?api_key=a&sig=b&c=d").body(()).unwrap(),
    );
    assert_eq!(span.str("url.query"), "api_key=REDACTED&sig=REDACTED&c=d");
}

#[test]
fn an_announced_request_size_and_a_sent_response_size_are_recorded_on_request() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let request = || get("/").header("content-length", "42").body(()).unwrap();
    let span = serve(&recorder, &layer, request());
    span.assert_absent("http.request.body.size");
    span.assert_absent("http.response.body.size");
    let span = serve(&recorder, &layer.body_sizes(true), request());
    assert_eq!(span.int("http.request.body.size"), 42);
    assert_eq!(span.int("http.response.body.size"), 5);
}

#[test]
fn what_is_not_there_is_absent_and_never_empty() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let span = serve(
        &recorder,
        &layer,
        Request::get("/").header("user-agent", "").body(()).unwrap(),
    );
    span.assert_attributes(&[
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
        ("url.path", "/".into()),
        ("url.scheme", "http".into()),
        ("url.template", "/".into()),
    ]);
}

#[test]
fn a_configured_layer_has_a_name_and_can_be_kept_in_a_struct() {
    struct App {
        layer: TraceLayer,
    }
    let recorder = SpanRecorder::new();
    let app = App {
        layer: TraceLayer::new(recorder.tracer("shop"))
            .filter(|_| true)
            .on_request(|_, _| {}),
    };
    let _ = serve(&recorder, &app.layer, get("/").body(()).unwrap());
}
