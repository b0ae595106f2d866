use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::MessageCount;
use tracing_core_ctx::context::{FutureExt as _, WithContext};
use tracing_core_ctx::propagation::Inject as _;
use tracing_core_ctx::semconv::{self, ctx_message_settlement as settlement};
use tracing_core_ctx::{ActiveSpan, Context, SpanRef};

use super::facts;
use super::headers::AmqpHeaders;
use super::routes::Step;
use super::settled::Since;
use super::source::Source;
use crate::Trust;
use crate::failure::error_type;
use crate::first::FIRST;
use crate::observe::Watch;
use crate::under_way::UnderWay;

/// A [`Delivery`] and the span of processing it.
///
/// The span ends when the delivery is settled by a method of this type, or when it is dropped; `ctx.message.settlement` says which: `ack`, `nack`,
/// `reject`, `requeue`, or `none`. A delivery that lapin's channel or another delivery has settled (`multiple`) knows that when it is dropped.
///
/// What handles the message runs in [`process`](Self::process), so that its spans are children.
pub struct TracedDelivery {
    delivery: Delivery,
    processing: ActiveSpan,
    watch: Watch,
    source: Arc<Source>,
    since: Since,
    /// With what the work has failed, if it has.
    failed: OnceLock<&'static str>,
    /// Somebody else ends the span, and hears from us only how it was settled.
    #[cfg(feature = "tower")]
    lent: bool,
}

impl TracedDelivery {
    #[inline]
    pub(super) fn new(delivery: Delivery, source: &Arc<Source>) -> Self {
        let (processing, watch) = source.start_process(&delivery);
        Self {
            processing,
            watch,
            source: Arc::clone(source),
            since: source.settled.since(),
            failed: OnceLock::new(),
            #[cfg(feature = "tower")]
            lent: false,
            delivery,
        }
    }

    /// Lets `work` run as what processes this message: its span is current in every poll. The span goes on afterwards, until the delivery is settled.
    pub fn process<F: Future>(&self, work: F) -> WithContext<F> {
        work.with_context(self.processing.context().clone())
    }

