use lapin::options::{BasicConsumeOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::{TracedChannel, TracedConsumer};
use trace_testkit::amqp::Broker;

use super::BoxError;

/// Mails to be sent: their JSON. What is rejected here goes to [`DEAD_MAILS`].
pub(crate) const MAILS: &str = "mails";

/// Mails that could not be sent.
pub(crate) const DEAD_MAILS: &str = "mails.dead";

/// An AMQP broker: a real one, or a small one in this process.
#[derive(Debug)]
pub(crate) struct Amqp {
    url: String,
    /// Dropping it ends it.
    _in_process: Option<Broker>,
}

impl Amqp {
    /// The broker at `url`, or a new one in this process; with the queues of the shop.
    pub(crate) async fn open(url: Option<&str>) -> Result<Self, BoxError> {
        let amqp = match url {
            Some(url) => Self {
                url: url.into(),
                _in_process: None,
            },
            None => {
                let broker = Broker::start().await?;
                Self {
                    url: broker.url(),
                    _in_process: Some(broker),
                }
            }
        };
        amqp.declare_queues()
            .await
            .map_err(|error| format!("AMQP broker: {error}"))?;
        Ok(amqp)
    }

    async fn declare_queues(&self) -> lapin::Result<()> {
        let connection = self.connect().await?;
        let channel = connection.create_channel().await?;
        let mut dead_letters = FieldTable::default();
        for (name, value) in [
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", DEAD_MAILS),
        ] {
            dead_letters.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        for (queue, arguments) in [(MAILS, dead_letters), (DEAD_MAILS, FieldTable::default())] {
            let options = QueueDeclareOptions::default();
            channel
                .queue_declare(queue.into(), options, arguments)
                .await?;
        }
        connection.close(200, "".into()).await
    }

    /// A channel whose publications are confirmed, over a connection of its own.
    pub(crate) async fn channel(&self, queue: QueueTracer) -> lapin::Result<TracedChannel> {
        let connection = self.connect().await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(TracedChannel::new(channel, queue))
    }

    /// A consumer of `from`, over a connection of its own.
    pub(crate) async fn consumer(
        &self,
        queue: QueueTracer,
        from: &str,
    ) -> lapin::Result<TracedConsumer> {
        let channel = self.channel(queue).await?;
        let options = BasicConsumeOptions::default();
        channel
            .basic_consume(from.into(), "".into(), options, FieldTable::default())
            .await
    }

    async fn connect(&self) -> lapin::Result<Connection> {
        Connection::connect(&self.url, ConnectionProperties::default()).await
    }
}
