//! analytics: counts what happened, in batches over several topics. A batch is a trace of its own, linked to every message.

use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::TracedConsumer;
use rdkafka::consumer::CommitMode;
use tracing_core_ctx::{SpanRef, Tracer};

use super::work;
use crate::brokers::{BoxError, Brokers, ORDERS_PLACED, PAYMENTS_CHARGED, Underway};

/// An order that went well is two messages.
const MOST: usize = 2;

/// How long a message waits for others.
const WAIT: Duration = Duration::from_secs(1);

pub(super) async fn open(tracer: Tracer, brokers: &Brokers) -> Result<(), BoxError> {
    let queue = QueueTracer::new(tracer).receive_spans(false);
    let topics = &[ORDERS_PLACED, PAYMENTS_CHARGED];
    let events = brokers.kafka.consumer(queue, "analytics", topics).await?;
    tokio::spawn(run(events, brokers.underway.clone()));
    Ok(())
}

async fn run(events: TracedConsumer, underway: Underway) {
    loop {
        let batch = match events.recv_batch(MOST, WAIT).await {
            Ok(batch) if !batch.is_empty() => batch,
            // Nothing came, or the client tries again by itself.
            Ok(_) | Err(_) => continue,
        };
        let count = batch.process(async |batch| {
            work(4).await;
            for message in batch.iter() {
                if let Err(error) = events.commit_message(message, CommitMode::Async) {
                    SpanRef::current().record_failure(&error);
                }
            }
            batch.len()
        });
        underway.done(count.await);
    }
}
