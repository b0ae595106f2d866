//! Deliveries that a service handles.

use lapin::options::{BasicAckOptions, BasicNackOptions};
use queue_trace::amqp::TracedDelivery;
use queue_trace::process::ProcessTraceLayer;
use tower::layer::Layer as _;
use tower::{Service as _, service_fn};
use tracing_core_ctx::Span;

use super::stage::{Stage, consume, is_linked, next, publish, settlement};

pub(super) async fn a_delivery_is_handled_by_a_service_in_its_span(stage: Stage) {
    let layer = ProcessTraceLayer::new(stage.channel.tracer().clone());
    let mut service = layer.layer(service_fn(|delivery: TracedDelivery| async move {
        Span::child("work").end();
        if delivery.data == b"hello" {
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok::<_, lapin::Error>(())
    }));
    publish(&stage.channel, &stage.queue).await.unwrap();
    let sent = stage.recorder.take_one();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    service.call(next(&mut consumer).await).await.unwrap();
    let process = stage
        .recorder
        .take_named(&format!("process {}", stage.queue));
    assert!(is_linked(&process, &sent));
    assert_eq!(settlement(&process), "ack");
    process.assert_unset();
    for child in ["work", &format!("ack {}", stage.queue)] {
        assert!(stage.recorder.take_named(child).is_child_of(&process));
    }
}

pub(super) async fn a_service_that_fails_has_failed_the_span_however_it_settled(stage: Stage) {
    #[derive(Debug)]
    struct NoStamp;
    let layer = ProcessTraceLayer::new(stage.channel.tracer().clone());
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for nacks in [true, false] {
        let mut service = layer.layer(service_fn(|delivery: TracedDelivery| async move {
            if nacks {
                delivery.nack(BasicNackOptions::default()).await.unwrap();
            }
            Err::<(), _>(NoStamp)
        }));
        publish(&stage.channel, &stage.queue).await.unwrap();
        service.call(next(&mut consumer).await).await.unwrap_err();
        let process = stage
            .recorder
            .take_named(&format!("process {}", stage.queue));
        assert_eq!(settlement(&process), if nacks { "nack" } else { "none" });
        assert_eq!(
            process.str("error.type").rsplit("::").next(),
            Some("NoStamp")
        );
        let _others = stage.recorder.take();
    }
}

/// A service around another one: the span is lent once.
pub(super) async fn of_two_layers_the_settlement_is_told_all_the_same(stage: Stage) {
    let layer = ProcessTraceLayer::new(stage.channel.tracer().clone());
    let mut service = layer.layer(
        layer.layer(service_fn(|delivery: TracedDelivery| async move {
            delivery.ack(BasicAckOptions::default()).await.map(drop)
        })),
    );
    publish(&stage.channel, &stage.queue).await.unwrap();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    service.call(next(&mut consumer).await).await.unwrap();
    let process = format!("process {}", stage.queue);
    let process = stage.recorder.take_named(&process);
    assert_eq!(settlement(&process), "ack");
    let _others = stage.recorder.take();
}
