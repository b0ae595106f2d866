use std::fmt;

use tracing_core_ctx::propagation::Extract;

/// A message that has come, as far as it matters to [whether its context is believed](crate::QueueTracer::trust_by).
///
/// ```
/// use queue_trace::{ByteHeaders, Incoming, QueueTracer, Trust};
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// let queue = QueueTracer::new(tracer).trust_by(|incoming| match incoming.destination {
///     "partners" => Trust::NewRootWithLink,
///     _ => Trust::Continue,
/// });
///
/// let headers = ByteHeaders::default();
/// let origin = queue.extract_from(&Incoming::new("partners", &headers));
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Incoming<'a> {
    /// Where it was taken from: the topic (Kafka), the queue (AMQP). Empty if that is not known.
    pub destination: &'a str,
    /// The exchange to which it was published (AMQP): whoever published it has chosen that.
    pub exchange: Option<&'a str>,
    /// The routing key with which it was published (AMQP): whoever published it has chosen that.
    pub routing_key: Option<&'a str>,
    /// The user who has published it, if it says so (AMQP). RabbitMQ refuses messages that name another one.
    pub user_id: Option<&'a str>,
    headers: &'a dyn Extract,
}

impl<'a> Incoming<'a> {
    /// A message with these headers, taken from there.
    #[must_use]
    pub const fn new(destination: &'a str, headers: &'a dyn Extract) -> Self {
        Self {
            destination,
            exchange: None,
            routing_key: None,
            user_id: None,
            headers,
        }
    }

    /// The last value of a header, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut last = None;
        self.headers.get_all(name, &mut |value| last = Some(value));
        last
    }

    pub(crate) const fn headers(&self) -> &'a dyn Extract {
        self.headers
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("destination", &self.destination)
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
