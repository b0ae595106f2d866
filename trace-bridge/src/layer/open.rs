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

use super::made::Maker;
use super::timings::Timings;

/// So many that two threads seldom meet at one, nor two open spans.
const PLACES: usize = 256;

pub(super) struct OpenSpans {
    places: [Place; PLACES],
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
struct Place(Mutex<Spans>);

/// Mostly one span at most, which is found without a table.
#[derive(Default)]
struct Spans {
    /// The number of the first; zero, which is nobody's, where there is none.
    id: u64,
    first: Option<Open>,
    others: HashMap<u64, Open, BuildHasherDefault<Spread>>,
}

/// What is known about an open span.
pub(super) enum Open {
    /// It does not record, and carries the context in which it was made.
    Passing { context: Context, maker: Maker },
    Recording {
        active: ActiveSpan,
        /// Only where they are wanted.
        timings: Option<Box<Timings>>,
    },
}

impl Open {
    #[inline]
    pub(super) const fn context(&self) -> &Context {
        match self {
            Self::Passing { context, .. } => context,
            Self::Recording { active, .. } => active.context(),
        }
    }
}

impl OpenSpans {
    pub(super) fn new() -> Self {
        Self {
            places: std::array::from_fn(|_| Place::default()),
        }
    }

    #[inline]
    pub(super) fn insert(&self, id: &Id, open: Open) {
        let id = id.into_u64();
        let mut spans = self.place(id);
        if spans.id == 0 && spans.others.is_empty() {
            spans.id = id;
            // There is none before: nothing is dropped.
            spans.first = Some(open);
        } else {
            let before = spans.insert_other(id, open);
            drop(spans);
            drop(before);
        }
    }

    /// The context of a span.
    #[inline]
    pub(super) fn context(&self, id: &Id) -> Option<Context> {
        self.look(id, |open| open.context().clone())
    }

    /// The context of a span that records.
    pub(super) fn recorded(&self, id: &Id) -> Option<Context> {
        let context = |open: &Open| match open {
            Open::Passing { .. } => None,
            Open::Recording { active, .. } => Some(active.context().clone()),
        };
        self.look(id, context).flatten()
    }

    /// Shows `look` what is known about a span. It runs under the lock.
    #[inline(always)]
    pub(super) fn look<R>(&self, id: &Id, look: impl FnOnce(&Open) -> R) -> Option<R> {
        let id = id.into_u64();
        let spans = self.place(id);
        let open = if spans.id == id {
            spans.first.as_ref()
        } else {
            spans.others.get(&id)
        };
        open.map(look)
    }

    /// Lets `change` at the timings of a span. It runs under the lock.
    pub(super) fn time(&self, id: &Id, change: impl FnOnce(&mut Timings)) {
        let id = id.into_u64();
        let mut spans = self.place(id);
        let open = if spans.id == id {
            spans.first.as_mut()
        } else {
            spans.others.get_mut(&id)
        };
        if let Some(Open::Recording { timings, .. }) = open
            && let Some(timings) = timings.as_deref_mut()
        {
            change(timings);
        }
    }

    #[inline]
    pub(super) fn remove(&self, id: &Id) -> Option<Open> {
        let id = id.into_u64();
        let mut spans = self.place(id);
        if spans.id == id {
            spans.id = 0;
            return spans.first.take();
        }
        spans.remove_other(id)
    }

    #[inline]
    fn place(&self, id: u64) -> MutexGuard<'_, Spans> {
        let Place(place) = &self.places[usize::from(place_of(id))];
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spans {
    /// Gives back what was there under this number: nothing, unless a subscriber gives a number away twice.
    #[cold]
    fn insert_other(&mut self, id: u64, open: Open) -> Option<Open> {
        let before = self.others.remove(&id);
        if self.id == id || self.id == 0 {
            self.id = id;
            return self.first.replace(open).or(before);
        }
        self.others.insert(id, open).or(before)
    }

    #[cold]
    fn remove_other(&mut self, id: u64) -> Option<Open> {
        self.others.remove(&id)
    }
}

/// Where a number belongs. The registry counts up for each thread, which it tells in the bits from 38 on, and uses its numbers again with other bits
/// from 51 on: those belong where they belonged before, which a thread then has at hand.
#[inline]
const fn place_of(id: u64) -> u8 {
    let [place, ..] = (id >> 38).wrapping_mul(37).wrapping_add(id).to_le_bytes();
    place
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a number. Tables look at the lowest and the highest bits.
#[derive(Default)]
struct Spread(u64);

const fn spread(number: u64) -> u64 {
    let product = number.wrapping_mul(FACTOR);
    product ^ (product >> 32)
}

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
    use std::collections::BTreeSet;

    use super::*;

    fn open(context: &Context) -> Open {
        Open::Passing {
            context: context.clone(),
            maker: Maker::NONE,
        }
    }

    #[test]
    fn what_is_put_in_is_there_until_it_is_taken_out() {
        let spans = OpenSpans::new();
        let ids: Vec<Id> = (1..=1_000).map(Id::from_u64).collect();
        for id in &ids {
            spans.insert(id, open(&Context::new()));
        }
        for id in &ids {
            assert!(spans.context(id).is_some());
            assert!(spans.recorded(id).is_none());
            assert!(spans.remove(id).is_some());
            assert!(spans.remove(id).is_none());
            assert!(spans.context(id).is_none());
        }
    }

    #[test]
    fn a_number_that_is_given_away_twice_is_the_later_ones() {
        let spans = OpenSpans::new();
        // More than there are places: some are the first of theirs, and some are not.
        for id in (1..=500).map(Id::from_u64) {
            spans.insert(&id, open(&Context::new()));
        }
        let context = Context::new().suppressed();
        for id in (1..=500).map(Id::from_u64) {
            spans.insert(&id, open(&context));
            assert!(
                spans
                    .remove(&id)
                    .is_some_and(|open| open.context().is_suppressed())
            );
            assert!(spans.remove(&id).is_none());
        }
    }

    #[test]
    fn neighbours_belong_to_different_places() {
        let places: BTreeSet<u8> = (1..=64).map(place_of).collect();
        assert!(places.len() > 48, "{places:?}");
    }

    #[test]
    fn threads_of_the_registry_belong_to_different_places() {
        let places: BTreeSet<u8> = (0..32).map(|thread| place_of(1 | thread << 38)).collect();
        assert!(places.len() > 24, "{places:?}");
    }

    #[test]
    fn a_number_that_is_used_again_belongs_where_it_belonged() {
        assert_eq!(place_of(7 | 1 << 51), place_of(7 | 2 << 51));
    }
}
