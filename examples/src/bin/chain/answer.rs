//! What the service tells its caller.

use std::convert::Infallible;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use tracing_core_ctx::Context;

/// The trace headers as they arrived, and the span in which they are answered.
///
/// An extractor: a handler that takes one has the answer to its own request.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    lang: &'static str,
    trace_id: Option<String>,
    span_id: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    baggage: Option<String>,
    downstream: Option<Value>,
}

impl Answer {
    /// The same with the answer of the next service in the chain.
    pub(crate) fn with_downstream(self, downstream: Value) -> Self {
        Self {
            downstream: Some(downstream),
            ..self
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Answer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The layer around the router made its server span the current one, in the handler and in its extractors.
        let context = Context::current();
        let span = context.span_context();
        Ok(Self {
            lang: "rust",
            trace_id: span.map(|span| span.trace_id().to_string()),
            span_id: span.map(|span| span.span_id().to_string()),
            traceparent: received(&parts.headers, "traceparent"),
            tracestate: received(&parts.headers, "tracestate"),
            baggage: received(&parts.headers, "baggage"),
            downstream: None,
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// All values of a header, joined as RFC 9110, section 5.3, allows it.
fn received(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
