//! How the span ends, on both sides: cancelled, failed and panicked are three things.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use http::Response;
use http_body_util::BodyExt as _;
use tower_service::Service as _;
use tracing_core_ctx::semconv::{ctx_outcome, error_type};

use super::call::{Stage, ok, poll_frame, poll_once, poll_panics, poll_panics_and_drops, ready};
use super::conventions::{assert_conventional, assert_error_type_of_error};
use super::service::Readiness;
use super::side::{answer, around, get};
use super::{Side, SpanEnd, TestBody, TestError};
use crate::RecordedSpan;

/// The caller went away: that is no error, and nothing else is known.
#[track_caller]
fn assert_cancelled(span: &RecordedSpan) {
    span.assert_unset();
    assert_eq!(span.str("ctx.outcome"), ctx_outcome::CANCELLED);
    assert_conventional(span);
}

/// Where spans end at the head, what comes after it is none of their business.
#[track_caller]
fn assert_cancelled_in_body<S: Side>(span: &RecordedSpan) {
    match S::END {
        SpanEnd::Body => assert_cancelled(span),
        SpanEnd::Head => assert_complete(span),
    }
    assert_eq!(span.int("http.response.status_code"), 200);
}

#[track_caller]
fn assert_complete(span: &RecordedSpan) {
    span.assert_unset();
    span.assert_absent("ctx.outcome");
    assert_conventional(span);
}

#[track_caller]
fn assert_panicked(span: &RecordedSpan) {
    span.assert_failed(error_type::PANIC);
    span.assert_absent("ctx.outcome");
    assert_conventional(span);
}

/// The caller goes away while the handler works.
pub async fn dropped_before_the_head_is_cancelled_without_a_status_code<S: Side>() {
    let mut stage = around::<S, _, _>(|_| std::future::pending());
    let mut exchange = stage.call(get::<S>("/")).await;
    assert!(poll_once(&mut exchange).await.is_pending());
    assert_eq!(stage.recorder.open(), 1);
    drop(exchange);
    let span = stage.span();
    assert_cancelled(&span);
    span.assert_absent("http.response.status_code");
}

/// The caller goes away before the handler has done anything.
pub async fn dropped_before_the_first_poll_is_cancelled<S: Side>() {
    let mut stage = around::<S, _, _>(ok);
    drop(stage.call(get::<S>("/")).await);
    let span = stage.span();
    assert_cancelled(&span);
    span.assert_absent("http.response.status_code");
}

/// The caller goes away while the answer is on its way: 200 is no proof of success.
pub async fn dropped_in_the_body_is_cancelled_with_its_status_code<S: Side>() {
    let mut stage =
        around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one").data("two"))) });
    let mut response = stage.head(get::<S>("/")).await;
    assert!(poll_frame(response.body_mut()).await.is_ready());
    drop(response);
    let span = stage.span();
    assert_cancelled_in_body::<S>(&span);
}

/// The caller goes away with the head.
pub async fn a_body_that_is_never_read_is_cancelled<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::full("hello"))) });
    drop(stage.head(get::<S>("/")).await);
    let span = stage.span();
    assert_cancelled_in_body::<S>(&span);
}

/// Going away does not undo the 503.
pub async fn a_dropped_answer_to_a_failed_request_is_still_an_error<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(answer(503, TestBody::full("later"))) });
    drop(stage.head(get::<S>("/")).await);
    let span = stage.span();
    span.assert_failed("503");
    assert_conventional(&span);
}

/// The head is sent and the rest cannot be: an error, beside its status code.
pub async fn a_body_that_breaks_is_an_error<S: Side>() {
    let mut stage =
        around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one").error())) });
    let mut body = stage.head(get::<S>("/")).await.into_body();
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    let error = body
        .frame()
        .await
        .and_then(Result::err)
        .expect("the error is gone");
    assert_eq!(error.to_string(), TestError::MESSAGE);
    let span = stage.span();
    match S::END {
        SpanEnd::Body => assert_error_type_of_error(&span),
        SpanEnd::Head => span.assert_unset(),
    }
    assert_eq!(span.int("http.response.status_code"), 200);
    span.assert_absent("ctx.outcome");
    assert_conventional(&span);
    drop(body);
}

/// No response, an error.
pub async fn a_service_that_fails_is_an_error<S: Side>() {
    if !S::SEES_ERRORS {
        return;
    }
    let mut stage = around::<S, _, _>(|_| async { Err(TestError.into()) });
    let exchange = stage.call(get::<S>("/")).await;
    let error = exchange.await.expect_err("the error is gone");
    assert_eq!(error.to_string(), TestError::MESSAGE);
    let span = stage.span();
    assert_error_type_of_error(&span);
    span.assert_absent("http.response.status_code");
    span.assert_absent("ctx.outcome");
    assert_conventional(&span);
}

/// A panic before there is a future.
pub async fn a_panic_in_call_is_an_error<S: Side>() {
    let mut stage = around::<S, _, _>(|_| {
        if true {
            panic!("as the test wants");
        }
        std::future::pending()
    });
    ready(&mut stage.service).await;
    let service = &mut stage.service;
    let panicked = catch_unwind(AssertUnwindSafe(|| service.call(get::<S>("/"))));
    if let Ok(exchange) = panicked {
        // A framework in between calls the handler later.
        poll_panics_and_drops(exchange).await;
    }
    assert_panicked(&stage.span());
}

/// The panic unwinds through the server and takes the future along.
pub async fn a_panic_in_the_inner_service_is_an_error<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { panic!("as the test wants") });
    poll_panics_and_drops(stage.call(get::<S>("/")).await).await;
    let span = stage.span();
    assert_panicked(&span);
    span.assert_absent("http.response.status_code");
}

/// The panic is caught around the poll, and the future is dropped later, when nothing unwinds any more.
pub async fn a_panic_caught_outside_is_no_cancellation<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { panic!("as the test wants") });
    let mut exchange = stage.call(get::<S>("/")).await;
    poll_panics(&mut exchange).await;
    drop(exchange);
    assert_panicked(&stage.span());
}

/// A panic after the head.
pub async fn a_panic_in_the_body_is_an_error<S: Side>() {
    for drops_later in [false, true] {
        let mut stage =
            around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one").panic())) });
        let mut body = stage.head(get::<S>("/")).await.into_body();
        assert!(matches!(
            poll_frame(&mut body).await,
            Poll::Ready(Some(Ok(_)))
        ));
        if drops_later {
            let mut frame = body.frame();
            poll_panics(&mut frame).await;
            drop(body);
        } else {
            let reading = Box::pin(async move { body.frame().await.is_some() });
            poll_panics_and_drops(reading).await;
        }
        let span = stage.span();
        match S::END {
            SpanEnd::Body => assert_panicked(&span),
            SpanEnd::Head => assert_complete(&span),
        }
        assert_eq!(span.int("http.response.status_code"), 200);
    }
}

/// A service that is not ready is not called: nothing was exchanged.
pub async fn readiness_that_fails_is_no_exchange<S: Side>() {
    let mut stage = Stage::with_readiness(S::instrument, Readiness::Failed);
    if !stage.service.has_readiness() {
        return;
    }
    let readiness = std::future::poll_fn(|cx| stage.service.poll_ready(cx)).await;
    assert!(readiness.is_err());
    stage.recorder.assert_nothing();
}
