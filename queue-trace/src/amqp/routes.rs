use std::cell::OnceCell;
use std::sync::OnceLock;

use super::facts;
use super::name::Name;
use super::queues::Queues;
use crate::few::Few;
use crate::operation::Begin;
use crate::prepared::{At, Prepared};
use crate::{Destination, Operation, OperationType, QueueTracer};

/// What is done with a message of AMQP.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Ack,
    Nack,
    Process,
    Publish,
    Receive,
    Reject,
}

impl Step {
    const COUNT: usize = 6;

    const fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Nack => "nack",
            Self::Process => "process",
            Self::Publish => "publish",
            Self::Receive => "receive",
            Self::Reject => "reject",
        }
    }

    const fn operation_type(self) -> OperationType {
        match self {
            Self::Ack | Self::Nack | Self::Reject => OperationType::Settle,
            Self::Process => OperationType::Process,
            Self::Publish => OperationType::Send,
            Self::Receive => OperationType::Receive,
        }
    }

    /// The step of a message that went this way.
    pub(super) fn operation<'a>(
        self,
        queue: &QueueTracer,
        way: Way<'_>,
        name: &'a str,
    ) -> Operation<'a> {
        let destination = facts::destination(name, way.last());
        let destination = Destination {
            template: queue.template(name),
            is_temporary: destination.is_temporary || way.is_temporary(),
            ..destination
        };
        facts::operation(self.operation_type(), self.name(), destination)
    }

    /// The step where no destination is known.
    pub(super) fn anywhere(self) -> Operation<'static> {
        let nowhere = Destination::default();
        facts::operation(self.operation_type(), self.name(), nowhere)
    }
}

/// Where a message goes, or came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) exchange: &'a str,
    pub(super) routing_key: &'a str,
    /// Of one that came. It is empty if nobody knows it.
    pub(super) queue: Option<&'a str>,
    /// Those that the channel has declared.
    pub(super) declared: &'a Queues,
}

impl<'a> Way<'a> {
    /// Whether it is one of few: each client that waits for a reply has a name of its own for that, and names with parameters are many too.
    fn is_of_few(self, queue: &QueueTracer) -> bool {
        (self.queue.is_some() || !facts::is_made_up(self.routing_key) && !self.is_temporary())
            && queue.template(self.name().as_str()).is_none()
    }

    /// The queue at its end, as far as anybody knows: one without an exchange goes by the name of its queue.
    fn last(self) -> &'a str {
        match self.queue {
            Some(queue) if !queue.is_empty() => queue,
            _ => self.routing_key,
        }
    }

    fn is_temporary(self) -> bool {
        let by_name = self.queue.is_some_and(|queue| !queue.is_empty());
        (by_name || self.exchange.is_empty()) && self.declared.is_temporary(self.last())
    }

    pub(super) fn name(self) -> Name<'a> {
        match self.queue {
            Some(queue) => Name::came_to(self.exchange, self.routing_key, queue),
            None => Name::sent_to(self.exchange, self.routing_key),
        }
    }
}

/// The ways of a channel's messages, or of those of one queue, with what their spans have in common.
#[derive(Debug, Default)]
pub(super) struct Routes(Few<Route>);

#[derive(Debug)]
struct Route {
    exchange: Box<str>,
    routing_key: Box<str>,
    steps: [OnceLock<Prepared>; Step::COUNT],
}

impl Routes {
    /// A step of a message, for whose name there is room.
    #[inline]
    pub(super) fn at<'a>(
        &'a self,
        queue: &'a QueueTracer,
        step: Step,
        way: Way<'a>,
        name: &'a OnceCell<Name<'a>>,
    ) -> impl Begin {
        let operation = move || {
            let name = name.get_or_init(|| way.name());
            step.operation(queue, way, name.as_str())
        };
        At::new(move || self.prepared(queue, step, way), operation, None)
    }

    /// Where a way is among them, if there is room for it.
    #[inline]
    pub(super) fn position(&self, queue: &QueueTracer, way: Way<'_>) -> Option<usize> {
        let is_it = |route: &Route| {
            *route.routing_key == *way.routing_key && *route.exchange == *way.exchange
        };
        let remember = || {
            let make = || Route {
                exchange: way.exchange.into(),
                routing_key: way.routing_key.into(),
                steps: [const { OnceLock::new() }; Step::COUNT],
            };
            let position = way.is_of_few(queue).then(|| self.0.position(is_it, make));
            position.flatten()
        };
        self.0.find(is_it).or_else(remember)
    }

    /// The exchange and the routing key at a [`position`](Self::position).
    pub(super) fn names(&self, position: usize) -> Option<(&str, &str)> {
        let route = self.0.get(position)?;
        Some((&route.exchange, &route.routing_key))
    }

    fn prepared(&self, queue: &QueueTracer, step: Step, way: Way<'_>) -> Option<&Prepared> {
        let position = self.position(queue, way);
        let prepare = || {
            let name = way.name();
            Prepared::new(queue, &step.operation(queue, way, name.as_str()))
        };
        Some(self.0.get(position?)?.steps[step as usize].get_or_init(prepare))
    }
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::Tracer;

    use super::*;

    #[test]
    fn names_of_those_who_wait_for_replies_take_no_place() {
        let (queue, routes) = (QueueTracer::new(Tracer::noop()), Routes::default());
        let declared = Queues::default();
        let is_prepared = |routing_key: &str| {
            let way = Way {
                exchange: "",
                routing_key,
                queue: None,
                declared: &declared,
            };
            routes.prepared(&queue, Step::Publish, way).is_some()
        };
        for client in 0..100 {
            assert!(!is_prepared(&format!("amq.rabbitmq.reply-to.g2dk{client}")));
            assert!(!is_prepared(&format!("amq.gen-{client}")));
        }
        assert!(is_prepared("jobs"));
    }
}
