//! email: a worker on a RabbitMQ queue. What it can not send becomes a dead letter.

use std::fmt;

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedConsumer;
use serde::Deserialize;
use tracing_core_ctx::{SpanRef, Tracer};

use super::work;
use crate::brokers::{BoxError, Brokers, MAILS, Underway};

/// Nobody of this name has an address.
#[derive(Debug)]
struct Unknown;

#[derive(Debug, Deserialize)]
struct Mail {
    customer: String,
}

pub(super) async fn open(tracer: Tracer, brokers: &Brokers) -> Result<(), BoxError> {
    let queue = QueueTracer::new(tracer);
    let mails = brokers.amqp.consumer(queue, MAILS).await?;
    tokio::spawn(run(mails, brokers.underway.clone()));
    Ok(())
}

/// Sends one mail after the other, until the connection is gone.
async fn run(mut mails: TracedConsumer, underway: Underway) {
    while let Some(Ok(mail)) = mails.next().await {
        let handled = mail.run(async |mail| match send(&mail.data).await {
            Ok(()) => {
                underway.done(1);
                mail.ack(BasicAckOptions::default()).await
            }
            Err(error) => {
                mail.span().record_failure(&error);
                mail.reject(BasicRejectOptions { requeue: false }).await
            }
        });
        // What could not be settled comes again.
        drop(handled.await);
    }
}

async fn send(mail: &[u8]) -> Result<(), Unknown> {
    let mail: Mail = serde_json::from_slice(mail).map_err(|_| Unknown)?;
    work(7).await;
    if mail.customer == "fay" {
        return Err(Unknown);
    }
    SpanRef::current().event("mail.sent", |_| {});
    Ok(())
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody has this address")
    }
}

impl std::error::Error for Unknown {}
