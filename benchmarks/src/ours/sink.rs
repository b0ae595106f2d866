use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tracing_core_ctx::{SpanRecord, SpanSink};

use crate::Delivery;

/// More than a batch of any case.
const ROOM: usize = 1024;

/// Takes spans as a pipeline does: the thread that ends a span hands it over and pays for no more. When a batch is over the spans are
/// counted, and freed by another thread; what they held does not come back to the thread that made them.
#[derive(Debug)]
pub struct Collected {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    spans: Spans,
    settled: u64,
    to_be_freed: SyncSender<Spans>,
    emptied: Receiver<Spans>,
}

type Spans = Vec<SpanRecord>;

impl Collected {
    /// Room for any batch: handing a span over takes no memory.
    #[must_use]
    pub fn new() -> Self {
        let (to_be_freed, full) = sync_channel::<Spans>(1);
        let (back, emptied) = sync_channel(1);
        // Ends with the sink, whose sender is the only one.
        thread::spawn(move || {
            for mut spans in full {
                spans.clear();
                if back.send(spans).is_err() {
                    return;
                }
            }
        });
        Self {
            state: Mutex::new(State {
                spans: Vec::with_capacity(ROOM),
                settled: 0,
                to_be_freed,
                emptied,
            }),
        }
    }

    /// Shows each span that has arrived to `look`, counts it, and has it freed.
    pub fn show(&self, mut look: impl FnMut(&SpanRecord)) {
        let mut state = self.state();
        for span in &state.spans {
            look(span);
        }
        state.settled += state.spans.len() as u64;
        let spans = std::mem::take(&mut state.spans);
        if state.to_be_freed.send(spans).is_ok()
            && let Ok(emptied) = state.emptied.recv()
        {
            state.spans = emptied;
        }
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
    fn submit(&self, span: SpanRecord) {
        self.state().spans.push(span);
    }
}

impl Delivery for Arc<Collected> {
    fn settle(&self) {
        self.show(|_| {});
    }

    fn flush(&self) {}

    fn delivered(&self) -> u64 {
        self.state().settled
    }
}
