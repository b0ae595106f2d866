//! postmaster: looks after dead letters. They still carry the context in which they were first sent.

use futures_util::StreamExt as _;
use lapin::options::BasicAckOptions;
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedConsumer;
use tracing_core_ctx::{SpanRef, Tracer};

use super::work;
use crate::brokers::{BoxError, Brokers, DEAD_MAILS, Underway};

pub(super) async fn open(tracer: Tracer, brokers: &Brokers) -> Result<(), BoxError> {
    let queue = QueueTracer::new(tracer);
    let letters = brokers.amqp.consumer(queue, DEAD_MAILS).await?;
    tokio::spawn(run(letters, brokers.underway.clone()));
    Ok(())
}

async fn run(mut letters: TracedConsumer, underway: Underway) {
    while let Some(Ok(letter)) = letters.next().await {
        let look = async {
            work(3).await;
            SpanRef::current().event("customer.called", |_| {});
        };
        letter.process(look).await;
        underway.done(1);
        // What could not be settled comes again.
        drop(letter.ack(BasicAckOptions::default()).await);
    }
}
