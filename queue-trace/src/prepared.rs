use std::cell::OnceCell;

use tracing_core_ctx::Timestamp;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::MESSAGING_DESTINATION_PARTITION_ID;
use tracing_core_ctx::span::{SpanTemplate, SpanWriter};

use crate::operation::Begin;
use crate::{Operation, QueueTracer};

/// What the spans of one operation at one place have in common.
#[derive(Debug)]
pub(crate) struct Prepared(SpanTemplate);

impl Prepared {
    pub(crate) fn new(queue: &QueueTracer, operation: &Operation<'_>) -> Self {
        let mut template = SpanTemplate::new(operation.name());
        operation.describe_place(&mut template);
        operation.describe_client(queue, &mut template);
        Self(template)
    }
}

/// An operation at a place that is looked up when somebody wants to know: nobody does where nothing is recorded.
pub(crate) struct At<'a, P, O> {
    /// What is prepared for the place, if there was room.
    prepared: P,
    /// What is put together where nothing is.
    operation: O,
    partition: Option<&'a str>,
    start: Option<Timestamp>,
    /// What was found. Not in one cell: what is put together is large, and hardly ever is.
    found: OnceCell<Option<&'a Prepared>>,
    made: OnceCell<Operation<'a>>,
}

enum Found<'s, 'a> {
    Prepared(&'a Prepared),
    Operation(&'s Operation<'a>),
}

impl<'a, P, O> At<'a, P, O>
where
    P: Fn() -> Option<&'a Prepared>,
    O: Fn() -> Operation<'a>,
{
    #[inline]
    pub(crate) const fn new(prepared: P, operation: O, partition: Option<&'a str>) -> Self {
        Self {
            prepared,
            operation,
            partition,
            start: None,
            found: OnceCell::new(),
            made: OnceCell::new(),
        }
    }

    /// The same, begun at this time.
    #[cfg(feature = "kafka")]
    #[inline]
    pub(crate) fn begun(mut self, start: Option<Timestamp>) -> Self {
        self.start = start;
        self
    }

    #[inline]
    fn found(&self) -> Found<'_, 'a> {
        match self.found.get_or_init(&self.prepared) {
            Some(prepared) => Found::Prepared(prepared),
            None => Found::Operation(self.made.get_or_init(&self.operation)),
        }
    }
}

impl<'a, P, O> AttributeSource for At<'a, P, O>
where
    P: Fn() -> Option<&'a Prepared>,
    O: Fn() -> Operation<'a>,
{
    fn name(&self) -> &str {
        match self.found() {
            Found::Prepared(prepared) => prepared.0.name(),
            Found::Operation(operation) => operation.name(),
        }
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        if key == MESSAGING_DESTINATION_PARTITION_ID.name() {
            return self.partition.map(ValueRef::Str);
        }
        match self.found() {
            Found::Prepared(prepared) => prepared.0.attributes().get(key),
            Found::Operation(operation) => operation.get(key),
        }
    }
}

impl<'a, P, O> Begin for At<'a, P, O>
where
    P: Fn() -> Option<&'a Prepared>,
    O: Fn() -> Operation<'a>,
{
    #[inline]
    fn start(&self) -> Option<Timestamp> {
        self.start
    }

    #[inline]
    fn describe(&self, queue: &QueueTracer, span: &mut SpanWriter<'_>) {
        match self.found() {
            Found::Prepared(prepared) => span.use_template(&prepared.0),
            Found::Operation(operation) => Begin::describe(operation, queue, span),
        }
        if let Some(partition) = self.partition {
            span.set_new(MESSAGING_DESTINATION_PARTITION_ID, partition);
        }
    }
}