    /// The same with work that may fail: if it does, processing has failed with the type of the error (boxed ones are `_OTHER`), for the span, unless the work
    /// has said more, and for who [observes](crate::QueueTracer::observe). In a service of the module `process` it is the result of the service that counts.
    ///
    /// ```no_run
    /// use lapin::options::{BasicAckOptions, BasicNackOptions};
    /// use queue_trace::amqp::TracedDelivery;
    ///
    /// # async fn send(_: &[u8]) -> std::io::Result<()> { Ok(()) }
    /// async fn handle(mut delivery: TracedDelivery) -> lapin::Result<bool> {
    ///     match delivery.try_process(send(&delivery.data)).await {
    ///         Ok(()) => delivery.ack(BasicAckOptions::default()).await,
    ///         Err(_) => delivery.nack(BasicNackOptions::default()).await,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the work.
    pub async fn try_process<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let output = self.process(work).await;
        if output.is_err() {
            self.failed.get_or_init(error_type::<E>);
        }
        output
    }

    /// The context in which the message is processed.
    #[must_use]
    pub const fn context(&self) -> &Context {
        self.processing.context()
    }

    /// The span of processing the message, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.processing.span()
    }

    /// The properties of the message to send it on with, to be retried or as a dead letter: without its context, so that it gets that of the one who sends it, and
    /// without what brokers wrote about its deaths and deliveries.
    ///
    /// The publication is also linked to where the message was first sent from, however many queues lie between: that stands in the header
    /// `ctx-first-traceparent`.
    #[must_use]
    pub fn properties_to_send_on(&self) -> BasicProperties {
        let properties = &self.delivery.properties;
        let mut headers = AmqpHeaders::of(properties);
        let tracer = &self.source.tracer;
        tracer.remove(&mut headers);
        headers.drop_if(facts::is_of_brokers);
        let origin = self.source.origin(&self.delivery);
        if origin.trust() == Trust::Ignore {
            headers.remove(FIRST);
        } else if let Some(cause) = origin.cause() {
            headers.keep_first(cause);
        }
        headers.put_into(properties.clone())
    }

    /// Acknowledges the message, in a span, and ends the process span.
    ///
    /// # Errors
    ///
    /// Those of the channel. `Ok(false)` if the delivery is settled already or its channel is closed.
    pub async fn ack(&mut self, options: BasicAckOptions) -> lapin::Result<bool> {
        let settling = self.start_settle(Step::Ack);
        let settled = self.delivery.acker.ack(options).await;
        self.settled(settling, &settled, settlement::ACK, options.multiple);
        settled
    }

    /// Says that the message was not processed, in a span, and ends the process span.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack).
    pub async fn nack(&mut self, options: BasicNackOptions) -> lapin::Result<bool> {
        let how = match options.requeue {
            true => settlement::REQUEUE,
            false => settlement::NACK,
        };
        let settling = self.start_settle(Step::Nack);
        let settled = self.delivery.acker.nack(options).await;
        self.settled(settling, &settled, how, options.multiple);
        settled
    }

    /// Refuses the message, in a span, and ends the process span.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack).
    pub async fn reject(&mut self, options: BasicRejectOptions) -> lapin::Result<bool> {
        let how = match options.requeue {
            true => settlement::REQUEUE,
            false => settlement::REJECT,
        };
        let settling = self.start_settle(Step::Reject);
        let settled = self.delivery.acker.reject(options).await;
        self.settled(settling, &settled, how, false);
        settled
    }

    #[inline]
    fn start_settle(&self, step: Step) -> UnderWay {
        let processing = self.processing.context();
        self.source.start_settle(step, &self.delivery, processing)
    }

    /// Ends both spans.
    fn settled(
        &mut self,
        mut settling: UnderWay,
        settled: &lapin::Result<bool>,
        how: &'static str,
        multiple: bool,
    ) {
        match settled {
            Ok(true) => {
                settling.done(|_| {});
                let tag = self.delivery.delivery_tag;
                if multiple {
                    self.source.settled.put(tag, true, how);
                }
                self.end(how);
            }
            Ok(false) => {
                let error_type = match self.delivery.acker.poisoned() {
                    true => facts::CHANNEL_CLOSED,
                    false => "already-settled",
                };
                settling.fail(|| error_type, &"");
                self.end_unsettled();
            }
            Err(error) => {
                settling.fail(|| facts::error_type(error), error);
                self.end_unsettled();
            }
        }
    }

    fn end(&mut self, how: &str) {
        #[cfg(feature = "tower")]
        if std::mem::take(&mut self.lent) {
            let span = self.processing.span();
            span.set(semconv::CTX_MESSAGE_SETTLEMENT, how);
        }
        self.end_processing(Some(how));
    }

    fn end_processing(&mut self, how: Option<&str>) {
        let failed = self.failed.get().copied();
        let time = self.watch.end(failed);
        self.processing.end_at_with(time, |span| {
            span.set_opt(semconv::CTX_MESSAGE_SETTLEMENT, how);
            // The work may have said more.
            if let Some(failed) = failed
                && !span.status().is_error()
            {
                span.fail(failed, "");
            }
        });
    }

    /// How others have settled it.
    fn settled_by_others(&self) -> &'static str {
        let tag = self.delivery.delivery_tag;
        self.source.settled.how(tag, self.since)
    }

    /// Whether there is still something to say.
    fn is_unsettled(&self) -> bool {
        #[cfg(feature = "tower")]
        if self.lent {
            return true;
        }
        self.processing.is_open()
    }

    /// Ends as one that this delivery did not settle; others may have.
    fn end_unsettled(&mut self) {
        if self.source.no_ack {
            self.end_processing(None);
        } else {
            self.end(self.settled_by_others());
        }
    }
}

/// The service's future ends the span, and how the delivery was settled is told on it all the same, if that comes before.
#[cfg(feature = "tower")]
impl crate::process::ProcessMessage for TracedDelivery {
    fn begin(&mut self, _: &crate::QueueTracer) -> ActiveSpan {
        self.lent = self.processing.is_open();
        let context = self.processing.context().clone();
        std::mem::replace(&mut self.processing, ActiveSpan::passing(context))
    }

    fn measured(&mut self) -> crate::process::Measured {
        crate::process::Measured::by(std::mem::take(&mut self.watch))
    }
}

impl Deref for TracedDelivery {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}

impl Drop for TracedDelivery {
    fn drop(&mut self) {
        if !self.is_unsettled() {
            if !std::thread::panicking() {
                self.watch.end(self.failed.get().copied());
            }
            // Of a panic, who observes hears by the drop of the watch.
            return;
        }
        if std::thread::panicking() {
            // How it ends then, the span itself knows.
            let how = self.settled_by_others();
            self.processing
                .span()
                .set(semconv::CTX_MESSAGE_SETTLEMENT, how);
        } else {
            self.end_unsettled();
        }
    }
}

impl fmt::Debug for TracedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedDelivery")
            .field("delivery", &self.delivery)
            .field("span", self.span())
            .finish_non_exhaustive()
    }
}

/// A message that [`basic_get`](super::TracedChannel::basic_get) has brought.
#[derive(Debug)]
#[non_exhaustive]
pub struct TracedGet {
    /// The message.
    pub delivery: TracedDelivery,
    /// How many messages are left in the queue.
    pub message_count: MessageCount,
}

impl Deref for TracedGet {
    type Target = TracedDelivery;

    fn deref(&self) -> &TracedDelivery {
        &self.delivery
    }
}

impl std::ops::DerefMut for TracedGet {
    fn deref_mut(&mut self) -> &mut TracedDelivery {
        &mut self.delivery
    }
}
