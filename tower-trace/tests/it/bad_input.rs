//! Requests that nobody should send. The request is never hurt.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::Context;

use crate::support::{BoxError, hello, now, read_to_end};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn serve(recorder: &SpanRecorder, headers: HeaderMap, uri: &str) -> RecordedSpan {
    let layer = TraceLayer::new(recorder.tracer("shop")).forwarded_headers(true);
    let mut service = layer.layer(service_fn(hello));
    let mut request = Request::get(uri).body(()).unwrap();
    *request.headers_mut() = headers;
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    recorder.take_one()
}

fn bytes(value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(value).unwrap()
}

#[test]
fn a_scheme_that_is_made_up_is_not_taken_over() {
    let recorder = SpanRecorder::new();
    for (uri, scheme) in [
        ("x1://h/", "http"),
        ("file://h/", "http"),
        ("https://h/", "https"),
        ("http://h/", "http"),
        ("wss://h/", "https"),
    ] {
        assert_eq!(
            serve(&recorder, HeaderMap::new(), uri).str("url.scheme"),
            scheme,
            "{uri}"
        );
    }
}

#[test]
fn header_bombs_are_survived_in_bounded_memory() {
    let mut headers = HeaderMap::new();
    for name in [
        "tracestate",
        "baggage",
        "forwarded",
        "x-forwarded-for",
        "b3",
        "user-agent",
        "host",
    ] {
        let name = HeaderName::from_static(name);
        for n in 0..1000 {
            headers.append(&name, bytes(format!("k{n}={}", "v".repeat(100)).as_bytes()));
        }
    }
    headers.insert("traceparent", CALLER.parse().unwrap());
    let recorder = SpanRecorder::new();
    let span = serve(&recorder, headers, "/");
    assert_eq!(
        span.trace_id().to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert!(
        span.span_context().trace_state().is_empty(),
        "1000 members are 968 too many"
    );
}

#[test]
fn baggage_of_ten_thousand_members_is_cut_to_its_limits() {
    let list: Vec<_> = (0..10_000).map(|n| format!("key{n}=value")).collect();
    let mut headers = HeaderMap::new();
    headers.insert("baggage", bytes(list.join(",").as_bytes()));
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let mut service = layer.layer(service_fn(|request: Request<()>| async {
        let baggage = Context::current().baggage().clone();
        assert!(baggage.len() <= 64, "{}", baggage.len());
        hello(request).await
    }));
    let mut request = Request::get("/").body(()).unwrap();
    *request.headers_mut() = headers;
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    let _ = recorder.take_one();
}

#[test]
fn headers_that_are_no_text_are_left_out() {
    let mut headers = HeaderMap::new();
    for name in [
        "traceparent",
        "tracestate",
        "baggage",
        "host",
        "user-agent",
        "forwarded",
        "x-forwarded-for",
        "content-length",
    ] {
        headers.insert(HeaderName::from_static(name), bytes(b"\xff\xfe\x80 \xc3("));
    }
    let recorder = SpanRecorder::new();
    let span = serve(&recorder, headers, "/");
    for key in ["server.address", "user_agent.original", "client.address"] {
        span.assert_absent(key);
    }
    assert_eq!(span.parent(), None);
}

#[test]
fn two_traceparents_are_none_and_are_counted() {
    let mut headers = HeaderMap::new();
    headers.append("traceparent", CALLER.parse().unwrap());
    headers.append(
        "traceparent",
        CALLER.replace("4bf9", "4bfa").parse().unwrap(),
    );
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let mut service = TraceLayer::new(tracer.clone()).layer(service_fn(hello));
    let mut request = Request::get("/").body(()).unwrap();
    *request.headers_mut() = headers;
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    assert_eq!(recorder.take_one().parent(), None);
    assert_eq!(tracer.stats().malformed_contexts, 1);
}

#[test]
fn strange_targets_have_sane_attributes() {
    let recorder = SpanRecorder::new();
    for uri in [
        "*",
        "/%ff%00%zz",
        "/?",
        "/?=&&==",
        "http://user:s3cret@host:99999/x?sig=s3cret",
        "//double//slashes//",
        "/\u{e9}",
    ] {
        let Ok(uri) = uri.parse::<http::Uri>() else {
            continue;
        };
        let span = serve(&recorder, HeaderMap::new(), &uri.to_string());
        assert!(!span.str("url.path").is_empty(), "{uri}");
        assert!(!format!("{span:?}").contains("s3cret"), "{uri}: {span:?}");
    }
}

#[test]
fn a_client_can_be_given_targets_without_a_host() {
    let recorder = SpanRecorder::new();
    let mut client = ClientTraceLayer::new(recorder.tracer("shop")).layer(service_fn(hello));
    for uri in ["/", "*", "host:80"] {
        let request = Request::get(uri).body(()).unwrap();
        read_to_end(now(client.call(request)).unwrap().into_body()).unwrap();
        let span = recorder.take_one();
        if uri != "host:80" {
            span.assert_absent("server.address");
            span.assert_absent("server.port");
        }
    }
}

#[test]
fn texts_of_strangers_are_cut_and_the_request_sees_them_whole() {
    const LIMIT: usize = 8 * 1024;
    let long = "a".repeat(60_000);
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .capture_request_headers(["x-note"])
        .legacy_names(true);
    let mut service = layer.layer(service_fn(|request: Request<()>| {
        assert_eq!(request.uri().path().len(), 30_001);
        assert_eq!(request.headers()["user-agent"].len(), 60_000);
        hello(request)
    }));
    let request = Request::builder()
        .method(&*long)
        .uri(format!("/{}?sig={}", &long[..30_000], &long[..30_000]))
        .header("user-agent", &long)
        .header("x-note", format!("x{}", "ü".repeat(30_000)))
        .body(())
        .unwrap();
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    for key in [
        "http.request.method_original",
        "url.path",
        "user_agent.original",
        "http.user_agent",
        "http.target",
    ] {
        assert_eq!(span.str(key).len(), LIMIT, "{key}");
    }
    assert_eq!(span.str("url.query"), "sig=REDACTED");
    let note = &span.strs("http.request.header.x-note")[0];
    assert_eq!(note.len(), LIMIT - 1, "cut at a character");
    assert!(span.name().len() < 200, "{}", span.name());

    let mut client = ClientTraceLayer::new(recorder.tracer("shop")).layer(service_fn(hello));
    let url = format!("http://a/{}?sig=s3cret", &long[..60_000]);
    let request = Request::get(url).body(()).unwrap();
    read_to_end(now(client.call(request)).unwrap().into_body()).unwrap();
    assert_eq!(recorder.take_one().str("url.full").len(), LIMIT);
}

#[derive(Clone, Copy)]
struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::panic::resume_unwind(Box::new("cannot be shown"))
    }
}

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::panic::resume_unwind(Box::new("cannot be printed"))
    }
}

