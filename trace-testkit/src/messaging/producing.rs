//! The send span, and what travels with a message.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Baggage, Context, SpanKind};

use super::{Letter, Messaging, Stage, assert_linked};

/// The context that a message carries.
fn carried<Q>(stage: &Stage<Q>, letter: &Letter) -> Context {
    assert_eq!(letter.values("traceparent").len(), 1, "{letter:?}");
    stage.tracer.extract(letter)
}

/// Name, kind, and what is required.
pub async fn the_send_span_says_what_the_conventions_want<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = stage.sent(Letter::of("hello")).await;
    assert_eq!(sent.kind(), SpanKind::Producer);
    sent.assert_unset();
    let name = sent.str("messaging.operation.name");
    let destination = sent.str("messaging.destination.name");
    assert_eq!(sent.name(), format!("{name} {destination}"));
    assert!(sent.attr("messaging.system.name").is_some());
    sent.assert_absent("messaging.batch.message_count");
    sent.assert_absent("ctx.outcome");
}

/// Once, and not that of another span.
pub async fn the_context_of_the_send_span_travels<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = stage.sent(Letter::of("hello")).await;
    let letter = stage.queue.receive_bare().await;
    let context = carried(&stage, &letter);
    let span = context.span_context();
    assert_eq!(span.map(|span| span.span_id()), Some(sent.span_id()));
    assert_eq!(span.map(|span| span.trace_id()), Some(sent.trace_id()));
}

/// Of whatever is current where the message is sent.
pub async fn the_send_span_is_a_child_of_the_active_one<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let order = stage.tracer.span("order").start();
    let context = order.context();
    stage
        .queue
        .send(Letter::of("hello"))
        .with_context(context)
        .await;
    order.end();
    let order = stage.recorder.take_named("order");
    assert!(stage.only("send").is_child_of(&order));
}

/// It tells where the message was made.
pub async fn a_context_that_is_there_is_respected_and_linked<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let made = stage.tracer.span("made").start();
    let mut letter = Letter::of("hello");
    stage.tracer.inject(&made.context(), &mut letter);
    made.end();
    let made = stage.recorder.take_one();
    let sent = stage.sent(letter.clone()).await;
    assert_eq!(sent.kind(), SpanKind::Client, "its context does not travel");
    assert_linked(&sent, &made);
    let came = stage.queue.receive_bare().await;
    assert_eq!(came.values("traceparent"), letter.values("traceparent"));
}

/// For those who copy headers from message to message.
pub async fn a_context_that_is_there_is_replaced_on_request<Q: Messaging>() {
    let stage = Stage::<Q>::wishing(super::Wish::ReplaceContexts).await;
    let stale = Letter::of("hello")
        .with("traceparent", super::consuming::PARENT)
        .with("tracestate", "stale=1")
        .with("tenant", "7");
    let sent = stage.sent(stale).await;
    assert_eq!(sent.kind(), SpanKind::Producer);
    let came = stage.queue.receive_bare().await;
    let context = carried(&stage, &came);
    assert_eq!(
        context.span_context().map(|span| span.span_id()),
        Some(sent.span_id())
    );
    assert_eq!(came.values("tracestate"), Vec::<&[u8]>::new());
    assert_eq!(came.values("tenant"), [b"7"]);
}

/// In their order, where there is one.
pub async fn other_headers_travel_untouched<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let mut letter = Letter::of("hello")
        .with("zebra", "1")
        .with("apple", "")
        .with("binary", [0, 0xff]);
    if Q::HEADERS_ARE_A_LIST {
        letter = letter.with("zebra", "2");
    }
    let _span = stage.sent(letter.clone()).await;
    let came = stage.queue.receive_bare().await;
    assert_eq!(came.body, letter.body);
    let (mut came, mut wanted) = (came.others(), letter.others());
    if !Q::HEADERS_ARE_A_LIST {
        came.sort_unstable();
        wanted.sort_unstable();
    }
    assert_eq!(came, wanted);
}

/// Who comes later must know that it was decided.
pub async fn an_unsampled_parent_is_not_recorded_and_travels_on<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let mut caller = Letter::default();
    caller = caller.with("traceparent", super::consuming::UNSAMPLED);
    let context = stage.tracer.extract(&caller);
    stage
        .queue
        .send(Letter::of("hello"))
        .with_context(context)
        .await;
    stage.recorder.assert_nothing();
    let came = stage.queue.receive_bare().await;
    let carried = carried(&stage, &came);
    let span = carried.span_context();
    assert!(span.is_some_and(|span| !span.is_sampled()));
    let wanted = super::consuming::UNSAMPLED.get(3..35);
    assert_eq!(
        span.map(|span| span.trace_id().to_string()).as_deref(),
        wanted
    );
}

/// What cannot stand in a header is coded so that it can.
pub async fn baggage_travels_whatever_is_in_it<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let value = "ü, \"quoted\"; \n";
    let baggage = Baggage::new().with("tenant", value);
    let context = Context::new().with_baggage(baggage);
    stage
        .queue
        .send(Letter::of("hello"))
        .with_context(context)
        .await;
    let _sent = stage.only("send");
    let came = stage.queue.receive_bare().await;
    let baggage = carried(&stage, &came).baggage().clone();
    assert_eq!(baggage.get("tenant"), Some(value));
}

/// The caller's context is as it was.
pub async fn nothing_is_current_after_sending<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let _span = stage.sent(Letter::of("hello")).await;
    assert!(Context::current().span_context().is_none());
}

/// Nobody knows what became of the message, so it is no failure, and the span does not stay open.
pub async fn a_send_that_is_given_up_has_not_failed<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    {
        let mut sending = pin!(stage.queue.send(Letter::of("hello")));
        // Up to where it first waits, if it does.
        poll_fn(|cx| {
            let _waits = sending.as_mut().poll(cx).is_pending();
            Poll::Ready(())
        })
        .await;
    }
    stage.only("send").assert_unset();
}
