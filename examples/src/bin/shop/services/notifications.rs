//! notifications: from Kafka to RabbitMQ. It turns placed orders into mails.

use std::error::Error;

use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use queue_trace::kafka::{TracedConsumer, TracedMessage};
use rdkafka::Message as _;
use rdkafka::consumer::CommitMode;
use tracing_core_ctx::{SpanRef, Tracer};

use super::work;
use crate::brokers::{BoxError, Brokers, MAILS, ORDERS_PLACED, Underway};

struct Notifications {
    orders: TracedConsumer,
    mails: TracedChannel,
    underway: Underway,
}

pub(super) async fn open(tracer: Tracer, brokers: &Brokers) -> Result<(), BoxError> {
    let queue = QueueTracer::new(tracer).receive_spans(false);
    let topics = &[ORDERS_PLACED];
    let notifications = Notifications {
        orders: brokers
            .kafka
            .consumer(queue.clone(), "notifications", topics)
            .await?,
        mails: brokers.amqp.channel(queue).await?,
        underway: brokers.underway.clone(),
    };
    tokio::spawn(notifications.run());
    Ok(())
}

impl Notifications {
    async fn run(self) {
        loop {
            // The client tries again by itself; there is nothing to do but to go on listening.
            let Ok(order) = self.orders.recv().await else {
                continue;
            };
            let handled = order.process(async |order| {
                if let Err(error) = self.notify(order).await {
                    SpanRef::current().record_failure(&*error);
                }
            });
            handled.await;
            self.underway.done(1);
        }
    }

    /// Publishes a mail and then commits the order: if this program dies in between, there are two mails and not none.
    async fn notify(&self, order: &TracedMessage<'_>) -> Result<(), Box<dyn Error>> {
        let mail = order.payload().unwrap_or_default();
        work(2).await;
        let publish = async {
            let options = BasicPublishOptions::default();
            let properties =
                BasicProperties::default().with_content_type("application/json".into());
            let confirm =
                self.mails
                    .basic_publish("".into(), MAILS.into(), options, mail, properties);
            confirm.await?.await
        };
        self.underway.send(publish).await?;
        self.orders.commit_message(order, CommitMode::Async)?;
        Ok(())
    }
}