impl std::error::Error for Unspeakable {}

#[test]
fn an_error_that_cannot_be_printed_reaches_the_caller() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Err::<http::Response<http_body_util::Empty<bytes::Bytes>>, _>(BoxError::from(Unspeakable))
    }));
    let error = now(service.call(Request::new(()))).map(drop).unwrap_err();
    assert!(error.is::<Unspeakable>());
    recorder.take_one().assert_failed("_OTHER");
}

#[test]
fn a_length_with_a_sign_is_no_length() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).body_sizes(true);
    let mut service = layer.layer(service_fn(hello));
    let request = Request::get("/").header("content-length", "+5").body(());
    let response = now(service.call(request.unwrap())).unwrap();
    read_to_end(response.into_body()).unwrap();
    recorder.take_one().assert_absent("http.request.body.size");
}

#[test]
fn a_user_agent_in_another_alphabet_is_text_too_and_one_with_controls_is_none() {
    let recorder = SpanRecorder::new();
    for (agent, is_text) in [
        ("Größe/1.0 (東京)", true),
        ("shop/1.0", true),
        ("Größe\t1", true),
        ("Größe\u{85}1", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", bytes(agent.as_bytes()));
        let span = serve(&recorder, headers, "/");
        let recorded = span.attr("user_agent.original");
        assert_eq!(
            recorded.and_then(|agent| agent.as_str()),
            is_text.then_some(agent)
        );
    }
}
