use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use rdkafka::error::KafkaError;
use rdkafka::producer::future_producer::{Delivery, DeliveryFuture, OwnedDeliveryResult};
use tracing_core_ctx::{ActiveSpan, SpanRef, semconv};

use super::digits::Digits;
use super::error::error_type;

/// The span of a record under way.
pub(super) struct Sending(pub(super) ActiveSpan);

impl Sending {
    pub(super) fn delivered(&mut self, delivery: &Delivery) {
        self.0.end_with(|span| {
            let digits = Digits::of(delivery.partition);
            let partition = digits.as_ref().and_then(Digits::as_str);
            span.set_opt(semconv::MESSAGING_DESTINATION_PARTITION_ID, partition);
            let offset = Some(delivery.offset).filter(|offset| *offset >= 0);
            span.set_opt(semconv::KAFKA_OFFSET, offset);
        });
    }

    pub(super) fn failed(&mut self, error: &KafkaError) {
        self.0.end_with(|span| span.fail(&error_type(error), ""));
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.end_with(|span| {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            });
        }
    }
}

/// The delivery report of a record, as a future: rdkafka's, which ends the span of sending it.
///
/// If it is dropped before, the span ends with `ctx.outcome` = `cancelled`: the record may still arrive.
#[must_use = "the span ends when the delivery report is awaited"]
pub struct TracedDelivery {
    inner: DeliveryFuture,
    sending: Sending,
}

impl TracedDelivery {
    pub(super) const fn new(inner: DeliveryFuture, sending: Sending) -> Self {
        Self { inner, sending }
    }

    /// The span of sending the record, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.sending.0.span()
    }
}

impl Future for TracedDelivery {
    type Output = <DeliveryFuture as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let report = std::task::ready!(Pin::new(&mut self.inner).poll(cx));
        match &report {
            Ok(Ok(delivery)) => self.sending.delivered(delivery),
            Ok(Err((error, _))) => self.sending.failed(error),
            // The producer is gone.
            Err(_) => self.sending.failed(&KafkaError::Canceled),
        }
        Poll::Ready(report)
    }
}

impl fmt::Debug for TracedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedDelivery")
            .field("span", self.span())
            .finish_non_exhaustive()
    }
}

/// Ends the span of a record by its report.
pub(super) fn end(sending: &mut Sending, report: &OwnedDeliveryResult) {
    match report {
        Ok(delivery) => sending.delivered(delivery),
        Err((error, _)) => sending.failed(error),
    }
}
