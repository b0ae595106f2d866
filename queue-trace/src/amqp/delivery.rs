use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
#[cfg(feature = "tower")]
use std::sync::atomic::{AtomicBool, Ordering};

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::MessageCount;
#[cfg(feature = "tower")]
use tracing_core_ctx::ActiveSpan;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::propagation::Inject as _;
use tracing_core_ctx::semconv::{self, ctx_message_settlement as settlement};
use tracing_core_ctx::{Context, SpanRef};

use super::facts;
use super::headers::AmqpHeaders;
use super::held::{Number, Whence};
use super::processing::{Processing, Work};
use super::routes::Step;
use super::source::Source;
use crate::Trust;
use crate::failure::error_type;
use crate::first::FIRST;
use crate::under_way::UnderWay;

/// A [`Delivery`] and the span of processing it.
///
/// The span ends when the delivery is settled by a method of this type, or when it is dropped; `ctx.message.settlement` says which: `ack`, `nack`,
/// `reject`, `requeue`, or `none`. A delivery that the [channel](super::TracedChannel::basic_ack) or another delivery has settled (`multiple`) knows that when
/// it is dropped. Nothing is said if its `acker` was used, which does not tell how.
///
/// What handles the message runs in [`process`](Self::process) or [`run`](Self::run), so that its spans are children.
pub struct TracedDelivery {
    delivery: Delivery,
    processing: Processing,
    source: Arc<Source>,
    /// Which one it is of those that are held and may be settled by others, if anybody wants to know.
    number: Option<Number>,
    /// Somebody else ends the span, and hears from us only how it was settled.
    #[cfg(feature = "tower")]
    lent: AtomicBool,
}

impl TracedDelivery {
    #[inline]
    pub(super) fn new(delivery: Delivery, source: &Arc<Source>) -> Self {
        let (span, watch) = source.start_process(&delivery);
        let processing = Processing::new(span, watch);
        let number = match processing.is_wanted() {
            _ if source.no_ack => None,
            true => {
                let from = Whence::new(&delivery, processing.context(), source);
                Some(source.held.insert(delivery.delivery_tag, from))
            }
            false => {
                source.held.pass();
                None
            }
        };
        Self {
            processing,
            source: Arc::clone(source),
            number,
            #[cfg(feature = "tower")]
            lent: AtomicBool::new(false),
            delivery,
        }
    }

