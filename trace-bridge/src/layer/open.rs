//! The spans that are open, by the number that `tracing` knows them by.
//!
//! Not an extension of the registry's spans: those are boxed one by one, behind a lock that other layers hold while they format fields. This
//! table is asked for a few words at a time and runs nobody's code under its locks.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::span::Id;
use tracing_core_ctx::{ActiveSpan, Context, Timestamp};

use super::timings::Timings;

/// So many that two threads seldom meet at one, nor two open spans.
const PLACES: usize = 256;

pub(super) struct OpenSpans {
    places: [Place; PLACES],
}

/// The number of a span that never [sits](OpenSpans::insert).
pub(super) const NEVER_SEATED: u64 = u64::MAX;

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

/// A seat for one span, which is found without a table, and room for others. On cache lines of its own.
///
/// The seat changes hands under the lock, but for one case: a thread that has left it may [sit down again](OpenSpans::sit_again) with its next span, to which
/// the same belongs. What lies on the seat stays there meanwhile.
#[derive(Default)]
#[repr(align(128))]
struct Place {
    /// The number of the span that has the seat, or had it last; zero, which is nobody's, where nothing lies on it.
    seated: AtomicU64,
    /// How many open spans of this place were [left](Open::Recording::left) in use.
    in_use: AtomicUsize,
    /// The number of the last one that left it without the lock. If that is who is seated, the seat is free.
    left: AtomicU64,
    spans: Mutex<Spans>,
}

#[derive(Default)]
struct Spans {
    seated: Option<Open>,
    others: HashMap<u64, Open, BuildHasherDefault<Spread>>,
}

/// What is known about an open span.
pub(super) enum Open {
    /// It does not record, and carries the context in which it was made.
    Passing(Context),
    Recording {
        active: ActiveSpan,
        /// What was current where it was made, to be counted: who has made that current sees that spans below are open.
        _above: Context,
        /// When it was left last, if somebody else had its context then.
        left: Option<Timestamp>,
        /// Only where they are wanted.
        timings: Option<Box<Timings>>,
    },
}

impl Open {
    const fn was_left_in_use(&self) -> bool {
        matches!(self, Self::Recording { left: Some(_), .. })
    }

