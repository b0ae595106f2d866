use std::sync::Mutex;

use super::{Event, Link, SpanKind, Status};
use crate::attribute::Attributes;
use crate::pool::{Pool, Shelf, Spare};
use crate::{InstrumentationScope, SpanContext, SpanId, Timestamp, TraceFlags, TraceId};

/// What a running span has recorded so far, in memory that is used again by a later one.
///
/// What is asked first of a span that has ended, by threads that have not seen it yet, lies side by side; then comes what all spans have.
#[derive(Clone)]
#[repr(C)]
pub(crate) struct Recording {
    pub(crate) span_context: SpanContext,
    /// The uppermost span of this process above it, or itself.
    pub(crate) local_root: SpanId,
    /// What it held when it ended; 0 before.
    weight: u32,
    /// Whether it has failed, as its status said when it ended.
    failed: bool,
    pub(crate) kind: SpanKind,
    pub(crate) parent_is_remote: bool,
    pub(crate) scope: &'static InstrumentationScope,

    pub(crate) attributes: Attributes,
    pub(crate) status: Status,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) parent: Option<SpanId>,
    pub(crate) dropped_events: u32,
    pub(crate) dropped_links: u32,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

/// Room for what an HTTP span records, so that it grows nothing while it runs.
const ATTRIBUTES: usize = 16;
const TEXT: usize = 192;

/// A recording that has become larger than this is given back to the allocator: the pool holds what most spans need.
const POOLED_BYTES: usize = 4096;

thread_local! {
    static SHELF: Shelf<Box<Recording>> = const { Shelf::new() };
}
static SPARE: Spare<Box<Recording>> = Mutex::new(Vec::new());
static POOL: Pool<Box<Recording>> = Pool {
    shelf: &SHELF,
    spare: &SPARE,
};

static NO_SCOPE: InstrumentationScope = InstrumentationScope::new("", "");

impl Recording {
    /// Of no span yet.
    pub(crate) const EMPTY: Self = Self {
        span_context: SpanContext::new(TraceId::ONE, SpanId::ONE, TraceFlags::NONE),
        parent: None,
        parent_is_remote: false,
        local_root: SpanId::ONE,
        kind: SpanKind::Internal,
        start: Timestamp::from_unix_nanos(0),
        end: Timestamp::from_unix_nanos(0),
        status: Status::Unset,
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        dropped_events: 0,
        dropped_links: 0,
        scope: &NO_SCOPE,
        weight: 0,
        failed: false,
    };

    /// An empty one, with the memory of an earlier span where there is some.
    #[inline]
    pub(crate) fn take() -> Box<Self> {
        POOL.take_or(Self::allocate)
    }

    fn allocate() -> Box<Self> {
        let mut new = Box::new(Self::EMPTY);
        new.attributes.reserve(ATTRIBUTES, TEXT);
        new
    }

    /// Gives back what a span was given that does not record.
    #[inline]
    pub(crate) fn give_back_given(given: Option<Box<Self>>) {
        if let Some(given) = given {
            given.give_back();
        }
    }

    /// Gives the memory to the spans that come.
    pub(crate) fn give_back(mut self: Box<Self>) {
        let weight = match std::mem::take(&mut self.weight) {
            0 => self.measure(),
            known => known as usize,
        };
        if weight > POOLED_BYTES {
            return;
        }
        self.span_context = Self::EMPTY.span_context;
        self.parent = None;
        self.parent_is_remote = false;
        self.status = Status::Unset;
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
        self.dropped_events = 0;
        self.dropped_links = 0;
        POOL.give(self);
    }

    /// Bytes of memory that it held when it was [weighed](Self::weigh), roughly. Who has many of them asks often, and in the end there is nothing to
    /// add up: that would be a look at all parts of a span that another processor has written.
    #[inline]
    pub(crate) const fn weight(&self) -> usize {
        self.weight as usize
    }

    /// Whether it had failed when it was weighed.
    #[inline]
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Adds up what it holds, at its end.
    #[inline]
    pub(crate) fn weigh(&mut self) {
        self.weight = u32::try_from(self.measure()).unwrap_or(u32::MAX);
        self.failed = self.status.is_error();
    }

    #[inline]
    fn measure(&self) -> usize {
        // Also what lies elsewhere, or is shared: it goes out with each span.
        let weight = size_of::<Self>()
            + self.attributes.weight()
            + self.span_context.trace_state().as_bytes().len()
            + self.status.description().len();
        // Most spans have neither.
        if self.events.capacity() == 0 && self.links.capacity() == 0 {
            return weight;
        }
        weight + self.weight_of_lists()
    }

    fn weight_of_lists(&self) -> usize {
        let events: usize = self
            .events
            .iter()
            .map(|event| event.name.len() + event.attributes.weight())
            .sum();
        let links: usize = self
            .links
            .iter()
            .map(|link| {
                let trace_state = link.span_context.trace_state();
                link.attributes.weight() + trace_state.as_bytes().len()
            })
            .sum();
        self.events.capacity() * size_of::<Event>()
            + self.links.capacity() * size_of::<Link>()
            + events
            + links
    }
}
