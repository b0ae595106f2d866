//! When the span ends, on both sides: with the body, at the moment when nobody will read on. Where a client ends its spans [at the
//! head](SpanEnd::Head), that is the end.

use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRAILER};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower_service::Service as _;
use tracing_core_ctx::semconv::ctx_outcome;

use super::call::{ok, poll_frame, poll_once, ready};
use super::side::{answer, around, get, request};
use super::{Side, SpanEnd, TestBody};
use crate::RecordedSpan;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The span of the exchange in which `body` is read by `reads` polls and then held, neither polled nor dropped.
async fn span_of_held_body<S: Side>(
    request: Request<TestBody>,
    response: impl Fn() -> Response<TestBody> + Send + Sync + 'static,
    reads: usize,
) -> RecordedSpan {
    let mut stage = around::<S, _, _>(move |_| {
        let response = response();
        async { Ok(response) }
    });
    let mut held = stage.head(request).await;
    for read in 0..reads {
        if S::END == SpanEnd::Body {
            assert_eq!(
                stage.recorder.open(),
                1,
                "the span ended before frame {read} was read"
            );
        }
        assert!(poll_frame(held.body_mut()).await.is_ready());
    }
    assert_eq!(
        stage.recorder.open(),
        0,
        "the span is still open after {reads} frames"
    );
    let span = stage.span();
    drop(held);
    // Nothing comes of the drop: the recorder would complain.
    span
}

#[track_caller]
fn assert_complete(span: &RecordedSpan, code: i64) {
    assert_eq!(span.int("http.response.status_code"), code);
    span.assert_unset();
    span.assert_absent("ctx.outcome");
}

/// A stream that takes its time is part of the exchange; where spans end at the head, it is not.
pub async fn the_span_ends_where_it_should<S: Side>() {
    let mut stage =
        around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one").data("two"))) });
    let mut response = stage.head(get::<S>("/")).await;
    for _ in 0..2 {
        let open = match S::END {
            SpanEnd::Body => 1,
            SpanEnd::Head => 0,
        };
        assert_eq!(
            stage.recorder.open(),
            open,
            "the span does not end at {:?}",
            S::END
        );
        assert!(poll_frame(response.body_mut()).await.is_ready());
    }
    assert!(poll_frame(response.body_mut()).await.is_ready());
    // The body told that it is done, and still exists.
    assert_complete(&stage.span(), 200);
}

/// Time in queues between `call` and the first poll counts.
pub async fn the_span_starts_with_the_call_and_not_with_the_first_poll<S: Side>() {
    let mut stage = around::<S, _, _>(ok);
    ready(&mut stage.service).await;
    let before = stage.tracer.now();
    let exchange = stage.service.call(get::<S>("/"));
    stage.recorder.clock().advance(ms(5));
    drop(exchange.await.map(drop));
    let span = stage.span();
    assert_eq!(span.start(), before);
    assert_eq!(span.duration(), ms(5));
}

/// A body that lies around does not make the exchange longer.
pub async fn the_end_is_when_the_last_frame_came_and_not_when_the_body_was_dropped<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one"))) });
    let clock = stage.recorder.clock().clone();
    let mut exchange = stage.call(get::<S>("/")).await;
    clock.advance(ms(1));
    let polled = poll_once(&mut exchange).await;
    let Poll::Ready(Ok(mut response)) = polled else {
        panic!("no answer");
    };
    for pause in [2, 4] {
        clock.advance(ms(pause));
        assert!(poll_frame(response.body_mut()).await.is_ready());
    }
    clock.advance(ms(8));
    drop((exchange, response));
    let duration = match S::END {
        SpanEnd::Body => ms(7),
        SpanEnd::Head => ms(1),
    };
    assert_eq!(stage.span().duration(), duration);
}

/// Servers do not poll a body that says to be empty, and few callers do.
pub async fn an_empty_body_ends_at_the_head_though_it_is_never_polled<S: Side>() {
    let span = span_of_held_body::<S>(get::<S>("/"), || answer(200, TestBody::empty()), 0).await;
    assert_complete(&span, 200);
}

/// The body of an answer to `HEAD` is never sent, whatever it holds (RFC 9110, section 9.3.2).
pub async fn an_answer_to_head_ends_at_the_head<S: Side>() {
    for body in [
        TestBody::empty,
        || TestBody::full("hello"),
        || TestBody::new().data("hello"),
    ] {
        let span =
            span_of_held_body::<S>(request::<S>("HEAD", "/"), move || answer(200, body()), 0).await;
        assert_complete(&span, 200);
    }
}

/// These have no body on the wire, whatever the handler gave (RFC 9110, section 6.4.1).
pub async fn a_204_and_a_304_end_at_the_head<S: Side>() {
    for code in [204, 304] {
        let span =
            span_of_held_body::<S>(get::<S>("/"), move || answer(code, TestBody::new()), 0).await;
        assert_complete(&span, code.into());
    }
}

