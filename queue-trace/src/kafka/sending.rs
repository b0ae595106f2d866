use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use rdkafka::error::KafkaError;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::future_producer::{DeliveryFuture, OwnedDeliveryResult};
use tracing_core_ctx::{Context, SpanKind, SpanRef, semconv};

use super::digits::Digits;
use super::error::error_type;
use super::headers::{Away, Cleared, KafkaHeaders};
use super::topics::{Step, Topics};
use crate::carrying::baggage_beside;
use crate::first::first;
use crate::start::sending_kind;
use crate::under_way::UnderWay;
use crate::{Message, QueueTracer};

/// A record was delivered.
pub(super) fn delivered(sending: &mut UnderWay, partition: i32, offset: i64) {
    sending.done(|span| {
        let digits = Digits::of(partition);
        let partition = digits.as_ref().and_then(Digits::as_str);
        span.set_opt(semconv::MESSAGING_DESTINATION_PARTITION_ID, partition);
        let offset = Some(offset).filter(|offset| *offset >= 0);
        span.set_opt(semconv::KAFKA_OFFSET, offset);
    });
}

/// A record was not delivered, or nobody knows.
pub(super) fn failed(sending: &mut UnderWay, error: &KafkaError) {
    sending.fail(|| error_type(error), error);
}

/// The delivery report of a record, as a future: rdkafka's, which ends the span of sending it.
///
/// If it is dropped before, the span ends with `ctx.outcome` = `cancelled`: the record may still arrive.
#[must_use = "the span ends when the delivery report is awaited"]
pub struct TracedDelivery {
    inner: DeliveryFuture,
    sending: UnderWay,
}

impl TracedDelivery {
    pub(super) const fn new(inner: DeliveryFuture, sending: UnderWay) -> Self {
        Self { inner, sending }
    }

    /// The span of sending the record, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.sending.span()
    }
}

impl Future for TracedDelivery {
    type Output = <DeliveryFuture as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let Self { inner, sending } = &mut *self;
        let report = std::task::ready!(Pin::new(inner).poll(cx));
        match &report {
            Ok(report) => end(sending, report),
            // The producer is gone.
            Err(_) => failed(sending, &KafkaError::Canceled),
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
pub(super) fn end(sending: &mut UnderWay, report: &OwnedDeliveryResult) {
    match report {
        Ok(delivery) => delivered(sending, delivery.partition, delivery.offset),
        Err((error, _)) => failed(sending, error),
    }
}

/// What is known of a record before it is sent.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) payload: Option<&'a [u8]>,
}

impl Outgoing<'_> {
    /// Starts the span below `around`, writes its context into the headers, and says how these were before.
    pub(super) fn start(
        &self,
        (queue, topics): (&QueueTracer, &Topics),
        around: &Context,
        headers: &mut Option<OwnedHeaders>,
    ) -> (UnderWay, Given) {
        let settings = &queue.settings;
        let digits = self.partition.and_then(Digits::of);
        let partition = digits.as_ref().and_then(Digits::as_str);
        let operation = topics.at((queue, None), Step::Send, self.topic, partition);
        let mut carrier = KafkaHeaders::of(headers.take());
        // Each look goes through all headers, so one must do where there is nothing to find.
        let fields = settings.fields.as_slice();
        let found = carrier.look(fields);
        let before = found.first.and_then(first);
        let has_unreadable = found.has_unreadable;
        let is_clear = settings.reads_what_it_writes && !found.context;
        let mut found = match is_clear {
            true => Context::new(),
            false => queue.found(&carrier),
        };
        let reaches = queue.reaches(|| self.topic);
        let away = match found.span_context() {
            _ if !reaches => carrier.take_away_for_sure(&settings.revealing),
            _ if is_clear => Away::NotThere,
            Some(_) => Away::Stays,
            None => carrier.take_away(fields),
        };
        let injects = reaches && !matches!(away, Away::Stays);
        let given = match away {
            Away::Before(headers) => Given::With(headers),
            Away::NotThere if !injects => Given::Kept,
            Away::NotThere if has_unreadable => carrier.copy().map_or(Given::Clear, Given::With),
            Away::NotThere => Given::Clear,
            Away::Stays => {
                if found.span_context().is_none() {
                    // What cannot be taken out travels on.
                    found = queue.tracer().extract(&carrier);
                }
                restrict(queue, &found, &mut carrier)
            }
        };
        let made = found.span_context().cloned();
        let kind = sending_kind(injects);
        let span = queue.start_send_leaf(&operation, kind, around, (made, before), |span| {
            let message = Message {
                key: self.key.filter(|_| settings.keys),
                is_tombstone: self.payload.is_none(),
                body_size: self
                    .payload
                    .filter(|_| settings.body_sizes)
                    .map(<[u8]>::len),
                ..Message::default()
            };
            message.describe(span);
        });
        if injects {
            let headers = &mut carrier;
            let with_baggage = baggage_beside(&found, around);
            let around = with_baggage.as_ref().unwrap_or(around);
            queue.inject_span(&span, around, &mut Cleared { headers, fields });
        }
        *headers = carrier.into_inner();
        let watch = queue.watch(SpanKind::Producer, &operation, &span);
        (UnderWay::new(span, watch), given)
    }
}

/// Takes out of headers that keep the context that they have, `found`, the baggage that is not to leave.
fn restrict(queue: &QueueTracer, found: &Context, headers: &mut KafkaHeaders) -> Given {
    let (fields, propagate) = (&queue.settings.fields, &queue.settings.propagate);
    if !propagate.is_selective() {
        return Given::Kept;
    }
    let Away::Before(given) = headers.take_away_for_sure(fields) else {
        return Given::Kept;
    };
    let listed = propagate.listed(found);
    let context = listed.as_ref().unwrap_or(found);
    let cleared = &mut Cleared { headers, fields };
    queue.tracer().inject(context, cleared);
    Given::With(given)
}

/// How the headers of a record were before it was sent, for a record that comes back: sending it again is not to be taken for sending on what was sent.
pub(super) enum Given {
    /// There was no context among them, and there is now.
    Clear,
    /// As they are.
    Kept,
    /// These: something in them gave way to our context or was not to leave, or what was written could not be taken out again.
    With(OwnedHeaders),
}

impl Given {
    /// Whether they are others now.
    pub(super) const fn is_changed(&self) -> bool {
        !matches!(self, Self::Kept)
    }

    /// How they were, of those that have come back.
    pub(super) fn restore(
        self,
        queue: &QueueTracer,
        headers: Option<OwnedHeaders>,
    ) -> Option<OwnedHeaders> {
        match self {
            Self::Kept => headers,
            Self::With(given) => Some(given),
            Self::Clear => {
                let mut headers = KafkaHeaders::of(headers);
                headers.take_away(&queue.settings.fields);
                headers.into_inner()
            }
        }
    }
}
