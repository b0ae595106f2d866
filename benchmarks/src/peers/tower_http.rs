//! tower-http's `TraceLayer` with a span made by hand and tracing-opentelemetry behind it: what services have that put it together
//! themselves.
//!
//! Seven attributes, and eight that tracing-opentelemetry adds. The span ends with the last byte of the body. Its log events are off.

use std::time::Duration;

use axum::extract::MatchedPath;
use http::header::{HOST, USER_AGENT};
use http::{Request, Response};
use opentelemetry::global;
use opentelemetry_http::HeaderExtractor;
use tower::Layer as _;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::TraceLayer;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::opentelemetry::set_up_with_tracing;
use crate::Error;
use crate::exchange::{Exchanges, Small, inner};
use crate::server::{ALL, BARE, Decision, requests};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "tower-http + tracing-opentelemetry",
    packages: &[
        "tower_http",
        "tracing_opentelemetry",
        "tracing_subscriber",
        "opentelemetry_http",
        "opentelemetry_sdk",
    ],
    bare: BARE,
    traced,
    cases: ALL,
};

fn traced(decision: Decision) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(decision != Decision::Off)?;
    let service = layer().layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

/// What makes the span, and what describes its end; the log events are off.
type HttpLayer<A, B> = TraceLayer<
    SharedClassifier<ServerErrorsAsFailures>,
    fn(&Request<A>) -> Span,
    (),
    fn(&Response<B>, Duration, &Span),
    (),
    (),
>;

pub(crate) fn layer<A, B>() -> HttpLayer<A, B> {
    TraceLayer::new_for_http()
        .make_span_with(make_span as fn(&Request<A>) -> Span)
        .on_request(())
        .on_response(describe_end as fn(&Response<B>, Duration, &Span))
        .on_body_chunk(())
        .on_eos(())
}

fn describe_end<B>(response: &Response<B>, _: Duration, span: &Span) {
    span.record("http.response.status_code", response.status().as_u16());
}

/// The server's span, below the caller's.
fn make_span<B>(request: &Request<B>) -> Span {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let method = request.method();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        url.query = request.uri().query(),
        server.address = header(HOST),
        user_agent.original = header(USER_AGENT),
    );
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    // Only a span that has started refuses.
    let _ = span.set_parent(parent);
    span
}
