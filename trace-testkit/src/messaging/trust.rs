//! How much of a message's context is believed: anybody who can write to the queue can write one.

use tracing_core_ctx::Context;

use super::consuming::{PARENT, UNSAMPLED, letter};
use super::{Messaging, Stage, Wish};

/// Whoever decides for himself is not hidden from.
pub async fn a_forged_flag_can_hide_from_recording_unless_it_is_not_believed<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(letter(UNSAMPLED)).await;
    stage.queue.process(|_| {}).await;
    let spans = stage.recorder.take();
    let processed = spans
        .iter()
        .filter(|span| span.kind() == tracing_core_ctx::SpanKind::Consumer);
    assert_eq!(processed.count(), 0, "its producer is believed");

    let stage = Stage::<Q>::wishing(Wish::OwnSampling).await;
    stage.queue.send_bare(letter(UNSAMPLED)).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(
        Some(&*processed.trace_id().to_string()),
        UNSAMPLED.get(3..35)
    );
}

/// A link is enough to find out what happened.
pub async fn strangers_are_linked_and_not_followed<Q: Messaging>() {
    let stage = Stage::<Q>::wishing(Wish::Strangers).await;
    stage.queue.send_bare(letter(PARENT)).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(processed.parent(), None);
    assert_ne!(Some(&*processed.trace_id().to_string()), PARENT.get(3..35));
    let links: Vec<_> = processed
        .links()
        .iter()
        .map(|link| link.span_context.trace_id().to_string())
        .collect();
    assert_eq!(links.first().map(String::as_str), PARENT.get(3..35));
}

/// It would travel on, and be taken for ours.
pub async fn a_strangers_baggage_is_dropped<Q: Messaging>() {
    let stage = Stage::<Q>::wishing(Wish::Strangers).await;
    stage
        .queue
        .send_bare(letter(PARENT).with("baggage", "tenant=7"))
        .await;
    let _span = stage
        .processed(|_| assert!(Context::current().baggage().is_empty()))
        .await;
}