/// Servers that know the length stop reading with the last byte; nobody polls again for the `None`.
pub async fn a_body_that_knows_its_end_ends_with_its_last_frame<S: Side>() {
    let response = || {
        answer(
            200,
            TestBody::new()
                .data("hel")
                .data("lo")
                .knows_length()
                .knows_end(),
        )
    };
    let span = span_of_held_body::<S>(get::<S>("/"), response, 2).await;
    assert_complete(&span, 200);
}

/// Reads one frame of a body that holds no more, and drops it: what servers do when all of a known length is sent.
async fn read_and_drop<S: Side>(
    response: impl Fn() -> Response<TestBody> + Send + Sync + 'static,
    reads: usize,
) {
    let mut stage = around::<S, _, _>(move |_| {
        let response = response();
        async { Ok(response) }
    });
    let mut response = stage.head(get::<S>("/")).await;
    for _ in 0..reads {
        assert!(poll_frame(response.body_mut()).await.is_ready());
    }
    drop(response);
    assert_complete(&stage.span(), 200);
}

/// With `Content-Length`, a server drops a body that does not know its own end as soon as the bytes are sent. That is no cancellation.
pub async fn content_length_reached_is_complete_though_never_polled_to_the_end<S: Side>() {
    let response = || {
        let mut response = answer(200, TestBody::new().data("hel").data("lo"));
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
        response
    };
    read_and_drop::<S>(response, 2).await;
}

/// The same by the size hint, from which servers make a `Content-Length`. A hint of zero is an empty body.
pub async fn an_exact_size_reached_is_complete_though_never_polled_to_the_end<S: Side>() {
    read_and_drop::<S>(
        || answer(200, TestBody::new().data("hello").knows_length()),
        1,
    )
    .await;
    read_and_drop::<S>(|| answer(200, TestBody::new().knows_length()), 0).await;
}

/// Trailers are the last frame, and reach the caller as they are.
pub async fn trailers_end_the_span_and_pass_unchanged<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", HeaderValue::from_static("abc"));
        let mut response = answer(200, TestBody::new().data("hello").trailers(trailers));
        response
            .headers_mut()
            .insert(TRAILER, HeaderValue::from_static("x-checksum"));
        Ok(response)
    });
    let answer = stage.exchange(get::<S>("/")).await;
    assert_eq!(answer.data, [Bytes::from("hello")]);
    let trailers = answer.trailers.expect("the trailers are gone");
    assert_eq!(trailers["x-checksum"], "abc");
    assert_eq!(trailers.len(), 1);
    assert_complete(&stage.span(), 200);
}

/// After 101 the connection belongs to another protocol, which may live for days.
pub async fn an_upgrade_ends_at_the_head<S: Side>() {
    let mut upgrade = get::<S>("/chat");
    upgrade
        .headers_mut()
        .insert("connection", HeaderValue::from_static("upgrade"));
    upgrade
        .headers_mut()
        .insert("upgrade", HeaderValue::from_static("websocket"));
    let span = span_of_held_body::<S>(upgrade, || answer(101, TestBody::new()), 0).await;
    span.assert_unset();
    assert_eq!(span.int("http.response.status_code"), 101);
    assert_eq!(span.str("ctx.outcome"), ctx_outcome::UPGRADED);
}

/// A tunnel is an upgrade too (RFC 9110, section 9.3.6).
pub async fn connect_that_succeeds_ends_at_the_head<S: Side>() {
    let connect = request::<S>("CONNECT", "shop.example:443");
    let span = span_of_held_body::<S>(connect, || answer(200, TestBody::new()), 0).await;
    span.assert_unset();
    assert_eq!(span.int("http.response.status_code"), 200);
    assert_eq!(span.str("ctx.outcome"), ctx_outcome::UPGRADED);
}

/// No tunnel, no upgrade.
pub async fn connect_that_is_refused_is_an_ordinary_exchange<S: Side>() {
    let connect = request::<S>("CONNECT", "shop.example:443");
    let span = span_of_held_body::<S>(connect, || answer(403, TestBody::new().data("no")), 2).await;
    assert_eq!(span.int("http.response.status_code"), 403);
    assert_eq!(span.status().is_error(), S::FAILS_FROM <= 403);
    span.assert_absent("ctx.outcome");
}

/// Some readers ask once more.
pub async fn polling_on_after_the_end_is_harmless<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::full("hello"))) });
    let mut exchange = stage.call(get::<S>("/")).await;
    let polled = poll_once(&mut exchange).await;
    let Poll::Ready(Ok(mut response)) = polled else {
        panic!("no answer");
    };
    drop(exchange);
    assert!(response.body_mut().frame().await.is_some());
    for _ in 0..3 {
        assert!(response.body_mut().frame().await.is_none());
    }
    drop(response);
    assert_complete(&stage.span(), 200);
}

/// A task that was spawned inside, or a pooled connection, may hold the context for minutes.
pub async fn a_context_kept_elsewhere_does_not_keep_the_span_open<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::full("hello"))) });
    stage.exchange(get::<S>("/")).await;
    let kept = stage.context_in_call();
    assert_complete(&stage.span(), 200);
    assert!(!kept.span().is_recording());
    drop(kept);
}
