//! Where messages wait between services: Kafka and an AMQP broker, real ones or such as live in this process.

mod amqp;
mod kafka;
mod underway;

use std::error::Error;

pub(crate) use amqp::{Amqp, DEAD_MAILS, MAILS};
pub(crate) use kafka::{Kafka, ORDERS_PLACED, PAYMENTS_CHARGED};
pub(crate) use underway::Underway;

/// What a service that sends or receives messages can fail with while it opens.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The brokers of the shop. They are there for as long as this is held.
#[derive(Debug)]
pub(crate) struct Brokers {
    pub(crate) kafka: Kafka,
    pub(crate) amqp: Amqp,
    /// The messages that nobody has dealt with yet.
    pub(crate) underway: Underway,
}

impl Brokers {
    /// Opens brokers in this process, or connects to those that are named: `kafka` as `HOST:PORT`, `amqp` as a URL.
    pub(crate) async fn open(kafka: Option<&str>, amqp: Option<&str>) -> Result<Self, BoxError> {
        Ok(Self {
            kafka: Kafka::open(kafka).await?,
            amqp: Amqp::open(amqp).await?,
            underway: Underway::default(),
        })
    }
}
