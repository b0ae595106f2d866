//! The spans that are open, by the number that `tracing` knows them by.
//!
//! Not an extension of the registry's spans: those are boxed one by one, behind a lock that other layers hold while they format fields. This
//! table is asked for a few words at a time and runs nobody's code under its locks.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::span::Id;
use tracing_core_ctx::{ActiveSpan, Context};

use super::timings::Timings;

/// As many threads seldom meet at one shard.
const SHARDS: usize = 32;

pub(super) struct OpenSpans {
    shards: [Shard; SHARDS],
}

/// The spans of a layer, for others.
#[derive(Clone)]
pub(crate) struct SpansOf(pub(super) Arc<OpenSpans>);

impl SpansOf {
    pub(crate) fn context(&self, id: &Id) -> Option<Context> {
        self.0.context(id)
    }
}

impl fmt::Debug for SpansOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpansOf").finish_non_exhaustive()
    }
}

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Table>);

type Table = HashMap<u64, Open, BuildHasherDefault<Spread>>;

/// What is known about an open span.
pub(super) struct Open {
    pub(super) active: ActiveSpan,
    /// Only where they are wanted.
    pub(super) timings: Option<Box<Timings>>,
}

impl OpenSpans {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
        }
    }

    #[inline]
    pub(super) fn insert(&self, id: &Id, open: Open) {
        let before = self.shard(id).insert(id.into_u64(), open);
        // Dropped behind the lock. There is none unless a subscriber gives a number away twice.
        drop(before);
    }

    /// The context of a span.
    #[inline]
    pub(super) fn context(&self, id: &Id) -> Option<Context> {
        let shard = self.shard(id);
        let open = shard.get(&id.into_u64())?;
        Some(open.active.context().clone())
    }

    /// The context of a span that records.
    pub(super) fn recorded(&self, id: &Id) -> Option<Context> {
        let shard = self.shard(id);
        let open = shard.get(&id.into_u64())?;
        open.active.is_open().then(|| open.active.context().clone())
    }

    /// Lets `change` at the timings of a span. It runs under the lock.
    pub(super) fn time(&self, id: &Id, change: impl FnOnce(&mut Timings)) {
        if let Some(open) = self.shard(id).get_mut(&id.into_u64())
            && let Some(timings) = open.timings.as_deref_mut()
        {
            change(timings);
        }
    }

    #[inline]
    pub(super) fn remove(&self, id: &Id) -> Option<Open> {
        self.shard(id).remove(&id.into_u64())
    }

    #[inline]
    fn shard(&self, id: &Id) -> MutexGuard<'_, Table> {
        let hash = spread(id.into_u64());
        // Other bits than those that the table goes by.
        let Shard(shard) = &self.shards[usize::from(hash.to_le_bytes()[4]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of spans are small and close to each other; tables look at the lowest and the highest bits.
#[inline]
const fn spread(number: u64) -> u64 {
    let product = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// The hash of a number.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = spread(self.0 ^ u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = spread(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_there_until_it_is_taken_out() {
        let spans = OpenSpans::new();
        let ids: Vec<Id> = (1..=1_000).map(Id::from_u64).collect();
        for id in &ids {
            let open = Open {
                active: ActiveSpan::passing(Context::new()),
                timings: None,
            };
            spans.insert(id, open);
        }
        for id in &ids {
            assert!(spans.context(id).is_some());
            assert!(spans.recorded(id).is_none());
            assert!(spans.remove(id).is_some());
            assert!(spans.remove(id).is_none());
        }
    }

    #[test]
    fn neighbours_go_to_different_shards() {
        let shards: std::collections::BTreeSet<u8> = (1..=64)
            .map(|number| spread(number).to_le_bytes()[4] % 32)
            .collect();
        assert!(shards.len() > SHARDS / 2, "{shards:?}");
    }
}
