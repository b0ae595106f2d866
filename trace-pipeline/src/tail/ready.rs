use std::collections::VecDeque;

use tracing_core_ctx::SpanRecord;

use super::local::{OF_LIST, weight};

/// Spans that are decided and leave as soon as there is room where they go.
#[derive(Debug, Default)]
pub(super) struct Ready {
    spans: VecDeque<SpanRecord>,
    bytes: usize,
}

impl Ready {
    /// Says what the span holds here.
    pub(super) fn push(&mut self, span: SpanRecord) -> usize {
        let bytes = weight(&span);
        self.bytes += bytes;
        self.spans.push_back(span);
        bytes
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The oldest spans, as many as `fit` says can leave, which is asked with how many there would be and what they would weigh. With them what
    /// they do weigh, and what is held no more.
    pub(super) fn take(
        &mut self,
        fit: impl Fn(usize, usize) -> bool,
    ) -> (impl ExactSizeIterator<Item = SpanRecord> + '_, usize, usize) {
        let (mut count, mut weight) = (0, 0);
        for span in &self.spans {
            let more = weight + span.weight();
            if !fit(count + 1, more) {
                break;
            }
            (count, weight) = (count + 1, more);
        }
        let held = weight + count * OF_LIST;
        self.bytes -= held;
        (self.spans.drain(..count), weight, held)
    }
}
