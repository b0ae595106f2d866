//! Name, kind, attributes and status, by the OpenTelemetry semantic conventions for HTTP server spans.

use http::Version;
use http::header::{HOST, HeaderValue, USER_AGENT};
use tracing_core_ctx::{SpanKind, semconv::http_request_method};

use super::{HttpServer, get, serve};
use crate::RecordedSpan;
use crate::http::call::{Stage, ok};
use crate::http::conventions::{assert_conventional, assert_named, assert_secret};
use crate::http::side::{answer, bare_request as request};
use crate::http::{TestBody, Wish};

/// The span of one exchange that is answered with 200.
async fn span_of<H: HttpServer>(request: http::Request<TestBody>) -> RecordedSpan {
    let mut stage = serve::<H, _, _>(ok);
    stage.exchange(request).await;
    let span = stage.span();
    assert_conventional(&span);
    span
}

/// Method, path and scheme are required, with the code once there is one; they have the types of the conventions.
pub async fn required_attributes_are_there<H: HttpServer>() {
    let span = span_of::<H>(get("/users/7?page=2")).await;
    assert_eq!(span.kind(), SpanKind::Server);
    assert_eq!(span.str("http.request.method"), "GET");
    assert_eq!(span.str("url.path"), "/users/7");
    assert_eq!(span.str("url.scheme"), "http");
    assert_eq!(span.str("url.query"), "page=2");
    assert_eq!(span.int("http.response.status_code"), 200);
    assert_eq!(span.str("server.address"), "shop.example");
    assert_eq!(span.int("server.port"), 8080);
}

/// Required attributes, those that conventions want at the start, are known when the sampler is asked.
pub async fn the_sampler_sees_what_the_start_knows<H: HttpServer>() {
    let (mut stage, notes) = Stage::with_noting_sampler(
        H::instrument,
        &[
            "http.request.method",
            "url.path",
            "url.scheme",
            "server.address",
            "server.port",
        ],
    );
    stage.exchange(get("/users/7")).await;
    drop(stage.span());
    assert_eq!(
        notes.take(),
        [
            "kind = Server",
            "http.request.method = \"GET\"",
            "url.path = \"/users/7\"",
            "url.scheme = \"http\"",
            "server.address = \"shop.example\"",
            "server.port = 8080",
        ]
    );
}

/// The whole matrix: only a 5xx is an error of the server, and then the code is its `error.type`, without a description.
pub async fn every_method_and_status_is_described_by_the_conventions<H: HttpServer>() {
    const STATUSES: &[(u16, Option<&str>)] = &[
        (200, None),
        (201, None),
        (204, None),
        (301, None),
        (304, None),
        (400, None),
        (404, None),
        (429, None),
        (499, None),
        (500, Some("500")),
        (501, Some("501")),
        (503, Some("503")),
        (599, Some("599")),
    ];
    for method in http_request_method::ALL {
        for &(code, error_type) in STATUSES {
            let mut stage =
                serve::<H, _, _>(move |_| async move { Ok(answer(code, TestBody::empty())) });
            let target = if *method == "CONNECT" {
                "shop.example:8080"
            } else {
                "/"
            };
            stage.exchange(request(method, target)).await;
            let span = stage.span();
            assert_conventional(&span);
            assert_named(&span, method);
            assert_eq!(span.kind(), SpanKind::Server);
            assert_eq!(span.str("http.request.method"), *method);
            span.assert_absent("http.request.method_original");
            assert_eq!(span.int("http.response.status_code"), i64::from(code));
            match error_type {
                Some(error_type) => {
                    span.assert_failed(error_type);
                    assert_eq!(*span.status(), tracing_core_ctx::Status::error(""));
                }
                None => span.assert_unset(),
            }
        }
    }
}

/// Methods are of low cardinality, whatever scanners send.
pub async fn an_unknown_method_is_other<H: HttpServer>() {
    let span = span_of::<H>(request("BREW", "/")).await;
    assert_named(&span, "HTTP");
    assert_eq!(span.str("http.request.method"), "_OTHER");
    assert_eq!(span.str("http.request.method_original"), "BREW");
}

/// `get` is not `GET` (RFC 9110, section 9.1).
pub async fn methods_are_compared_with_their_case<H: HttpServer>() {
    let span = span_of::<H>(request("get", "/")).await;
    assert_eq!(span.str("http.request.method"), "_OTHER");
    assert_eq!(span.str("http.request.method_original"), "get");
}

/// Paths are of high cardinality: nobody told the route, so there is none.
pub async fn the_path_is_never_the_name_or_the_route<H: HttpServer>() {
    let path = "/users/4711/tokens/8f14e45fceea167a5a36dedd4bea2543";
    let span = span_of::<H>(get(path)).await;
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
    span.assert_absent("http.route");
    assert_eq!(span.str("url.path"), path);
}

