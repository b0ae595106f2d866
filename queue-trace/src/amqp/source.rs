use std::cell::OnceCell;
use std::sync::Arc;

use lapin::message::Delivery;
use lapin::types::ShortString;
use tracing_core_ctx::{ActiveSpan, Context, SpanKind, Timestamp, semconv};

use super::facts;
use super::held::Held;
use super::queues::Queues;
use super::routes::{Routes, Step, Way};
use crate::carrier::LastOf;
use crate::message::Describe as _;
use crate::observe::{Failure, Watch};
use crate::under_way::UnderWay;
use crate::{Incoming, Origin, QueueTracer};

/// Where deliveries come from. They share it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) tracer: QueueTracer,
    pub(super) held: Held,
    /// Empty if it is the last one that was declared, and that was not seen.
    pub(super) queue: ShortString,
    pub(super) declared: Arc<Queues>,
    /// Nothing is ever settled.
    pub(super) no_ack: bool,
    pub(super) routes: Routes,
}

impl Source {
    pub(super) fn new(
        tracer: QueueTracer,
        queue: ShortString,
        no_ack: bool,
        held: Held,
        declared: Arc<Queues>,
    ) -> Self {
        Self {
            tracer,
            held,
            queue,
            declared,
            no_ack,
            routes: Routes::default(),
        }
    }

    /// A pull that began at `start` and has brought `delivery`.
    pub(super) fn received(&self, delivery: &Delivery, start: Timestamp) {
        if !self.tells_pulls() {
            return;
        }
        let way = self.way_of(delivery);
        let name = way.name();
        let mut operation = Step::Receive.operation(&self.tracer, way, name.as_str());
        operation.start = Some(start);
        operation.message = facts::incoming(&self.tracer, delivery, self.tracer.tracer().now());
        let origin = self.origin(delivery);
        let messages = [(&origin, operation.message)];
        self.tracer.pulled(&operation, messages, None);
    }

    /// A pull that failed.
    pub(super) fn failed(&self, error: &lapin::Error, start: Timestamp) {
        if !self.tells_pulls() {
            return;
        }
        let way = self.way("", "");
        let mut operation = Step::Receive.operation(&self.tracer, way, self.queue.as_str());
        operation.start = Some(start);
        let failure = Failure {
            error_type: &facts::error_type(error),
            error,
        };
        self.tracer.pulled(&operation, [], Some(failure));
    }

    /// Whether anybody wants to know of pulls.
    fn tells_pulls(&self) -> bool {
        self.tracer.settings.receive_spans || self.tracer.is_observed()
    }

    #[inline]
    fn way_of<'a>(&'a self, delivery: &'a Delivery) -> Way<'a> {
        self.way(delivery.exchange.as_str(), delivery.routing_key.as_str())
    }

    /// Where a delivery's way is among the routes, if there is room for it.
    #[inline]
    pub(super) fn position(&self, delivery: &Delivery) -> Option<usize> {
        self.routes.position(&self.tracer, self.way_of(delivery))
    }

    #[inline]
    pub(super) fn way<'a>(&'a self, exchange: &'a str, routing_key: &'a str) -> Way<'a> {
        Way {
            exchange,
            routing_key,
            queue: Some(self.queue.as_str()),
            declared: &self.declared,
        }
    }

    /// Where a delivery came from, as far as it is believed.
    #[inline]
    pub(super) fn origin(&self, delivery: &Delivery) -> Origin {
        let headers = LastOf(&delivery.properties);
        self.tracer.extract_by(&headers, || {
            let user = delivery.properties.user_id();
            let mut incoming = Incoming::new(self.queue.as_str(), &headers);
            incoming.exchange = Some(delivery.exchange.as_str());
            incoming.routing_key = Some(delivery.routing_key.as_str());
            incoming.user_id = user.as_ref().map(ShortString::as_str);
            incoming
        })
    }

    /// The span of processing a delivery.
    #[inline]
    pub(super) fn start_process(&self, delivery: &Delivery) -> (ActiveSpan, Watch) {
        let (queue, name) = (&self.tracer, OnceCell::new());
        let way = self.way_of(delivery);
        let operation = self.routes.at(queue, Step::Process, way, &name);
        let origin = match delivery.properties.headers() {
            Some(_) => self.origin(delivery),
            None => Origin::unknown(),
        };
        let active = queue.start_process_with(&operation, &origin, |span| {
            facts::incoming(queue, delivery, span.start()).describe(span);
        });
        if queue.is_observed() {
            let now = queue.tracer().now();
            let queue_time = facts::queue_time(now, &delivery.properties);
            queue.tell_arrival(&operation, queue_time, None);
        }
        let watch = queue.watch(SpanKind::Consumer, &operation, active.span());
        (active, watch)
    }

    /// The span of settling one.
    #[inline]
    pub(super) fn start_settle(
        &self,
        step: Step,
        delivery: &Delivery,
        processing: &Context,
    ) -> UnderWay {
        let (queue, name) = (&self.tracer, OnceCell::new());
        let operation = self.routes.at(queue, step, self.way_of(delivery), &name);
        let span = queue.start_settle_leaf(&operation, processing, |span| {
            let tag = i64::try_from(delivery.delivery_tag).ok();
            span.put_opt(semconv::RABBITMQ_MESSAGE_DELIVERY_TAG, tag);
        });
        let watch = queue.watch(SpanKind::Client, &operation, &span);
        UnderWay::new(span, watch)
    }
}