    #[inline]
    pub(super) const fn context(&self) -> &Context {
        match self {
            Self::Passing(context) => context,
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

    /// Says whether the span has got the seat of its place.
    #[inline]
    pub(super) fn insert(&self, id: &Id, open: Open) -> bool {
        let id = id.into_u64();
        let place = self.place(id);
        let mut spans = place.lock();
        let sits = place.take_seat(id);
        // Of one who left, or of a subscriber that gives a number away twice.
        let before = if sits {
            let other = spans.remove_other(id);
            spans.seated.replace(open).or(other)
        } else {
            spans.others.insert(id, open)
        };
        place.forget_left(before.as_ref());
        drop(spans);
        drop(before);
        sits
    }

    /// Whether a span has got the seat that another one of the same thread has [left](Self::leave_seat), and what lies there.
    #[inline]
    pub(super) fn sit_again(&self, before: u64, id: &Id) -> bool {
        let id = id.into_u64();
        let seated = &self.place(id).seated;
        before != id
            && seated
                .compare_exchange(before, id, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    /// Leaves the seat to the next one, together with what lies on it.
    #[inline]
    pub(super) fn leave_seat(&self, id: &Id) {
        let id = id.into_u64();
        self.place(id).left.store(id, Ordering::Release);
    }

    /// The context of a span.
    #[inline]
    pub(super) fn context(&self, id: &Id) -> Option<Context> {
        self.look(id, |open| open.context().clone())
    }

    /// The context of a span that records.
    pub(super) fn recorded(&self, id: &Id) -> Option<Context> {
        let context = |open: &Open| match open {
            Open::Passing(_) => None,
            Open::Recording { active, .. } => Some(active.context().clone()),
        };
        self.look(id, context).flatten()
    }

    /// Shows `look` what is known about a span. It runs under the lock.
    #[inline(always)]
    pub(super) fn look<R>(&self, id: &Id, look: impl FnOnce(&Open) -> R) -> Option<R> {
        let id = id.into_u64();
        let place = self.place(id);
        let spans = place.lock();
        let open = if place.is_seated(id) {
            spans.seated.as_ref()
        } else {
            spans.other(id)
        };
        open.map(look)
    }

    /// Lets `change` at the timings of a span. It runs under the lock.
    pub(super) fn time(&self, id: &Id, change: impl FnOnce(&mut Timings)) {
        let place = self.place(id.into_u64());
        let mut spans = place.lock();
        if let Some(Open::Recording { timings, .. }) = place.find(&mut spans, id.into_u64())
            && let Some(timings) = timings.as_deref_mut()
        {
            change(timings);
        }
    }

    /// Remembers when a span was left that others use; `None` if none do.
    #[cold]
    pub(super) fn leave(&self, id: &Id, time: Option<Timestamp>) {
        let place = self.place(id.into_u64());
        let mut spans = place.lock();
        if let Some(Open::Recording { left, .. }) = place.find(&mut spans, id.into_u64()) {
            match (&left, time) {
                (None, Some(_)) => place.in_use.fetch_add(1, Ordering::Relaxed),
                (Some(_), None) => place.in_use.fetch_sub(1, Ordering::Relaxed),
                (None, None) | (Some(_), Some(_)) => 0,
            };
            *left = time;
        }
    }

    /// Whether the span may be one of those that were [left](Self::leave) in use.
    #[inline]
    pub(super) fn may_be_in_use(&self, id: &Id) -> bool {
        self.place(id.into_u64()).in_use.load(Ordering::Relaxed) != 0
    }

    #[inline]
    pub(super) fn remove(&self, id: &Id) -> Option<Open> {
        let id = id.into_u64();
        let place = self.place(id);
        let mut spans = place.lock();
        let open = if place.is_seated(id) {
            place.seated.store(0, Ordering::Release);
            spans.seated.take()
        } else {
            spans.remove_other(id)
        };
        place.forget_left(open.as_ref());
        open
    }

    #[inline]
    fn place(&self, id: u64) -> &Place {
        &self.places[usize::from(place_of(id))]
    }
}

impl Place {
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<'a>(&self, spans: &'a mut Spans, id: u64) -> Option<&'a mut Open> {
        if self.is_seated(id) {
            spans.seated.as_mut()
        } else {
            spans.others.get_mut(&id)
        }
    }

    /// Of one that is open no more.
    #[inline]
    fn forget_left(&self, open: Option<&Open>) {
        if open.is_some_and(Open::was_left_in_use) {
            self.in_use.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether the seat is that of an open span. Under the lock.
    #[inline]
    fn is_seated(&self, id: u64) -> bool {
        self.seated.load(Ordering::Acquire) == id && self.left.load(Ordering::Acquire) != id
    }

    /// Takes the seat if it is free. Under the lock, so that only the thread that left it may come before.
    #[inline]
    fn take_seat(&self, id: u64) -> bool {
        let seated = self.seated.load(Ordering::Acquire);
        let is_free = seated == 0 || seated == id || self.left.load(Ordering::Acquire) == seated;
        let sits = is_free
            && id != NEVER_SEATED
            && self
                .seated
                .compare_exchange(seated, id, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if sits {
            self.left.store(0, Ordering::Release);
        }
        sits
    }
}

impl Spans {
    #[cold]
    fn other(&self, id: u64) -> Option<&Open> {
        self.others.get(&id)
    }

    #[inline]
    fn remove_other(&mut self, id: u64) -> Option<Open> {
        if self.others.is_empty() {
            return None;
        }
        self.take_other(id)
    }

    #[cold]
    fn take_other(&mut self, id: u64) -> Option<Open> {
        self.others.remove(&id)
    }
}

/// Where a number belongs. The registry counts up for each thread, which it tells in the bits from 38 on, and uses its numbers again with other bits
/// from 51 on: those belong where they belonged before, which a thread then has at hand. Eight places for each thread, and then those of the next one.
#[inline]
const fn place_of(id: u64) -> u8 {
    let [place, ..] = (id ^ (id >> 35)).to_le_bytes();
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
        Open::Passing(context.clone())
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
    fn a_seat_that_was_left_is_taken_again_by_the_next_span_and_nobody_finds_the_last_one() {
        let spans = OpenSpans::new();
        let context = Context::new().suppressed();
        let [first, next, last] = [1, 1 | 1 << 51, 1 | 2 << 51].map(Id::from_u64);
        assert!(spans.insert(&first, open(&context)));
        spans.leave_seat(&first);
        assert!(spans.context(&first).is_none());
        assert!(spans.remove(&first).is_none());
        assert!(!spans.sit_again(first.into_u64(), &first), "the same one");
        assert!(spans.sit_again(first.into_u64(), &next));
        assert!(
            spans
                .context(&next)
                .is_some_and(|found| found.identity() == context.identity())
        );
        assert!(!spans.sit_again(first.into_u64(), &last), "it is taken");
        assert!(spans.remove(&next).is_some());
        assert!(
            !spans.sit_again(next.into_u64(), &last),
            "nothing lies there"
        );
    }

    #[test]
    fn a_seat_that_was_left_is_free_for_others_and_one_that_was_not_is_not() {
        let spans = OpenSpans::new();
        let [one, next, other] = [1, 1 | 1 << 51, 1 | 2 << 51].map(Id::from_u64);
        let others = Context::new().suppressed();
        let is_others = |id: &Id| spans.context(id).map(|found| found.is_suppressed());
        spans.insert(&one, open(&Context::new()));
        assert!(!spans.insert(&other, open(&others)));
        assert_eq!(is_others(&other), Some(true));
        assert!(spans.remove(&other).is_some());
        spans.leave_seat(&one);
        assert!(spans.insert(&other, open(&others)));
        assert!(!spans.sit_again(one.into_u64(), &next));
        assert_eq!(is_others(&other), Some(true));
        assert!(spans.remove(&other).is_some());
        // Thousands of spans later the number comes again.
        assert!(spans.insert(&one, open(&Context::new())));
        assert!(!spans.insert(&other, open(&others)));
        assert_eq!(is_others(&one), Some(false));
    }

    #[test]
    fn who_sits_down_again_and_who_takes_the_seat_never_both_have_it() {
        let spans = OpenSpans::new();
        // Two threads whose spans belong to the same place. Each looks for what it has put there.
        let work = |thread: u64| {
            let mine = Context::new().suppressed();
            let mut left = NEVER_SEATED;
            for number in 0..20_000 {
                let id = Id::from_u64(1 | thread << 48 | number << 51 | (number >> 13) << 16);
                let sits = spans.sit_again(left, &id) || spans.insert(&id, open(&mine));
                let found = spans.context(&id).map(|found| found.identity());
                assert_eq!(found, Some(mine.identity()), "{number} of {thread}");
                left = NEVER_SEATED;
                if sits && number % 3 != 0 {
                    spans.leave_seat(&id);
                    left = id.into_u64();
                } else {
                    assert!(spans.remove(&id).is_some(), "{number} of {thread}");
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| work(0));
            scope.spawn(|| work(1));
        });
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
