//! The spans of one local trace that wait for a decision.

use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use tracing_core_ctx::attribute::{Attributes, ValueRef};
use tracing_core_ctx::sampler::threshold::{self, Threshold};
use tracing_core_ctx::{SpanId, SpanRecord, TraceId, semconv};

use crate::sampling::Tail;

/// Which local trace: the trace, and the uppermost span of this process in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    trace: TraceId,
    root: SpanId,
}

impl Key {
    #[cfg(test)]
    pub(super) const fn new(trace: TraceId, root: SpanId) -> Self {
        Self { trace, root }
    }

    pub(super) fn of(span: &SpanRecord) -> Self {
        Self {
            trace: span.span_context().trace_id(),
            root: span.local_root(),
        }
    }

    /// A number that hardly another has, spread over all bits. It is not zero.
    ///
    /// Of the trace only what is added to the root: whoever chooses the one does not choose the other.
    pub(super) const fn mark(self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

        let trace = self.trace.randomness().wrapping_mul(ODD);
        let mixed = (self.root.to_u64() ^ trace.rotate_left(32)).wrapping_mul(ODD);
        match mixed ^ (mixed >> 32) {
            0 => 1,
            mark => mark,
        }
    }

    /// Whether `span` is the local root itself.
    pub(super) fn is_root(self, span: &SpanRecord) -> bool {
        span.span_context().span_id() == self.root
    }
}

/// By the id of the local root alone, which nobody from outside chooses.
impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.root.to_u64());
    }
}

/// Spreads ids, which are random or counted, over a table.
#[derive(Clone, Copy, Default)]
pub(super) struct Spread(u64);

pub(super) type ById = BuildHasherDefault<Spread>;

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        let mixed = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// The smallest randomness that a trace needs to be kept: a threshold as a number, which may also be one that nothing reaches.
/// `None`: nobody knows, so that a kept span has no weight.
pub(super) type Weight = Option<u64>;

/// What the root of a trace that somebody forced says as its reason.
const FORCED: &str = "forced";

/// What was decided about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Dropped,
    Kept(Weight),
}

impl Fate {
    /// What `span` says that the head decided.
    pub(super) fn of_head(span: &SpanRecord, randomness: u64) -> Self {
        let cx = span.span_context();
        if !cx.is_sampled() {
            return Self::Dropped;
        }
        // A threshold that the trace does not reach is not what it was kept with.
        let threshold = Threshold::of(cx.trace_state()).filter(|kept| kept.keeps(randomness));
        Self::Kept(threshold.map(Threshold::to_bits))
    }

    pub(super) const fn is_kept(self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// The same together with a rule that keeps traces of this randomness and more: kept by either of them.
    pub(super) fn or(self, threshold: u64, randomness: u64) -> Self {
        match self {
            Self::Dropped if randomness >= threshold => Self::Kept(Some(threshold)),
            Self::Dropped => Self::Dropped,
            Self::Kept(Some(kept)) => Self::Kept(Some(kept.min(threshold))),
            // Whoever keeps all has not left it to the unknown.
            Self::Kept(None) if threshold == 0 => Self::Kept(Some(0)),
            Self::Kept(None) => self,
        }
    }

    /// The same where only those of this randomness and more remain.
    pub(super) fn and(self, threshold: u64, randomness: u64) -> Self {
        match self {
            Self::Kept(kept) if randomness >= threshold => {
                Self::Kept(kept.map(|kept| kept.max(threshold)))
            }
            _ => Self::Dropped,
        }
    }
}

/// A local trace that waits.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) spans: Vec<SpanRecord>,
    /// What it holds, itself included.
    pub(super) bytes: usize,
    pub(super) since: Duration,
    pub(super) randomness: u64,
    /// What the head decided.
    pub(super) head: Fate,
    /// What was decided about earlier parts of it.
    pub(super) past: Option<Fate>,
    /// The highest threshold that a lack of room has set while it waited.
    pub(super) floor: u64,
    pub(super) root_has_ended: bool,
    /// Somebody forced it, as its root says, or is known from its start.
    pub(super) is_forced: bool,
}

