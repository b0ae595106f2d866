//! What of the metadata is recorded.

use std::future::Future;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tracing_core_ctx::Tracer;

use super::{HELLO, call, head, status_headers};
use crate::RecordedSpan;
use crate::http::call::Stage;
use crate::http::conventions::{assert_conventional, assert_secret};
use crate::http::side::around;
use crate::http::{BoxError, Instrumented, Side, TestBody, TestService, Wish};

fn metadata(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    pairs.iter().map(pair).collect()
}

/// An answer with metadata before its message and behind it.
fn answer() -> Response<TestBody> {
    let mut trailers = status_headers("0", None);
    trailers.extend(metadata(&[("x-cost", "7"), ("x-both", "last")]));
    let mut response = head(TestBody::new().data(HELLO).trailers(trailers));
    response
        .headers_mut()
        .extend(metadata(&[("x-shard", "3"), ("x-both", "first")]));
    response
}

fn with_metadata(mut request: Request<TestBody>) -> Request<TestBody> {
    request.headers_mut().extend(metadata(&[
        ("x-tenant", "ann"),
        ("authorization", "Bearer s3cret"),
    ]));
    request
}

/// Metadata may hold anything.
pub async fn no_metadata_is_captured_by_default<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(answer()) });
    stage.exchange(with_metadata(call())).await;
    let span = stage.span();
    for (key, _) in span.attributes() {
        assert!(
            !key.contains("header") && !key.contains("trailer"),
            "`{key}` was recorded"
        );
    }
    assert_secret(&span, &["s3cret"]);
}

async fn span_with<S: Side, R>(
    wish: Wish,
    handler: impl Fn(Request<TestBody>) -> R + Send + Sync + 'static,
) -> Option<RecordedSpan>
where
    R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
{
    let instrument = |wish: Wish, tracer: Tracer, inner: TestService| -> Option<Instrumented> {
        S::instrument_with(wish, tracer, inner)
    };
    let mut stage = Stage::with_wish(instrument, wish, handler)?;
    stage.exchange(with_metadata(call())).await;
    Some(stage.span())
}

/// Before the messages it is a header, behind them a trailer; a list either way.
pub async fn listed_metadata_is_captured_where_it_came<S: Side>() {
    let wish = Wish::RequestHeaders(&["x-tenant", "x-absent"]);
    if let Some(span) = span_with::<S, _>(wish, |_| async { Ok(answer()) }).await {
        assert_eq!(span.strs("rpc.request.header.x-tenant"), ["ann"]);
        span.assert_absent("rpc.request.header.x-absent");
        assert_conventional(&span);
    }
    let wish = Wish::ResponseHeaders(&["x-shard", "x-cost", "x-both"]);
    if let Some(span) = span_with::<S, _>(wish, |_| async { Ok(answer()) }).await {
        assert_eq!(span.strs("rpc.response.header.x-shard"), ["3"]);
        assert_eq!(span.strs("rpc.response.trailer.x-cost"), ["7"]);
        assert_eq!(span.strs("rpc.response.header.x-both"), ["first"]);
        assert_eq!(span.strs("rpc.response.trailer.x-both"), ["last"]);
        assert_conventional(&span);
    }
    let alone = |_| async {
        let mut response = super::trailers_only("5", None);
        response.headers_mut().extend(metadata(&[("x-cost", "7")]));
        Ok(response)
    };
    if let Some(span) = span_with::<S, _>(Wish::ResponseHeaders(&["x-cost"]), alone).await {
        assert_eq!(span.strs("rpc.response.trailer.x-cost"), ["7"]);
        span.assert_absent("rpc.response.header.x-cost");
    }
}

/// Listed or not.
pub async fn credentials_are_never_captured<S: Side>() {
    let wish = Wish::RequestHeaders(&["authorization"]);
    if let Some(span) = span_with::<S, _>(wish, |_| async { Ok(answer()) }).await {
        assert_secret(&span, &["s3cret"]);
    }
}
