use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_queue::ArrayQueue;
use tracing_core_ctx::SpanRecord;

/// The places of a queue, as many as there are spans at most.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each pipeline, and the larger one is what is mostly there"
)]
pub(super) enum Store {
    /// For many threads that may not wait for each other: each span by itself, which is an exchange between processors for whoever puts it in, and
    /// another for whoever takes it out.
    Shared(ArrayQueue<SpanRecord>),
    /// For one thread, which is no request's: spans change hands by handfuls, under a lock that is held for as long as it takes to move their pointers.
    Handed(Mutex<VecDeque<SpanRecord>>),
}

impl Store {
    pub(super) fn shared(places: usize) -> Self {
        Self::Shared(ArrayQueue::new(places))
    }

    pub(super) fn handed(places: usize) -> Self {
        Self::Handed(Mutex::new(VecDeque::with_capacity(places)))
    }

    /// Gives the span back where there is no place.
    pub(super) fn push(&self, places: usize, span: SpanRecord) -> Result<(), SpanRecord> {
        match self {
            Self::Shared(queue) => queue.push(span),
            Self::Handed(list) => {
                let mut list = lock(list);
                if list.len() >= places {
                    return Err(span);
                }
                list.push_back(span);
                Ok(())
            }
        }
    }

    /// Puts in as many as there are places for, and `refused` the others.
    pub(super) fn push_all(
        &self,
        places: usize,
        mut spans: impl Iterator<Item = SpanRecord>,
        refused: impl FnMut(SpanRecord),
    ) {
        match self {
            Self::Shared(queue) => spans
                .filter_map(|span| queue.push(span).err())
                .for_each(refused),
            Self::Handed(list) => {
                let mut list = lock(list);
                let free = places.saturating_sub(list.len());
                list.extend(spans.by_ref().take(free));
                drop(list);
                spans.for_each(refused);
            }
        }
    }

    pub(super) fn pop(&self) -> Option<SpanRecord> {
        match self {
            Self::Shared(queue) => queue.pop(),
            Self::Handed(list) => lock(list).pop_front(),
        }
    }

    /// Takes the oldest out, at most so many.
    pub(super) fn pop_into(&self, spans: &mut Vec<SpanRecord>, most: usize) {
        match self {
            Self::Shared(queue) => spans.extend(std::iter::from_fn(|| queue.pop()).take(most)),
            Self::Handed(list) => {
                let mut list = lock(list);
                let count = most.min(list.len());
                spans.extend(list.drain(..count));
            }
        }
    }
}

fn lock(list: &Mutex<VecDeque<SpanRecord>>) -> MutexGuard<'_, VecDeque<SpanRecord>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
