use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::{SpanRecord, SpanSink};

use crate::BATCH;

/// Takes spans as a pipeline does: the thread that ends a span hands it over, and pays for no more. They are counted and freed when the
/// batch is over.
#[derive(Debug)]
pub struct Collected {
    state: Mutex<State>,
}

#[derive(Debug)]
#[expect(
    clippy::vec_box,
    reason = "spans come boxed, and are freed as they come"
)]
struct State {
    spans: Vec<Box<SpanRecord>>,
    settled: u64,
}

impl Collected {
    /// Room for a batch: handing a span over takes no memory.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                spans: Vec::with_capacity(BATCH),
                settled: 0,
            }),
        }
    }

    /// Counts and frees what has arrived, and shows each span to `look`.
    pub fn settle(&self, mut look: impl FnMut(&SpanRecord)) {
        let mut state = self.state();
        for span in &state.spans {
            look(span);
        }
        state.settled += state.spans.len() as u64;
        state.spans.clear();
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.state().settled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Collected {
    fn default() -> Self {
        Self::new()
    }
}

impl SpanSink for Collected {
    fn submit(&self, span: Box<SpanRecord>) {
        self.state().spans.push(span);
    }
}
