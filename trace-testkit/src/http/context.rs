//! Where the span is current, and where not, on both sides.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::Poll;

use http::Response;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tower_service::Service as _;
use tracing_core_ctx::{Baggage, Context, semconv};

use super::call::{
    assert_nothing_current, ok, poll_frame, poll_once, poll_panics, poll_panics_and_drops, ready,
};
use super::conventions::assert_went_well;
use super::side::{around, get};
use super::{Place, Side, TestBody};

/// In the inner `call`, before there is a future to poll.
pub async fn the_span_is_current_in_call<S: Side>() {
    let mut stage = around::<S, _, _>(ok);
    stage.exchange(get::<S>("/")).await;
    stage.assert_current(Place::Call, &stage.span());
}

/// In the first poll and in those after it.
pub async fn the_span_is_current_in_every_poll<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        Ok(Response::new(TestBody::empty()))
    });
    stage.exchange(get::<S>("/")).await;
    assert_eq!(stage.probe.at(Place::Poll).len(), 3);
    stage.assert_current(Place::Poll, &stage.span());
}

/// What an inner service drops when its caller goes away is dropped in the span.
pub async fn the_span_is_current_when_the_future_is_dropped<S: Side>() {
    let mut stage = around::<S, _, _>(|_| std::future::pending());
    let mut exchange = stage.call(get::<S>("/")).await;
    assert!(poll_once(&mut exchange).await.is_pending());
    drop(exchange);
    stage.assert_current(Place::FutureDrop, &stage.span());
}

/// Between `call`, polls and drops the thread belongs to others.
pub async fn nothing_is_current_outside<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        tokio::task::yield_now().await;
        Ok(Response::new(TestBody::new().data("one").data("two")))
    });
    let mut exchange = stage.call(get::<S>("/")).await;
    assert_nothing_current();
    assert!(poll_once(&mut exchange).await.is_pending());
    assert_nothing_current();
    let response = exchange.await.expect("an answer");
    assert_nothing_current();
    let mut body = response.into_body();
    assert!(matches!(
        poll_frame(&mut body).await,
        Poll::Ready(Some(Ok(_)))
    ));
    assert_nothing_current();
    drop(body);
    assert_nothing_current();
    drop(stage.span());
}

/// Whoever calls keeps its own context.
pub async fn the_callers_context_is_current_again_outside<S: Side>() {
    let own = |tier: &str| Context::new().with_baggage(Baggage::new().with("tier", tier));
    let is_current = |tier: &str| Context::current().baggage().get("tier") == Some(tier);

    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::full("hello"))) });
    ready(&mut stage.service).await;
    let exchange = own("one").scope(|| {
        let exchange = stage.service.call(get::<S>("/"));
        assert!(is_current("one"), "`call` took the caller's context away");
        exchange
    });
    let mut exchange = exchange;
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = own("two").scope(|| {
        let polled = exchange.as_mut().poll(&mut task);
        assert!(is_current("two"), "the poll took the caller's context away");
        polled
    });
    let Poll::Ready(Ok(response)) = polled else {
        panic!("no answer");
    };
    own("three").scope(|| {
        drop(response);
        assert!(
            is_current("three"),
            "the drop took the caller's context away"
        );
    });
    drop(stage.span());
}

/// Two requests polled in turns on one thread do not see each other's span.
pub async fn interleaved_requests_keep_their_contexts<S: Side>() {
    let seen = |at: &str| {
        let span = Context::current().span();
        span.event(at.to_owned(), |_| {});
        span.span_context()
            .map(tracing_core_ctx::SpanContext::span_id)
    };
    let mut stage = around::<S, _, _>(move |_| async move {
        let first = seen("first");
        tokio::task::yield_now().await;
        let second = seen("second");
        tokio::task::yield_now().await;
        assert_eq!(
            (first, second),
            (seen("third"), first),
            "the context changed on the way"
        );
        Ok(Response::new(TestBody::empty()))
    });
    let mut one = stage.call(get::<S>("/one")).await;
    let mut two = stage.call(get::<S>("/two")).await;
    for _ in 0..2 {
        assert!(poll_once(&mut one).await.is_pending());
        assert!(poll_once(&mut two).await.is_pending());
        assert_nothing_current();
    }
    drop(two.await.map(drop));
    drop(one.await.map(drop));

    let spans = stage.recorder.take();
    assert_eq!(spans.len(), 2);
    assert_ne!(spans[0].span_id(), spans[1].span_id());
    for span in &spans {
        assert_eq!(span.events().len(), 3, "the events went to another span");
    }
}

/// A guard that an inner service keeps across an `.await`, or forgets, is taken off when the poll returns.
pub async fn a_scope_that_is_leaked_inside_does_not_outlive_the_poll<S: Side>() {
    let leak = || {
        let leaked = Context::new().with_baggage(Baggage::new().with("leaked", "1"));
        let _forgotten = ManuallyDrop::new(leaked.attach());
    };
    let mut stage = around::<S, _, _>(move |_| {
        leak();
        async move {
            leak();
            tokio::task::yield_now().await;
            assert_eq!(
                Context::current().baggage().get("leaked"),
                None,
                "it is still there"
            );
            leak();
            Ok(Response::new(TestBody::empty()))
        }
    });
    let mut exchange = stage.call(get::<S>("/")).await;
    assert_nothing_current();
    assert!(poll_once(&mut exchange).await.is_pending());
    assert_nothing_current();
    drop(exchange.await.map(drop));
    assert_nothing_current();
    drop(stage.span());
}

/// Also when it is caught.
pub async fn a_panic_leaves_nothing_current<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { panic!("as the test wants") });
    let mut exchange = stage.call(get::<S>("/")).await;
    poll_panics(&mut exchange).await;
    assert_nothing_current();
    drop(exchange);
    poll_panics_and_drops(stage.call(get::<S>("/")).await).await;
    assert_nothing_current();
    assert_eq!(stage.recorder.take().len(), 2);
}

/// A runtime of several threads moves a request from one to another.
pub async fn the_future_may_be_polled_on_another_thread<S: Side>() {
    let gate = Arc::new(Notify::new());
    let waiting = Arc::clone(&gate);
    let mut stage = around::<S, _, _>(move |_| {
        let gate = Arc::clone(&waiting);
        async move {
            gate.notified().await;
            Ok(Response::new(TestBody::full("hello")))
        }
    });
    let mut exchange = stage.call(get::<S>("/")).await;
    assert!(poll_once(&mut exchange).await.is_pending());
    gate.notify_one();
    let elsewhere = std::thread::spawn(move || {
        crate::http::run(async move {
            let response = exchange.await.expect("an answer");
            drop(response.into_body().collect().await);
        });
    });
    assert!(elsewhere.join().is_ok(), "it failed on the other thread");
    assert_nothing_current();
    let span = stage.span();
    assert_went_well(&span);
    stage.assert_current(Place::Poll, &span);
}

/// The current span inside is that of the exchange, and takes what is known there.
pub async fn the_inner_service_may_describe_the_span<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        let span = Context::current().span();
        assert!(span.is_recording());
        span.set(semconv::NETWORK_PEER_ADDRESS, "192.0.2.1");
        span.event("cart.checked", |_| {});
        Ok(Response::new(TestBody::empty()))
    });
    stage.exchange(get::<S>("/users/7")).await;
    let span = stage.span();
    assert_eq!(span.str("network.peer.address"), "192.0.2.1");
    assert_eq!(span.event("cart.checked").name, "cart.checked");
}
