//! Name, kind, attributes and status, by the OpenTelemetry semantic conventions for HTTP client spans.

use std::sync::Mutex;

use http::header::HOST;
use http::{Request, Response, Version};
use tracing_core_ctx::semconv::http_request_method;
use tracing_core_ctx::{SpanKind, Status};

use super::{HttpClient, connect, get};
use crate::RecordedSpan;
use crate::http::call::{Stage, ok};
use crate::http::conventions::{assert_conventional, assert_named, assert_secret};
use crate::http::side::{Client, answer, bare_request, request};
use crate::http::{TestBody, Wish};

/// The span of one exchange that is answered with 200.
async fn span_of<H: HttpClient>(request: Request<TestBody>) -> RecordedSpan {
    let mut stage = connect::<H, _, _>(ok);
    stage.exchange(request).await;
    let span = stage.span();
    assert_conventional(&span);
    span
}

/// A request for this target, without a `Host` header.
fn without_host(target: &str) -> Request<TestBody> {
    let mut request = bare_request("GET", target);
    request.headers_mut().remove(HOST);
    request
}

/// Method, address, port and URL are required, with the code once there is one; they have the types of the conventions.
pub async fn required_attributes_are_there<H: HttpClient>() {
    let span = span_of::<H>(get::<H>("/users/7?page=2")).await;
    assert_eq!(span.kind(), SpanKind::Client);
    assert_eq!(span.str("http.request.method"), "GET");
    assert_eq!(span.str("server.address"), "shop.example");
    assert_eq!(span.int("server.port"), 8080);
    assert_eq!(
        span.str("url.full"),
        "http://shop.example:8080/users/7?page=2"
    );
    assert_eq!(span.int("http.response.status_code"), 200);
}

/// Required attributes, those that conventions want at the start, are known when the sampler is asked.
pub async fn the_sampler_sees_what_the_start_knows<H: HttpClient>() {
    let (mut stage, notes) = Stage::with_noting_sampler(
        H::instrument,
        &[
            "http.request.method",
            "server.address",
            "server.port",
            "url.full",
        ],
    );
    stage.exchange(get::<H>("/users/7?sig=s3cret")).await;
    drop(stage.span());
    assert_eq!(
        notes.take(),
        [
            "kind = Client",
            "http.request.method = \"GET\"",
            "server.address = \"shop.example\"",
            "server.port = 8080",
            "url.full = \"http://shop.example:8080/users/7?sig=REDACTED\"",
        ]
    );
}

/// The whole matrix: for a client a 4xx is an error too, and then the code is its `error.type`, without a description.
pub async fn every_method_and_status_is_described_by_the_conventions<H: HttpClient>() {
    const STATUSES: &[(u16, Option<&str>)] = &[
        (200, None),
        (201, None),
        (204, None),
        (301, None),
        (304, None),
        (400, Some("400")),
        (404, Some("404")),
        (429, Some("429")),
        (499, Some("499")),
        (500, Some("500")),
        (501, Some("501")),
        (503, Some("503")),
        (599, Some("599")),
    ];
    for method in http_request_method::ALL {
        for &(code, error_type) in STATUSES {
            let mut stage =
                connect::<H, _, _>(move |_| async move { Ok(answer(code, TestBody::empty())) });
            stage.exchange(request::<Client<H>>(method, "/")).await;
            let span = stage.span();
            assert_conventional(&span);
            assert_named(&span, method);
            assert_eq!(span.kind(), SpanKind::Client);
            assert_eq!(span.str("http.request.method"), *method);
            assert_eq!(span.str("server.address"), "shop.example");
            assert_eq!(span.int("server.port"), 8080);
            assert_eq!(span.int("http.response.status_code"), i64::from(code));
            span.assert_absent("http.request.method_original");
            match error_type {
                Some(error_type) => {
                    span.assert_failed(error_type);
                    assert_eq!(*span.status(), Status::error(""));
                }
                None => span.assert_unset(),
            }
        }
    }
}

/// Methods are of low cardinality, and `get` is not `GET`.
pub async fn an_unknown_method_is_other<H: HttpClient>() {
    for method in ["BREW", "get"] {
        let span = span_of::<H>(request::<Client<H>>(method, "/")).await;
        assert_named(&span, "HTTP");
        assert_eq!(span.str("http.request.method"), "_OTHER");
        assert_eq!(span.str("http.request.method_original"), method);
    }
}

/// Paths are of high cardinality: nobody told the template, so there is none.
pub async fn the_path_is_never_the_name<H: HttpClient>() {
    let span = span_of::<H>(get::<H>(
        "/users/4711/tokens/8f14e45fceea167a5a36dedd4bea2543",
    ))
    .await;
    assert!(
        span.name() == "GET" || span.name().starts_with("GET /"),
        "got {}",
        span.name()
    );
    for raw in ["4711", "8f14e45fceea167a5a36dedd4bea2543"] {
        assert!(
            !span.name().contains(raw),
            "`{raw}` is in the name {}",
            span.name()
        );
    }
}

/// Method and template are the name.
pub async fn a_known_template_is_in_the_name<H: HttpClient>() {
    let Some(mut stage) = Stage::with_wish(H::instrument_with, Wish::Route("/users/{id}"), ok)
    else {
        return;
    };
    for (method, name) in [("GET", "GET /users/{id}"), ("BREW", "HTTP /users/{id}")] {
        stage
            .exchange(request::<Client<H>>(method, "/users/7"))
            .await;
        let span = stage.span();
        assert_eq!(span.name(), name);
        assert_eq!(span.str("url.template"), "/users/{id}");
        assert_conventional(&span);
    }
}

