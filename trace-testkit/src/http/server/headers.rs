//! What of the headers is recorded: by default nearly nothing.

use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, Response};

use super::{HttpServer, get, serve};
use crate::http::call::Stage;
use crate::http::conventions::{assert_conventional, assert_secret};
use crate::http::side::answer;
use crate::http::{TestBody, Wish};

const SECRETS: &[(&str, &str)] = &[
    ("authorization", "Bearer s3cret"),
    ("cookie", "session=s3cret"),
    ("proxy-authorization", "Basic s3cret"),
    ("x-api-key", "s3cret"),
];

fn with_secrets() -> Request<TestBody> {
    let mut request = get("/");
    for (name, value) in SECRETS {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    request
        .headers_mut()
        .insert("x-tag", HeaderValue::from_static("tagged"));
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static("suite/1.0"));
    request
}

fn response_with_secrets() -> Response<TestBody> {
    let mut response = answer(200, TestBody::empty());
    for (name, value) in [("set-cookie", "session=s3cret"), ("etag", "\"tagged\"")] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Only the user agent is recorded unasked.
pub async fn no_header_is_captured_by_default<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(|_| async { Ok(response_with_secrets()) });
    stage.exchange(with_secrets()).await;
    let span = stage.span();
    assert_secret(&span, &["s3cret", "tagged", ".header."]);
    assert_eq!(span.str("user_agent.original"), "suite/1.0");
}

/// What is listed is a list of texts, one for each line or all in one.
pub async fn listed_headers_are_captured_as_lists<H: HttpServer>() {
    let handler = |_| async { Ok(response_with_secrets()) };
    if let Some(mut stage) = Stage::with_wish(
        H::instrument_with,
        Wish::RequestHeaders(&["x-tag"]),
        handler,
    ) {
        let mut request = with_secrets();
        request
            .headers_mut()
            .append("x-tag", HeaderValue::from_static("again"));
        stage.exchange(request).await;
        let span = stage.span();
        let captured = span.strs("http.request.header.x-tag");
        assert!(
            *captured == ["tagged", "again"]
                || *captured == ["tagged, again"]
                || *captured == ["tagged,again"],
            "got {captured:?}"
        );
        assert_secret(&span, &["s3cret"]);
        assert_conventional(&span);
    }
    if let Some(mut stage) = Stage::with_wish(
        H::instrument_with,
        Wish::ResponseHeaders(&["etag"]),
        handler,
    ) {
        stage.exchange(with_secrets()).await;
        let span = stage.span();
        assert_eq!(*span.strs("http.response.header.etag"), ["\"tagged\""]);
        assert_secret(&span, &["s3cret"]);
        assert_conventional(&span);
    }
}

/// Not even when somebody lists them.
pub async fn credentials_are_never_captured<H: HttpServer>() {
    let handler = |_| async { Ok(response_with_secrets()) };
    let listed = Wish::RequestHeaders(&[
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-tag",
    ]);
    for wish in [listed, Wish::ResponseHeaders(&["set-cookie", "etag"])] {
        if let Some(mut stage) = Stage::with_wish(H::instrument_with, wish, handler) {
            stage.exchange(with_secrets()).await;
            let span = stage.span();
            assert_secret(&span, &["s3cret"]);
        }
    }
}

/// Thousands of headers, thousands of members, bytes that are no text: the request is answered, and what is kept stays small.
pub async fn hostile_headers_do_not_hurt_the_request<H: HttpServer>() {
    let mut request = get("/%ff%00?%");
    let headers = request.headers_mut();
    for number in 0..5_000 {
        let name = HeaderName::try_from(format!("x-bomb-{number}")).expect("a name");
        headers.insert(name, HeaderValue::from_static("boom"));
        headers.append("tracestate", HeaderValue::from_static("a=1"));
    }
    for name in [
        "traceparent",
        "tracestate",
        "baggage",
        "user-agent",
        "forwarded",
        "b3",
        "x-forwarded-for",
    ] {
        let bytes =
            HeaderValue::from_bytes(b"\xff\xfe=\x80").expect("bytes that a header may have");
        headers.append(HeaderName::from_static(name), bytes);
    }
    for chunk in 0..10 {
        let members: Vec<String> = (0..1_000)
            .map(|number| format!("member-{chunk}-{number}=value"))
            .collect();
        let value = HeaderValue::try_from(members.join(",")).expect("ASCII");
        headers.append("baggage", value);
    }
    headers.append(HOST, HeaderValue::from_static("other.example"));

    let mut stage = serve::<H, _, _>(|_| async { Ok(answer(200, TestBody::full("hello"))) });
    let answer = stage.exchange(request).await;
    assert_eq!(answer.data.len(), 1);
    let span = stage.span();
    span.assert_unset();
    assert!(
        span.weight() < 32 * 1024,
        "the span holds {} bytes",
        span.weight()
    );
    let members = stage.context_in_call().baggage().len();
    assert!(members <= 180, "{members} members of baggage were kept");
}
