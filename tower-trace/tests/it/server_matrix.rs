//! Every server span of methods x statuses x routes x outcomes, attribute by attribute.
//!
//! What is expected stands in tables, one for each dimension, as the conventions state it. Nothing here is computed from the code under
//! test.

use std::borrow::Cow;
use std::io::ErrorKind;

use http::{Request, Response};
use tower::{Layer as _, service_fn};
use tower_trace::{PeerAddr, TraceLayer};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::SpanKind;
use tracing_core_ctx::attribute::Value;

use crate::outcome::{Outcome, assert_span};

/// Sent method, `http.request.method`, `http.request.method_original`, how the name begins.
const METHODS: [(&str, &str, Option<&str>, &str); 12] = [
    ("CONNECT", "CONNECT", None, "CONNECT"),
    ("DELETE", "DELETE", None, "DELETE"),
    ("GET", "GET", None, "GET"),
    ("HEAD", "HEAD", None, "HEAD"),
    ("OPTIONS", "OPTIONS", None, "OPTIONS"),
    ("PATCH", "PATCH", None, "PATCH"),
    ("POST", "POST", None, "POST"),
    ("PUT", "PUT", None, "PUT"),
    ("QUERY", "QUERY", None, "QUERY"),
    ("TRACE", "TRACE", None, "TRACE"),
    ("get", "_OTHER", Some("get"), "HTTP"),
    ("BREW", "_OTHER", Some("BREW"), "HTTP"),
];

/// Status code, `error.type` that it makes on a server.
const STATUSES: [(u16, Option<&str>); 12] = [
    (200, None),
    (201, None),
    (204, None),
    (302, None),
    (304, None),
    (400, None),
    (401, None),
    (404, None),
    (429, None),
    (500, Some("500")),
    (503, Some("503")),
    (599, Some("599")),
];

/// Matched route, `http.route`, how the name ends.
const ROUTES: [(Option<&str>, Option<&str>, &str); 3] = [
    (Some("/users/{id}"), Some("/users/{id}"), " /users/{id}"),
    (Some("/"), Some("/"), " /"),
    (None, None, ""),
];

/// How the exchange goes, whether a status code is sent, `error.type`, `ctx.outcome`.
const OUTCOMES: [(Outcome, bool, Option<&'static str>, Option<&str>); 6] = [
    (Outcome::Complete, true, None, None),
    (
        Outcome::ServiceError(ErrorKind::TimedOut),
        false,
        Some("timeout"),
        None,
    ),
    (Outcome::Panic, false, Some("panic"), None),
    (Outcome::DroppedBeforeHead, false, None, Some("cancelled")),
    (Outcome::DroppedInBody, true, None, Some("cancelled")),
    (Outcome::BodyError, true, Some("TestError"), None),
];

#[test]
fn every_server_span_says_exactly_what_the_conventions_want() {
    let mut seen = 0;
    for method in METHODS {
        for status in STATUSES {
            for route in ROUTES {
                for outcome in OUTCOMES {
                    check(method, status, route, outcome);
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 12 * 12 * 3 * 6);
}

fn check(
    (sent, method, original, name): (&str, &str, Option<&str>, &str),
    (code, status_error): (u16, Option<&'static str>),
    (route, http_route, target): (Option<&'static str>, Option<&str>, &str),
    (outcome, has_status, failure, mark): (Outcome, bool, Option<&'static str>, Option<&str>),
) {
    let case = format!("{sent} {code} {route:?} {outcome:?}");
    let span = serve(sent, code, route, outcome);

    assert_eq!(span.name(), format!("{name}{target}"), "{case}");
    assert_eq!(span.kind(), SpanKind::Server, "{case}");

    // Responses that have no body end at the head, whatever happens to what the handler made of one.
    let bodiless = sent == "HEAD" || matches!(code, 204 | 304);
    let upgraded = sent == "CONNECT" && (200..300).contains(&code);
    let (failure, mark) = match outcome {
        Outcome::Complete | Outcome::DroppedInBody | Outcome::BodyError if upgraded => {
            (None, Some("upgraded"))
        }
        Outcome::DroppedInBody | Outcome::BodyError if bodiless => (None, None),
        _ => (failure, mark),
    };
    let error_type = failure.or_else(|| status_error.filter(|_| has_status));

    let mut expected: Vec<(&str, Value)> = vec![
        ("http.request.method", method.into()),
        ("url.path", "/users/7".into()),
        ("url.scheme", "http".into()),
        ("url.query", "page=2&sig=REDACTED".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 8080.into()),
        ("client.address", "192.0.2.7".into()),
        ("network.peer.address", "192.0.2.7".into()),
        ("network.peer.port", 50_000.into()),
        ("network.protocol.version", "1.1".into()),
        ("user_agent.original", "curl/8".into()),
    ];
    let mut add = |key, value: Option<Value>| expected.extend(value.map(|value| (key, value)));
    add("http.request.method_original", original.map(owned));
    add("http.route", http_route.map(owned));
    add("http.response.status_code", has_status.then(|| code.into()));
    add("ctx.outcome", mark.map(owned));
    assert_span(&span, &case, expected, error_type);
}

/// Runs one exchange and gives its span.
fn serve(method: &str, code: u16, route: Option<&'static str>, outcome: Outcome) -> RecordedSpan {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).route(move |_| route.map(Cow::Borrowed));
    let mut service = layer.layer(service_fn(move |_: Request<()>| {
        outcome.answer(Response::builder().status(code))
    }));
    let mut request = Request::builder()
        .method(method)
        .uri("/users/7?page=2&sig=s3cret")
        .header("host", "shop.example:8080")
        .header("user-agent", "curl/8")
        .header("authorization", "Bearer t0ken")
        .body(())
        .unwrap();
    request
        .extensions_mut()
        .insert(PeerAddr("192.0.2.7:50000".parse().unwrap()));

    outcome.call(&mut service, request);
    recorder.take_one()
}

fn owned(text: &str) -> Value {
    Value::from(text.to_owned())
}