/// Absent means absent, not empty.
pub async fn what_does_not_apply_is_absent<H: HttpClient>() {
    let span = span_of::<H>(get::<H>("/")).await;
    for key in [
        "ctx.outcome",
        "error.type",
        "http.request.method_original",
        "http.request.resend_count",
        "http.route",
        "network.protocol.name",
        "url.template",
        "user_agent.original",
    ] {
        span.assert_absent(key);
    }
}

/// User information is never recorded; the request that is sent still has it.
pub async fn the_url_is_recorded_without_credentials_and_the_request_keeps_them<H: HttpClient>() {
    for (target, recorded) in [
        (
            "https://us3r:s3cret@shop.example/x?sig=s3cret&color=blue",
            "https://REDACTED:REDACTED@shop.example/x?sig=REDACTED&color=blue",
        ),
        ("http://us3r@shop.example/", "http://REDACTED@shop.example/"),
        (
            "http://us3r:s3cret@[::1]:8080/",
            "http://REDACTED:REDACTED@[::1]:8080/",
        ),
    ] {
        let mut stage = connect::<H, _, _>(move |request| async move {
            assert_eq!(request.uri(), target);
            Ok(Response::new(TestBody::empty()))
        });
        stage.exchange(without_host(target)).await;
        let span = stage.span();
        assert_eq!(span.str("url.full"), recorded);
        assert_secret(&span, &["us3r", "s3cret"]);
        assert_conventional(&span);
    }
}

/// The seven keys of the conventions, compared with their case, every time they come; order and keys are kept.
pub async fn secrets_in_the_query_are_redacted<H: HttpClient>() {
    for (query, recorded) in [
        (
            "color=blue&sig=s3cret&sig=s3cret2",
            "color=blue&sig=REDACTED&sig=REDACTED",
        ),
        ("SIG=abc", "SIG=abc"),
        ("sig", "sig"),
        ("X-Amz-Signature=s3cret", "X-Amz-Signature=REDACTED"),
        ("X-Amz-Credential=s3cret", "X-Amz-Credential=REDACTED"),
        (
            "X-Amz-Security-Token=s3cret",
            "X-Amz-Security-Token=REDACTED",
        ),
        ("AWSAccessKeyId=s3cret", "AWSAccessKeyId=REDACTED"),
        ("Signature=s3cret", "Signature=REDACTED"),
        ("X-Goog-Signature=s3cret", "X-Goog-Signature=REDACTED"),
    ] {
        let span = span_of::<H>(get::<H>(&format!("/x?{query}"))).await;
        assert_eq!(
            span.str("url.full"),
            format!("http://shop.example:8080/x?{recorded}")
        );
        assert_secret(&span, &["s3cret"]);
    }
}

/// A number, from the URL or from its scheme; an IPv6 address is without its brackets.
pub async fn the_port_is_said_even_when_it_is_the_default<H: HttpClient>() {
    for (target, address, port) in [
        ("http://shop.example/", "shop.example", 80),
        ("https://shop.example/", "shop.example", 443),
        ("https://shop.example:8443/", "shop.example", 8443),
        ("http://[::1]:8080/", "::1", 8080),
        ("https://[2001:db8::1]/", "2001:db8::1", 443),
        ("http://192.0.2.1/", "192.0.2.1", 80),
    ] {
        let span = span_of::<H>(without_host(target)).await;
        assert_eq!(span.str("server.address"), address);
        assert_eq!(span.int("server.port"), port, "for {target}");
        assert_eq!(span.str("url.full"), target);
    }
}

/// A client that writes to a connection of its own gives the path alone.
pub async fn an_origin_form_target_is_completed_from_the_host_header<H: HttpClient>() {
    let span = span_of::<H>(bare_request("GET", "/users/7?page=2")).await;
    assert_eq!(
        span.str("url.full"),
        "http://shop.example:8080/users/7?page=2"
    );
    assert_eq!(span.str("server.address"), "shop.example");
    assert_eq!(span.int("server.port"), 8080);
}

/// What was negotiated, as a bare number.
pub async fn the_protocol_version_is_that_of_the_answer<H: HttpClient>() {
    for (version, recorded) in [
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let mut stage = connect::<H, _, _>(move |_| async move {
            let mut response = Response::new(TestBody::empty());
            *response.version_mut() = version;
            Ok(response)
        });
        stage.exchange(get::<H>("/")).await;
        let span = stage.span();
        assert_eq!(span.str("network.protocol.version"), recorded);
        span.assert_absent("network.protocol.name");
    }
}

/// Each attempt is a span of its own; the first has no count, those after it have theirs.
pub async fn resends_are_counted_from_the_second_attempt_on<H: HttpClient>() {
    let answers = Mutex::new(vec![200, 503, 503]);
    let mut stage = connect::<H, _, _>(move |_| {
        let code = answers
            .lock()
            .ok()
            .and_then(|mut answers| answers.pop())
            .unwrap_or(500);
        async move { Ok(answer(code, TestBody::empty())) }
    });
    let mut counts = Vec::new();
    for attempt in 0..3 {
        let mut request = get::<H>("/");
        if attempt > 0 && !H::mark_resend(&mut request, attempt) {
            stage.recorder.ignore();
            return;
        }
        stage.exchange(request).await;
        let span = stage.span();
        counts.push(
            span.attr("http.request.resend_count")
                .and_then(|count| count.as_i64()),
        );
        assert_conventional(&span);
    }
    assert_eq!(counts, [None, Some(1), Some(2)]);
}
