use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::DeliveryTag;
use tracing_core_ctx::semconv::{self, ctx_message_settlement as settlement};
use tracing_core_ctx::{Context, Span, SpanKind};

use super::channel::TracedChannel;
use super::facts;
use super::held::Covered;
use super::routes::Step;
use crate::Operation;
use crate::under_way::UnderWay;

/// # Settling by tags
///
/// The span is below that of processing the delivery, where that is still held, and of several the last one; what a sampler has dropped there is not recorded
/// here. Of deliveries that are no longer held nothing is known: such a span is below the current one, and where there is none it is made only if the
/// settlement fails.
///
/// Deliveries that are held know that they were settled when they are dropped; one that is dropped *before* says `none`.
impl TracedChannel {
    /// [`Channel::basic_ack`](lapin::Channel::basic_ack) in a span.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn basic_ack(&self, tag: DeliveryTag, options: BasicAckOptions) -> lapin::Result<()> {
        let ack = self.inner().basic_ack(tag, options);
        self.settle(Step::Ack, settlement::ACK, (tag, options.multiple), ack)
            .await
    }

    /// [`Channel::basic_nack`](lapin::Channel::basic_nack) in a span.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn basic_nack(
        &self,
        tag: DeliveryTag,
        options: BasicNackOptions,
    ) -> lapin::Result<()> {
        let how = match options.requeue {
            true => settlement::REQUEUE,
            false => settlement::NACK,
        };
        let nack = self.inner().basic_nack(tag, options);
        self.settle(Step::Nack, how, (tag, options.multiple), nack)
            .await
    }

    /// [`Channel::basic_reject`](lapin::Channel::basic_reject) in a span.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn basic_reject(
        &self,
        tag: DeliveryTag,
        options: BasicRejectOptions,
    ) -> lapin::Result<()> {
        let how = match options.requeue {
            true => settlement::REQUEUE,
            false => settlement::REJECT,
        };
        let reject = self.inner().basic_reject(tag, options);
        self.settle(Step::Reject, how, (tag, false), reject).await
    }

    async fn settle(
        &self,
        step: Step,
        how: &'static str,
        (tag, multiple): (DeliveryTag, bool),
        settle: impl Future<Output = lapin::Result<()>>,
    ) -> lapin::Result<()> {
        let covered = self.held.covered(tag, multiple);
        let start = self.tracer().tracer().now();
        let mut settling = self.with_operation(step, tag, covered.as_ref(), |operation| {
            let around = Context::current();
            let around = match &covered {
                Some(covered) => Some(&covered.last.processing),
                None => around.span_context().map(|_| &around),
            };
            let span = around.map(|around| {
                let queue = self.tracer();
                queue.start_settle_leaf(operation, around, |_| {})
            });
            let span = span.unwrap_or_else(Span::none);
            let watch = self.tracer().watch(SpanKind::Client, operation, &span);
            UnderWay::new(span, watch)
        });
        let settled = settle.await;
        match &settled {
            Ok(()) => {
                let count = self.held.settle(tag, multiple, how);
                let count = count.and_then(|count| i64::try_from(count).ok());
                settling.done(|span| {
                    span.set_opt(semconv::MESSAGING_BATCH_MESSAGE_COUNT, count);
                });
            }
            Err(error) => {
                settling.fail(|| facts::error_type(error), error);
                if covered.is_none() && Context::current().span_context().is_none() {
                    let failed = self.with_operation(step, tag, None, |operation| {
                        operation.start = Some(start);
                        let queue = self.tracer();
                        queue.start_settle_leaf(operation, &Context::new(), |_| {})
                    });
                    let mut failed = UnderWay::new(failed, Default::default());
                    failed.fail(|| facts::error_type(error), error);
                }
            }
        }
        settled
    }

    /// The settlement of what is covered. Without that the destination is not known.
    fn with_operation<T>(
        &self,
        step: Step,
        tag: DeliveryTag,
        covered: Option<&Covered>,
        start: impl FnOnce(&mut Operation<'_>) -> T,
    ) -> T {
        let covered = covered.filter(|covered| covered.is_one_place);
        let way = covered.map(|covered| covered.last.way());
        let name = way.map(super::routes::Way::name);
        let mut operation = match (way, &name) {
            (Some(way), Some(name)) => step.operation(self.tracer(), way, name.as_str()),
            _ => step.anywhere(),
        };
        operation.message.delivery_tag = i64::try_from(tag).ok();
        start(&mut operation)
    }
}
