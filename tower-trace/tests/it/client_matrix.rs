//! Every client span of methods x statuses x URLs x outcomes, attribute by attribute.

use std::io::ErrorKind;

use http::{Request, Response, Version};
use tower::{Layer as _, service_fn};
use tower_trace::ClientTraceLayer;
use tower_trace::client::{Attempts, ServerAddr, UrlTemplate};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::SpanKind;
use tracing_core_ctx::attribute::Value;

use crate::outcome::{Outcome, assert_span};

/// Sent method, `http.request.method`, `http.request.method_original`, how the name begins.
const METHODS: [(&str, &str, Option<&str>, &str); 5] = [
    ("GET", "GET", None, "GET"),
    ("HEAD", "HEAD", None, "HEAD"),
    ("POST", "POST", None, "POST"),
    ("QUERY", "QUERY", None, "QUERY"),
    ("PROPFIND", "_OTHER", Some("PROPFIND"), "HTTP"),
];

/// Status code, `error.type` that it makes on a client.
const STATUSES: [(u16, Option<&str>); 10] = [
    (200, None),
    (204, None),
    (301, None),
    (304, None),
    (400, Some("400")),
    (404, Some("404")),
    (429, Some("429")),
    (500, Some("500")),
    (502, Some("502")),
    (599, Some("599")),
];

/// URL, template, `url.full`, `server.address`, `server.port`, how the name ends.
const URLS: [(&str, Option<&str>, &str, &str, i64, &str); 5] = [
    (
        "http://api.example/users/7",
        Some("/users/{id}"),
        "http://api.example/users/7",
        "api.example",
        80,
        " /users/{id}",
    ),
    (
        "https://api.example/users/7",
        None,
        "https://api.example/users/7",
        "api.example",
        443,
        "",
    ),
    (
        "http://api.example:8080?a=1",
        None,
        "http://api.example:8080/?a=1",
        "api.example",
        8080,
        "",
    ),
    (
        "https://ann:pa55@api.example/x?sig=abc&color=blue",
        None,
        "https://REDACTED:REDACTED@api.example/x?sig=REDACTED&color=blue",
        "api.example",
        443,
        "",
    ),
    (
        "http://[::1]:9090/",
        None,
        "http://[::1]:9090/",
        "::1",
        9090,
        "",
    ),
];

/// How the exchange goes, whether a status code is received, `error.type`, `ctx.outcome`.
const OUTCOMES: [(Outcome, bool, Option<&'static str>, Option<&str>); 6] = [
    (Outcome::Complete, true, None, None),
    (
        Outcome::ServiceError(ErrorKind::ConnectionRefused),
        false,
        Some("connection_refused"),
        None,
    ),
    (Outcome::Panic, false, Some("panic"), None),
    (Outcome::DroppedBeforeHead, false, None, Some("cancelled")),
    (Outcome::DroppedInBody, true, None, Some("cancelled")),
    (Outcome::BodyError, true, Some("TestError"), None),
];

#[test]
fn every_client_span_says_exactly_what_the_conventions_want() {
    let mut seen = 0;
    for method in METHODS {
        for status in STATUSES {
            for url in URLS {
                for outcome in OUTCOMES {
                    for attempt in 0..3 {
                        check(method, status, url, outcome, attempt);
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!(seen, 5 * 10 * 5 * 6 * 3);
}

fn check(
    (sent, method, original, name): (&str, &str, Option<&str>, &str),
    (code, status_error): (u16, Option<&'static str>),
    (url, template, url_full, host, port, target): (
        &str,
        Option<&'static str>,
        &str,
        &str,
        i64,
        &str,
    ),
    (outcome, has_status, failure, mark): (Outcome, bool, Option<&'static str>, Option<&str>),
    attempt: i64,
) {
    let case = format!("{sent} {url} {code} {outcome:?} attempt {attempt}");
    let span = send(sent, url, template, code, outcome, attempt);

    assert_eq!(span.name(), format!("{name}{target}"), "{case}");
    assert_eq!(span.kind(), SpanKind::Client, "{case}");

    let bodiless = sent == "HEAD" || matches!(code, 204 | 304);
    let (failure, mark) = match outcome {
        Outcome::DroppedInBody | Outcome::BodyError if bodiless => (None, None),
        _ => (failure, mark),
    };
    let error_type = failure.or_else(|| status_error.filter(|_| has_status));

    let mut expected: Vec<(&str, Value)> = vec![
        ("http.request.method", method.into()),
        ("server.address", owned(host)),
        ("server.port", port.into()),
        ("url.full", owned(url_full)),
        ("network.peer.address", "2001:db8::7".into()),
        ("network.peer.port", 443.into()),
    ];
    let mut add = |key, value: Option<Value>| expected.extend(value.map(|value| (key, value)));
    add("http.request.method_original", original.map(owned));
    add("url.template", template.map(owned));
    add(
        "http.request.resend_count",
        (attempt > 0).then(|| attempt.into()),
    );
    add("http.response.status_code", has_status.then(|| code.into()));
    add("network.protocol.version", has_status.then(|| "2".into()));
    add("ctx.outcome", mark.map(owned));
    assert_span(&span, &case, expected, error_type);
}

/// Sends one request `attempt + 1` times and gives the last span.
fn send(
    method: &str,
    url: &str,
    template: Option<&'static str>,
    code: u16,
    outcome: Outcome,
    attempt: i64,
) -> RecordedSpan {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let mut client = layer.layer(service_fn(move |_: Request<()>| {
        outcome.answer(Response::builder().status(code).version(Version::HTTP_2))
    }));
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", "Bearer t0ken")
        .body(())
        .unwrap();
    request
        .extensions_mut()
        .insert(ServerAddr("[2001:db8::7]:443".parse().unwrap()));
    request.extensions_mut().insert(Attempts::default());
    if let Some(template) = template {
        request.extensions_mut().insert(UrlTemplate::new(template));
    }

    for _ in 0..=attempt {
        outcome.call(&mut client, request.clone());
    }
    let mut spans = recorder.take();
    assert_eq!(spans.len() as i64, attempt + 1, "one span for each attempt");
    spans.pop().unwrap()
}

fn owned(text: &str) -> Value {
    Value::from(text.to_owned())
}
