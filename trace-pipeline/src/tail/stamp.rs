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
            Some((known, before, _)) => self.used < SHARED && *known == weight && before == state,
            None => false,
        };
        if !is_known {
            self.used = 0;
            self.last = None;
        }
        let new = || (weight, state.clone(), become_of(state, weight));
        &self.last.get_or_insert_with(new).2
    }
}

fn become_of(state: &TraceState, weight: Weight) -> Stamped {
    match weight.and_then(Threshold::from_bits) {
        Some(threshold) if Threshold::of(state) == Some(threshold) => Stamped::Same,
        Some(threshold) => Stamped::Other(threshold.stamp(state)),
        None => threshold::erase(state).map_or(Stamped::Same, Stamped::Other),
    }
}
