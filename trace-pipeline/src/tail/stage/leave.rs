//! What is decided leaves.

use tracing_core_ctx::SpanRecord;

use super::room::HIGHEST_FLOOR;
use super::{ALL, Stage};

impl Stage {
    pub(super) fn pass_on(&mut self, span: SpanRecord) {
        self.held += self.ready.push(span);
    }

    /// The next spans that leave, as many as `fit` says can, and what they weigh together: see `Ready::take`.
    pub(crate) fn next(
        &mut self,
        fit: impl Fn(usize, usize) -> bool,
    ) -> (impl ExactSizeIterator<Item = SpanRecord> + '_, usize) {
        let (spans, weight, held) = self.ready.take(fit);
        self.held -= held;
        (spans, weight)
    }

    /// How many spans can leave.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The threshold for what is decided while more is kept than can leave: from a quarter of the room for what is ready on, the less is kept the less of it is left.
    pub(crate) fn backlog(&self) -> u64 {
        /// So that it has three digits.
        const STEP: u64 = ALL >> 12;

        let (room, used) = (self.tail.bytes as u64 / 2, self.ready.bytes() as u64);
        if used <= room / 4 {
            return 0;
        }
        let left = room.saturating_sub(used);
        let kept = ALL / room * (left + left / 3);
        (ALL.saturating_sub(kept) / STEP * STEP).min(HIGHEST_FLOOR)
    }

    /// Whether what is ready takes the room of what waits: then it is better lost where it can be counted.
    pub(crate) fn is_clogged(&self) -> bool {
        self.ready.bytes() > self.tail.bytes / 2
    }
}
