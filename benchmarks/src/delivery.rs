use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The far end of a way of tracing, where spans arrive and are counted.
pub trait Delivery {
    /// After each batch. Most have nothing to do.
    fn settle(&self) {}

    /// Sends what has ended until now, and waits for it.
    fn flush(&self);

    /// Spans that have arrived, up to the last [`flush`](Self::flush).
    fn delivered(&self) -> u64;
}

/// Counts what an exporter is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(crate) fn add(&self, spans: usize) {
        self.0.fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
