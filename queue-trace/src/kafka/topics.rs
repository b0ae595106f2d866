use std::sync::OnceLock;

use tracing_core_ctx::SpanKind;
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;

use crate::few::Few;
use crate::prepared::{At, Prepared};
use crate::{Destination, Operation, OperationType, QueueTracer};

/// What is done with a message of Kafka.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Commit,
    Poll,
    Process,
    Send,
    Store,
}

impl Step {
    const COUNT: usize = 5;

    const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Poll => "poll",
            Self::Process => "process",
            Self::Send => "send",
            Self::Store => "store",
        }
    }

    const fn operation_type(self) -> OperationType {
        match self {
            Self::Commit | Self::Store => OperationType::Settle,
            Self::Poll => OperationType::Receive,
            Self::Process => OperationType::Process,
            Self::Send => OperationType::Send,
        }
    }

    pub(super) const fn kind(self) -> SpanKind {
        match self {
            Self::Commit | Self::Poll | Self::Store => SpanKind::Client,
            Self::Process => SpanKind::Consumer,
            Self::Send => SpanKind::Producer,
        }
    }

    pub(super) fn operation<'a>(
        self,
        (queue, group): (&QueueTracer, Option<&'a str>),
        topic: &'a str,
    ) -> Operation<'a> {
        let destination = Destination {
            template: queue.template(topic),
            ..Destination::named(topic)
        };
        let mut operation = Operation::new(self.operation_type(), KAFKA, self.name(), destination);
        operation.consumer_group = group;
        operation
    }
}

/// The topics of a producer or a consumer, with what its spans have in common.
#[derive(Debug, Default)]
pub(super) struct Topics(Few<Topic>);

/// One of them.
#[derive(Debug)]
pub(super) struct Topic {
    name: Box<str>,
    steps: [OnceLock<Prepared>; Step::COUNT],
}

impl Topics {
    /// Where the topic of this name is, if there is room to remember it. There is none for those with parameters in their names: they are many.
    #[inline]
    pub(super) fn position(&self, queue: &QueueTracer, name: &str) -> Option<usize> {
        let is_it = |topic: &Topic| *topic.name == *name;
        let found = self.0.find(is_it);
        found.or_else(|| self.remember(queue, name, is_it))
    }

    #[cold]
    fn remember(
        &self,
        queue: &QueueTracer,
        name: &str,
        is_it: impl Fn(&Topic) -> bool,
    ) -> Option<usize> {
        if queue.template(name).is_some() {
            return None;
        }
        let make = || Topic {
            name: name.into(),
            steps: [const { OnceLock::new() }; Step::COUNT],
        };
        self.0.position(is_it, make)
    }

    /// A step at a topic that is looked at if somebody wants to know.
    #[inline]
    pub(super) fn at<'a>(
        &'a self,
        (queue, group): (&'a QueueTracer, Option<&'a str>),
        step: Step,
        place: impl Place<'a>,
        partition: Option<&'a str>,
    ) -> At<'a, impl Fn() -> Option<&'a Prepared>, impl Fn() -> Operation<'a>> {
        let prepared = move || {
            let position = place
                .known()
                .or_else(|| self.position(queue, place.topic()))?;
            Some(self.0.get(position)?.prepared(queue, group, step))
        };
        At::new(
            prepared,
            move || step.operation((queue, group), place.topic()),
            partition,
        )
    }
}

/// Says the topic when it is asked.
pub(super) trait Place<'a>: Copy {
    fn topic(self) -> &'a str;

    /// Where it is among the topics, if that is known.
    fn known(self) -> Option<usize> {
        None
    }
}

impl<'a> Place<'a> for &'a str {
    #[inline]
    fn topic(self) -> &'a str {
        self
    }
}

impl Topic {
    #[inline]
    fn prepared(&self, queue: &QueueTracer, group: Option<&str>, step: Step) -> &Prepared {
        let prepare = || Prepared::new(queue, &step.operation((queue, group), &self.name));
        self.steps[step as usize].get_or_init(prepare)
    }
}
