//! What is written on spans that are kept.

use std::borrow::Cow;

use tracing_core_ctx::sampler::threshold::{self, Threshold};
use tracing_core_ctx::{SpanRecord, TraceState, semconv};

use super::local::Weight;

/// Writes on spans that they are kept, with which weight and why.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    /// The last state that was stamped, with which weight, and what became of it: most spans of a trace share one, and so do most traces.
    last: Option<(Weight, TraceState, Stamped)>,
    /// So many spans have it.
    used: usize,
}

/// What becomes of a state.
#[derive(Clone, Debug)]
enum Stamped {
    Same,
    Other(TraceState),
}

/// So many spans share one state. They are freed by another thread: to share it with those that are being freed would send the number of
/// its owners from processor to processor with each span.
const SHARED: usize = 64;

impl Stamp {
    pub(super) fn put(
        &mut self,
        span: &mut SpanRecord,
        weight: Weight,
        reason: Option<&Cow<'static, str>>,
        is_partial: bool,
    ) {
        let cx = span.span_context();
        let was_sampled = cx.is_sampled();
        match self.stamped(cx.trace_state(), weight) {
            Stamped::Other(state) => {
                let state = state.clone();
                span.set_sampled(state);
            }
            Stamped::Same if was_sampled => {}
            Stamped::Same => {
                let state = cx.trace_state().clone();
                span.set_sampled(state);
            }
        }
        // What the head has kept for a reason of its own keeps that.
        let has_reason = || {
            let key = semconv::CTX_SAMPLING_REASON.name();
            was_sampled && span.attributes().get(key).is_some()
        };
        if let Some(reason) = reason
            && !has_reason()
        {
            span.set(semconv::CTX_SAMPLING_REASON, &**reason);
        }
        if is_partial {
            span.set(semconv::CTX_SAMPLING_PARTIAL, true);
        }
    }

    fn stamped(&mut self, state: &TraceState, weight: Weight) -> &Stamped {
        self.used += 1;
        let is_known = match &self.last {
            Some((known, before, _)) => *known == weight && before == state,
            None => false,
        };
        if !is_known || self.used >= SHARED {
            self.used = 0;
            self.last = None;
        }
        let new = || {
            let stamped = become_of(state, weight);
            let stamped = if is_known { stamped.again() } else { stamped };
            (weight, state.clone(), stamped)
        };
        &self.last.get_or_insert_with(new).2
    }
}

impl Stamped {
    /// What has come often is read as if it came from somewhere: then those who have it are not counted any more after a while.
    fn again(self) -> Self {
        match self {
            Self::Other(state) => Self::Other(state.as_str().parse().unwrap_or(state)),
            Self::Same => Self::Same,
        }
    }
}

fn become_of(state: &TraceState, weight: Weight) -> Stamped {
    match weight.and_then(Threshold::from_bits) {
        Some(threshold) if Threshold::of(state) == Some(threshold) => Stamped::Same,
        Some(threshold) => Stamped::Other(threshold.stamp(state)),
        None => threshold::erase(state).map_or(Stamped::Same, Stamped::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_spans::spans;

    #[test]
    fn every_span_says_its_own_threshold_however_often_the_last_one_came() {
        const HALF: u64 = 1 << 55;
        // Longer than it takes until nobody counts who has the state.
        const TIMES: usize = 300 * SHARED;

        let mut stamp = Stamp::default();
        let mut kept = spans(3);
        for (weight, state) in [(0, "ot=th:0"), (HALF, "ot=th:8"), (0, "ot=th:0")] {
            for time in 0..TIMES {
                let span = &mut kept[time % 3];
                span.set_sampled(TraceState::EMPTY);
                stamp.put(span, Some(weight), None, false);
                assert_eq!(span.span_context().trace_state().as_str(), state);
            }
        }
        // And what other systems say beside it.
        let mut span = kept.remove(0);
        span.set_sampled("rojo=1".parse().unwrap());
        stamp.put(&mut span, Some(HALF), None, false);
        assert_eq!(span.span_context().trace_state().as_str(), "ot=th:8,rojo=1");
    }
}