/// What a waiting trace costs beside its spans: itself, its place in a table, and that it is remembered.
const OVERHEAD: usize = size_of::<Local>() + 3 * size_of::<Key>() + 64;

impl Local {
    /// `spans` is an empty list, which may have memory.
    pub(super) fn new(
        spans: Vec<SpanRecord>,
        first: &SpanRecord,
        since: Duration,
        floor: u64,
    ) -> Self {
        let cx = first.span_context();
        let randomness = threshold::randomness(cx.trace_state(), cx.trace_id());
        Self {
            spans,
            bytes: OVERHEAD,
            since,
            randomness,
            head: Fate::of_head(first, randomness),
            past: None,
            floor,
            root_has_ended: false,
            is_forced: false,
        }
    }

    pub(super) fn push(&mut self, key: Key, span: SpanRecord) {
        self.bytes += weight(&span);
        if key.is_root(&span) {
            self.root_has_ended = true;
            self.is_forced |= span.span_context().is_sampled() && is_forced(span.attributes());
            // With its root all of it is certain, also where spans below say nothing of that.
            let certain = Fate::Kept(Some(0));
            if self.head == Fate::Kept(None) && Fate::of_head(&span, self.randomness) == certain {
                self.head = certain;
            }
        }
        // A span that was sampled by itself says that its whole trace was.
        if !self.head.is_kept() {
            self.head = Fate::of_head(&span, self.randomness);
        }
        self.spans.push(span);
    }

    pub(super) fn root(&self, key: Key) -> Option<&SpanRecord> {
        if !self.root_has_ended {
            return None;
        }
        self.spans.iter().rev().find(|span| key.is_root(span))
    }
}

/// Whether a root that says this is one of a trace that somebody forced.
pub(super) fn is_forced(root: &Attributes) -> bool {
    let reason = root.get(semconv::CTX_SAMPLING_REASON.name());
    reason.and_then(ValueRef::as_str) == Some(FORCED)
}

/// Whether it leaves whatever rules and room say; `thins` if there are rules that take from what the head has kept.
pub(super) fn is_certain(local: &Local, thins: bool) -> bool {
    match local.past {
        Some(past) if past.is_kept() => true,
        Some(_) => local.is_forced,
        None => local.head.is_kept() && (!thins || local.is_forced),
    }
}

/// Whether it waits no longer: its root has ended, or it has become large.
pub(super) fn is_due(local: &Local, tail: &Tail) -> bool {
    let is_large = local.spans.len() >= tail.part_spans || local.bytes >= tail.bytes / 16;
    local.root_has_ended || is_large
}

/// A span's place in a list.
pub(super) const OF_LIST: usize = 2 * size_of::<SpanRecord>();

/// What a span holds while it waits, its place in a list included.
pub(super) fn weight(span: &SpanRecord) -> usize {
    span.weight() + OF_LIST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_either_of_two_keeps_has_the_lower_threshold() {
        let by_head = Fate::Kept(Some(100));
        // A rule that keeps all counts on the traces that the head had kept, too.
        assert_eq!(by_head.or(0, 120), Fate::Kept(Some(0)));
        assert_eq!(by_head.or(110, 120), Fate::Kept(Some(100)));
        assert_eq!(Fate::Dropped.or(50, 60), Fate::Kept(Some(50)));
        assert_eq!(Fate::Dropped.or(50, 49), Fate::Dropped);
    }

    #[test]
    fn an_unknown_probability_stays_unknown_unless_all_are_kept() {
        assert_eq!(Fate::Kept(None).or(50, 60), Fate::Kept(None));
        assert_eq!(Fate::Kept(None).or(0, 60), Fate::Kept(Some(0)));
        assert_eq!(Fate::Kept(None).and(50, 60), Fate::Kept(None));
    }

    #[test]
    fn what_both_of_two_keep_has_the_higher_threshold() {
        assert_eq!(Fate::Kept(Some(10)).and(50, 60), Fate::Kept(Some(50)));
        assert_eq!(Fate::Kept(Some(10)).and(50, 49), Fate::Dropped);
        assert_eq!(Fate::Dropped.and(0, 49), Fate::Dropped);
    }
}