/// Method and route are the name.
pub async fn a_known_route_is_in_the_name<H: HttpServer>() {
    let Some(mut stage) = Stage::with_wish(H::instrument_with, Wish::Route("/users/{id}"), ok)
    else {
        return;
    };
    for (method, name) in [("GET", "GET /users/{id}"), ("BREW", "HTTP /users/{id}")] {
        stage.exchange(request(method, "/users/7")).await;
        let span = stage.span();
        assert_eq!(span.name(), name);
        assert_eq!(span.str("http.route"), "/users/{id}");
        assert_conventional(&span);
    }
}

/// Absent means absent, not empty.
pub async fn what_does_not_apply_is_absent<H: HttpServer>() {
    let mut bare = get("/");
    bare.headers_mut().remove(HOST);
    let mut blank = get("/?");
    blank
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(""));
    blank
        .headers_mut()
        .insert(HOST, HeaderValue::from_static(""));
    for request in [bare, blank] {
        let span = span_of::<H>(request).await;
        for key in [
            "ctx.outcome",
            "error.type",
            "http.request.method_original",
            "http.request.resend_count",
            "http.route",
            "network.protocol.name",
            "server.address",
            "server.port",
            "url.query",
            "user_agent.original",
        ] {
            span.assert_absent(key);
        }
    }
}

/// The seven keys of the conventions, compared with their case, every time they come; order and keys are kept.
pub async fn the_query_is_recorded_with_its_secrets_redacted<H: HttpServer>() {
    for (query, recorded) in [
        ("sig=s3cret&color=blue", "sig=REDACTED&color=blue"),
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
        let span = span_of::<H>(get(&format!("/x?{query}"))).await;
        assert_eq!(span.str("url.query"), recorded);
        assert_secret(&span, &["s3cret"]);
    }
}

/// Address and port come from the same place: `Host`, or the authority of the target where there is no `Host`, as over HTTP/2.
pub async fn the_host_is_read_without_its_port<H: HttpServer>() {
    for (host, address, port) in [
        ("shop.example:8080", Some("shop.example"), Some(8080)),
        ("shop.example", Some("shop.example"), None),
        ("[::1]:8080", Some("::1"), Some(8080)),
        ("[2001:db8::1]", Some("2001:db8::1"), None),
        ("192.0.2.1:81", Some("192.0.2.1"), Some(81)),
        ("shop.example:", Some("shop.example"), None),
        ("[", None, None),
        ("[::1", None, None),
    ] {
        let mut over_http1 = get("/");
        over_http1
            .headers_mut()
            .insert(HOST, HeaderValue::from_static(host));
        let span = span_of::<H>(over_http1).await;
        assert_eq!(
            span.attr("server.address").and_then(|value| value.as_str()),
            address,
            "for {host}"
        );
        match port {
            Some(port) => assert_eq!(span.int("server.port"), port, "for {host}"),
            // A port that was not said is absent or the scheme's own.
            None => assert!(
                span.attr("server.port")
                    .is_none_or(|value| value.as_i64() == Some(80))
            ),
        }
    }
    let mut over_http2 = request("GET", "http://shop.example:8443/users");
    over_http2.headers_mut().remove(HOST);
    *over_http2.version_mut() = Version::HTTP_2;
    let span = span_of::<H>(over_http2).await;
    assert_eq!(span.str("server.address"), "shop.example");
    assert_eq!(span.int("server.port"), 8443);
    assert_eq!(span.str("url.path"), "/users");
}

/// They are written by whoever sends the request.
pub async fn forwarded_headers_are_not_believed_by_default<H: HttpServer>() {
    let mut request = get("/");
    for (name, value) in [
        (
            "forwarded",
            "for=203.0.113.9;host=forged.example;proto=https",
        ),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "forged.example"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "203.0.113.9"),
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let span = span_of::<H>(request).await;
    assert_eq!(span.str("server.address"), "shop.example");
    assert_eq!(span.str("url.scheme"), "http");
    assert_secret(&span, &["203.0.113.9", "forged.example"]);
}

/// `2`, not `2.0` and not `HTTP/2.0`.
pub async fn the_protocol_version_is_a_bare_number<H: HttpServer>() {
    for (version, recorded) in [
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let mut request = get("/");
        *request.version_mut() = version;
        let span = span_of::<H>(request).await;
        assert_eq!(span.str("network.protocol.version"), recorded);
        // Absent when it is `http`.
        span.assert_absent("network.protocol.name");
    }
}
