//! What is decided leaves.

use tracing_core_ctx::SpanRecord;

use super::Stage;

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

    /// Whether what is ready takes the room of what waits: then it is better lost where it can be counted.
    pub(crate) fn is_clogged(&self) -> bool {
        self.ready.bytes() > self.tail.bytes / 2
    }
}
