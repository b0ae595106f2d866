use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::load::count_spans;

/// Where the bytes of requests end that are not sent: they are counted, and their spans, from the bytes themselves.
///
/// It takes each message as the receiver's process does, so that both have to have written what they say.
#[derive(Clone, Debug, Default)]
pub(super) struct Nowhere(Arc<Taken>);

#[derive(Debug, Default)]
struct Taken {
    spans: AtomicU64,
    bytes: AtomicU64,
}

impl Nowhere {
    pub(super) fn take(&self, message: &[u8]) -> Result<(), &'static str> {
        let spans = count_spans(message).ok_or("not a request")?;
        self.0.spans.fetch_add(spans, Ordering::Relaxed);
        self.0
            .bytes
            .fetch_add(message.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The spans and the bytes of all messages.
    pub(super) fn taken(&self) -> (u64, u64) {
        let Taken { spans, bytes } = &*self.0;
        (spans.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }
}
