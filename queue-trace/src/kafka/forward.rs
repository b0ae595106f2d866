use rdkafka::message::{BorrowedHeaders, Message as KafkaMessage, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use tracing_core_ctx::propagation::TraceContext;

use super::headers::KafkaHeaders;
use super::message::Traced;
use crate::Trust;
use crate::first::FIRST;

/// Headers that can be copied as they are, with names that are not UTF-8.
pub trait CopyHeaders {
    /// The same headers, on their own.
    fn copy_headers(&self) -> OwnedHeaders;
}

impl CopyHeaders for BorrowedHeaders {
    fn copy_headers(&self) -> OwnedHeaders {
        self.detach()
    }
}

impl CopyHeaders for OwnedHeaders {
    fn copy_headers(&self) -> OwnedHeaders {
        self.clone()
    }
}

/// # Sending on: retries and dead letters
impl<M> Traced<M>
where
    M: KafkaMessage,
    M::Headers: CopyHeaders,
{
    /// A record with the key, the payload and the headers of the message, for another topic: to be retried, or as a dead letter.
    ///
    /// Sent in the process span, its send span is a child of that, its context that of the send span. It is also linked to where the message
    /// was first sent from, however many topics lie between: that stands in the header `ctx-first-traceparent`.
    ///
    /// ```
    /// use queue_trace::kafka::{TracedMessage, TracedProducer};
    /// use rdkafka::util::Timeout;
    ///
    /// # async fn charge(_: &TracedMessage<'_>) -> Result<(), ()> { Err(()) }
    /// async fn handle(message: TracedMessage<'_>, producer: &TracedProducer) {
    ///     message
    ///         .process(async |message| {
    ///             if charge(message).await.is_err() {
    ///                 let record = message.forward_to("orders.retry");
    ///                 let _delivered = producer.send(record, Timeout::Never).await;
    ///             }
    ///         })
    ///         .await;
    /// }
    /// ```
    #[must_use]
    pub fn forward_to<'m>(&'m self, topic: &'m str) -> FutureRecord<'m, [u8], [u8]> {
        FutureRecord {
            topic,
            partition: None,
            payload: self.payload(),
            key: self.key(),
            timestamp: None,
            headers: self.headers_to_forward(),
        }
    }

    /// The headers of the message without its context, and with where it was first sent from: those of [`forward_to`](Self::forward_to).
    #[must_use]
    pub fn headers_to_forward(&self) -> Option<OwnedHeaders> {
        let mut headers = KafkaHeaders::of(self.headers_without_context());
        if self.origin().trust() == Trust::Ignore {
            headers.take_away_for_sure(&[FIRST]);
        } else if let Some(cause) = self.origin().cause()
            && headers.last(FIRST).is_none()
        {
            let first = TraceContext::traceparent(cause);
            headers.push(FIRST, first.as_bytes());
        }
        headers.into_inner()
    }

    /// The headers of the message without its context, for a record that is to have the context of the one who sends it.
    ///
    /// Where there are headers whose names are not UTF-8 the context stays, if it is [trusted](crate::QueueTracer::trust) to the full: without it they would
    /// be lost. If it is trusted less, they are lost.
    #[must_use]
    pub fn headers_without_context(&self) -> Option<OwnedHeaders> {
        let copy = self.headers()?.copy_headers();
        let mut headers = KafkaHeaders::of(Some(copy));
        let settings = &self.source.queue.settings;
        match self.origin().trust() {
            Trust::Continue => {
                headers.take_away(&settings.fields);
            }
            Trust::ContinueWithoutSampling | Trust::Ignore | Trust::NewRootWithLink => {
                headers.take_away_for_sure(&settings.fields);
            }
        }
        headers.into_inner()
    }
}