    /// Lets `work` run as what processes this message: its span is current in every poll. The span goes on afterwards, until the delivery is settled, which
    /// `work` may do itself.
    ///
    /// If `work` panics, processing has failed with `panic`; if it is dropped before its end, the span says `ctx.outcome` = `cancelled`, unless other work
    /// comes to its end afterwards.
    pub fn process<F: Future>(&self, work: F) -> Work<'_, F> {
        self.processing.work(work)
    }

    /// The same with work that has the delivery, and settles it: it may be spawned. A delivery that it drops is not settled.
    ///
    /// ```no_run
    /// use lapin::options::BasicAckOptions;
    /// use queue_trace::amqp::TracedDelivery;
    ///
    /// # async fn send(_: &[u8]) {}
    /// fn handle(delivery: TracedDelivery) {
    ///     tokio::spawn(delivery.run(|delivery| async move {
    ///         send(&delivery.data).await;
    ///         delivery.ack(BasicAckOptions::default()).await
    ///     }));
    /// }
    /// ```
    pub fn run<F: Future>(self, work: impl FnOnce(Self) -> F) -> Work<'static, F> {
        let context = self.context().clone();
        let work = context.scope(|| work(self));
        Work::owning(work.with_context(context))
    }

    /// The same with work that may fail: if it does, processing has failed with the type of the error (boxed ones are `_OTHER`), for the span, unless the work
    /// has said more, and for who [observes](crate::QueueTracer::observe). In a service of the module `process` it is the result of the service that counts.
    ///
    /// ```no_run
    /// use lapin::options::{BasicAckOptions, BasicNackOptions};
    /// use queue_trace::amqp::TracedDelivery;
    ///
    /// # async fn send(_: &[u8]) -> std::io::Result<()> { Ok(()) }
    /// async fn handle(delivery: TracedDelivery) -> lapin::Result<bool> {
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
            self.processing.failed(error_type::<E>());
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
    pub async fn ack(&self, options: BasicAckOptions) -> lapin::Result<bool> {
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
    pub async fn nack(&self, options: BasicNackOptions) -> lapin::Result<bool> {
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
    pub async fn reject(&self, options: BasicRejectOptions) -> lapin::Result<bool> {
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
        &self,
        mut settling: UnderWay,
        settled: &lapin::Result<bool>,
        how: &'static str,
        multiple: bool,
    ) {
        match settled {
            Ok(true) => {
                let (held, tag) = (&self.source.held, self.delivery.delivery_tag);
                let count = multiple.then(|| held.settle(tag, true, how)).flatten();
                let count = count.and_then(|count| i64::try_from(count).ok());
                settling.done(|span| {
                    span.set_opt(semconv::MESSAGING_BATCH_MESSAGE_COUNT, count);
                });
                self.end(|_| Some(how));
            }
            Ok(false) if self.delivery.acker.poisoned() => {
                settling.fail(|| facts::CHANNEL_CLOSED, &"");
                self.end(|others| self.unsettled(others));
            }
            // Who has settled it, or is about to, ends it.
            Ok(false) => settling.fail(|| "already-settled", &""),
            Err(error) => {
                settling.fail(|| facts::error_type(error), error);
                self.end(|others| Some(others.unwrap_or(settlement::NONE)));
            }
        }
    }

    /// Ends the process span, once; `how` says how the delivery was settled, and may hear how others have done it.
    fn end(&self, how: impl FnOnce(Option<&'static str>) -> Option<&'static str>) {
        let (ending, is_lent) = (self.processing.take(), self.take_lent());
        if ending.is_none() && !is_lent {
            return;
        }
        let how = how(self.let_go());
        if is_lent && let Some(how) = how {
            self.span().set(semconv::CTX_MESSAGE_SETTLEMENT, how);
        }
        if let Some(ending) = ending {
            self.processing.end(ending, how);
        }
    }

    /// Nobody can settle it by its tag any more; how somebody has.
    fn let_go(&self) -> Option<&'static str> {
        let tag = self.delivery.delivery_tag;
        self.source.held.remove(tag, self.number?)
    }

    /// How one was settled that is no longer held, by others if anybody; `None` if nobody knows, or nothing is ever settled.
    fn unsettled(&self, others: Option<&'static str>) -> Option<&'static str> {
        if self.source.no_ack || others.is_some() {
            return others;
        }
        self.source.held.pass();
        // The acker is used up if somebody had it settle the delivery.
        let acker = &self.delivery.acker;
        let is_left = acker.usable() || acker.poisoned();
        is_left.then_some(settlement::NONE)
    }

    /// Whether somebody else ends the span, who is to hear from us how it was settled.
    #[cfg(feature = "tower")]
    #[inline]
    fn take_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed) && self.lent.swap(false, Ordering::Relaxed)
    }

    /// Only services do.
    #[cfg(not(feature = "tower"))]
    #[expect(clippy::unused_self, reason = "as where there are services")]
    const fn take_lent(&self) -> bool {
        false
    }
}

/// The service's future ends the span, and how the delivery was settled is told on it all the same, if that comes before.
#[cfg(feature = "tower")]
impl crate::process::ProcessMessage for TracedDelivery {
    fn begin(&mut self, _: &crate::QueueTracer) -> ActiveSpan {
        let span = self.processing.lend();
        // It may be lent already, to a service around.
        *self.lent.get_mut() |= span.as_ref().is_some_and(ActiveSpan::is_open);
        span.unwrap_or_else(|| ActiveSpan::passing(self.context().clone()))
    }

    fn measured(&mut self) -> crate::process::Measured {
        crate::process::Measured::by(self.processing.lend_watch())
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
        if !std::thread::panicking() {
            self.end(|others| self.unsettled(others));
            return;
        }
        // How a panic ends it, the span itself knows, and by the drop of the watch who observes.
        let ending = self.processing.take();
        if self.take_lent() || ending.is_some() {
            let how = self.unsettled(self.let_go());
            self.span().set_opt(semconv::CTX_MESSAGE_SETTLEMENT, how);
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
