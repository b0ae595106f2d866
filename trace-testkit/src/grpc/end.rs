//! When and how the span ends.

use std::task::Poll;
use std::time::Duration;

use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;

use super::{HELLO, assert_status, call, head, status_headers, streamed, trailers_only};
use crate::RecordedSpan;
use crate::http::call::{Stage, poll_frame, poll_once, poll_panics_and_drops};
use crate::http::conventions::assert_conventional;
use crate::http::side::around;
use crate::http::{Side, TestBody, TestError};

#[track_caller]
fn assert_cancelled<S: Side>(span: &RecordedSpan) {
    assert_status::<S>(span, "CANCELLED");
    assert_eq!(span.str("ctx.outcome"), "cancelled");
}

/// A stream of three seconds is a span of three seconds.
pub async fn the_span_ends_with_the_trailers<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(streamed(3, "0", None)) });
    let clock = stage.recorder.clock().clone();
    let mut response = stage.head(call()).await;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        assert!(poll_frame(response.body_mut()).await.is_ready());
        assert_eq!(stage.recorder.open(), 1, "the span ended before the status");
    }
    assert!(poll_frame(response.body_mut()).await.is_ready());
    let span = stage.span();
    assert_eq!(span.duration(), Duration::from_secs(3));
    assert_status::<S>(&span, "OK");
    span.assert_absent("ctx.outcome");
}

/// However well the length is known, the status comes behind it.
pub async fn the_length_is_not_the_end<S: Side>() {
    for announced in [true, false] {
        let mut stage = around::<S, _, _>(move |_| async move {
            let body = TestBody::new()
                .data(HELLO)
                .trailers(status_headers("5", None));
            let mut response = head(match announced {
                true => body,
                false => body.knows_length(),
            });
            if announced {
                let length = HeaderValue::from(HELLO.len());
                response.headers_mut().insert("content-length", length);
            }
            Ok(response)
        });
        let mut response = stage.head(call()).await;
        assert!(poll_frame(response.body_mut()).await.is_ready());
        assert_eq!(stage.recorder.open(), 1);
        drop(response);
        assert_cancelled::<S>(&stage.span());
    }
}

/// Nobody polls the body of an answer that has none.
pub async fn an_answer_of_a_status_alone_ends_at_the_head<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(trailers_only("5", None)) });
    let response = stage.head(call()).await;
    assert_status::<S>(&stage.span(), "NOT_FOUND");
    drop(response);
}

/// The caller goes away while the handler works.
pub async fn dropped_before_the_head_is_cancelled<S: Side>() {
    let mut stage = around::<S, _, _>(|_| std::future::pending());
    let mut exchange = stage.call(call()).await;
    assert!(poll_once(&mut exchange).await.is_pending());
    drop(exchange);
    assert_cancelled::<S>(&stage.span());
}

/// The caller has read enough.
pub async fn dropped_in_the_stream_is_cancelled<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(streamed(3, "0", None)) });
    let mut response = stage.head(call()).await;
    assert!(poll_frame(response.body_mut()).await.is_ready());
    drop(response);
    assert_cancelled::<S>(&stage.span());
}

/// Whoever notices first that the time is up drops the call: that is no cancellation.
pub async fn dropped_after_the_deadline_is_deadline_exceeded<S: Side>() {
    let late = || {
        let mut request = call();
        let timeout = HeaderValue::from_static("1500m");
        request.headers_mut().insert("grpc-timeout", timeout);
        request
    };
    for (after, code) in [(1499, "CANCELLED"), (1500, "DEADLINE_EXCEEDED")] {
        let mut stage = around::<S, _, _>(|_| std::future::pending());
        let mut exchange = stage.call(late()).await;
        assert!(poll_once(&mut exchange).await.is_pending());
        stage.recorder.clock().advance(Duration::from_millis(after));
        drop(exchange);
        assert_status::<S>(&stage.span(), code);
    }
    let mut stage = around::<S, _, _>(|_| async { Ok(streamed(3, "0", None)) });
    let response = stage.head(late()).await;
    stage.recorder.clock().advance(Duration::from_secs(2));
    drop(response);
    assert_status::<S>(&stage.span(), "DEADLINE_EXCEEDED");
}

/// The status is known, and nothing was to follow.
pub async fn dropped_after_the_status_is_no_cancellation<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        // A body that does not know to be empty.
        let mut response = head(TestBody::new());
        response.headers_mut().extend(status_headers("5", None));
        Ok(response)
    });
    drop(stage.head(call()).await);
    let span = stage.span();
    assert_status::<S>(&span, "NOT_FOUND");
    span.assert_absent("ctx.outcome");
}

/// The head was sent and the rest cannot be.
pub async fn a_stream_that_breaks_has_a_code<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(head(TestBody::new().data(HELLO).error())) });
    let mut body = stage.head(call()).await.into_body();
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    assert!(body.frame().await.is_some_and(|frame| frame.is_err()));
    let span = stage.span();
    assert_status::<S>(&span, "UNKNOWN");
    span.assert_absent("ctx.outcome");
    drop(body);
}

/// No answer, an error.
pub async fn a_service_that_fails_has_a_code<S: Side>() {
    if !S::SEES_ERRORS {
        return;
    }
    let mut stage = around::<S, _, _>(|_| async { Err(TestError.into()) });
    let exchange = stage.call(call()).await;
    assert!(exchange.await.is_err());
    assert_status::<S>(&stage.span(), "UNKNOWN");
}

/// A panic is neither a cancellation nor a success, in the handler and in its stream.
pub async fn a_panic_is_an_error<S: Side>() {
    async fn panics() -> Result<Response<TestBody>, crate::http::BoxError> {
        panic!("as the test wants")
    }
    let mut stage: Stage = around::<S, _, _>(|_| panics());
    poll_panics_and_drops(stage.call(call()).await).await;
    assert_panicked(&stage.span());

    let mut stage = around::<S, _, _>(|_| async { Ok(head(TestBody::new().data(HELLO).panic())) });
    let mut body = stage.head(call()).await.into_body();
    assert!(matches!(
        poll_frame(&mut body).await,
        Poll::Ready(Some(Ok(_)))
    ));
    poll_panics_and_drops(Box::pin(async move { body.frame().await.is_some() })).await;
    assert_panicked(&stage.span());
}

#[track_caller]
fn assert_panicked(span: &RecordedSpan) {
    span.assert_failed("panic");
    assert_eq!(span.str("rpc.status_code"), "UNKNOWN");
    span.assert_absent("ctx.outcome");
    assert_conventional(span);
}
