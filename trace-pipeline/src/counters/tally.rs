//! Numbers that every span adds to, on whatever thread, without an exchange between processors.
//!
//! A thread that adds has a place of its own, where nobody else writes: to add is to read, and to write. Who wants the sums adds up all places. A place
//! that a thread leaves, with what stands in it, is taken by a later one; threads for which there is none share one.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// More threads than most programs start spans on.
const PLACES: usize = 64;

/// How many spans have started, how many were handed over, and how many were not recorded.
pub(super) struct Tallies {
    places: [Place; PLACES],
    shared: Place,
}

/// On cache lines of its own.
#[repr(align(128))]
struct Place {
    started: AtomicU64,
    submitted: AtomicU64,
    not_recorded: AtomicU64,
    is_taken: AtomicBool,
}

/// A thread's right to write to a place.
struct Claim {
    tallies: Arc<Tallies>,
    place: usize,
}

thread_local! {
    /// One for each pipeline that it has made spans for: mostly one.
    static OWN: RefCell<Vec<Claim>> = const { RefCell::new(Vec::new()) };
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            places: [const { Place::new() }; PLACES],
            shared: Place::new(),
        }
    }
}

impl Place {
    const fn new() -> Self {
        Self {
            started: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
            not_recorded: AtomicU64::new(0),
            is_taken: AtomicBool::new(false),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Who comes next goes on from what this thread has written.
        self.tallies.places[self.place]
            .is_taken
            .store(false, Ordering::Release);
    }
}

impl Tallies {
    #[inline]
    pub(super) fn add_started(self: &Arc<Self>) {
        self.add(|place| &place.started);
    }

    #[inline]
    pub(super) fn add_submitted(self: &Arc<Self>) {
        self.add(|place| &place.submitted);
    }

    #[inline]
    pub(super) fn add_not_recorded(self: &Arc<Self>) {
        self.add(|place| &place.not_recorded);
    }

    #[inline]
    fn add(self: &Arc<Self>, number: impl Fn(&Place) -> &AtomicU64) {
        let is_counted = OWN.try_with(|own| {
            let own = own.try_borrow().ok()?;
            let is_ours = |claim: &&Claim| Arc::ptr_eq(&claim.tallies, self);
            let own = number(&self.places[own.iter().find(is_ours)?.place]);
            // Nobody else writes here.
            own.store(own.load(Ordering::Relaxed) + 1, Ordering::Release);
            Some(())
        });
        if !matches!(is_counted, Ok(Some(()))) {
            self.add_first(number);
        }
    }

    /// On a thread that has no place, and takes one if it can.
    #[cold]
    #[inline(never)]
    fn add_first(self: &Arc<Self>, number: impl Fn(&Place) -> &AtomicU64) {
        number(&self.shared).fetch_add(1, Ordering::Release);
        // A thread that ends has no memory of its own any more.
        let _ = OWN.try_with(|own| {
            let mut own = own.try_borrow_mut().ok()?;
            // Pipelines that nobody has any more.
            own.retain(|claim| Arc::strong_count(&claim.tallies) > 1);
            let is_free = |place: &Place| {
                let free = place.is_taken.compare_exchange(
                    false,
                    true,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                );
                free.is_ok()
            };
            let place = self.places.iter().position(is_free)?;
            own.push(Claim {
                tallies: Arc::clone(self),
                place,
            });
            Some(())
        });
    }

    /// How many were handed over, and then how many have started, which is not less.
    pub(super) fn sums(&self) -> (u64, u64) {
        let submitted = self.sum(|place| &place.submitted);
        (submitted, self.sum(|place| &place.started))
    }

    pub(super) fn not_recorded(&self) -> u64 {
        self.sum(|place| &place.not_recorded)
    }

    fn sum(&self, number: fn(&Place) -> &AtomicU64) -> u64 {
        let all = self.places.iter().chain([&self.shared]);
        all.map(|place| number(place).load(Ordering::Acquire)).sum()
    }
}

impl fmt::Debug for Tallies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (submitted, started) = self.sums();
        f.debug_struct("Tallies")
            .field("started", &started)
            .field("submitted", &submitted)
            .field("not_recorded", &self.not_recorded())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(tallies: &Arc<Tallies>, count: usize) {
        for _ in 0..count {
            tallies.add_started();
            tallies.add_submitted();
            tallies.add_not_recorded();
        }
    }

    #[test]
    fn threads_that_come_and_go_lose_nothing_however_many_they_are() {
        let (ours, other) = (Arc::<Tallies>::default(), Arc::<Tallies>::default());
        // More at once than there are places, and again in the places that they have left.
        for round in 1..=3 {
            std::thread::scope(|scope| {
                for _ in 0..2 * PLACES {
                    scope.spawn(|| {
                        add(&ours, 100);
                        add(&other, 1);
                    });
                }
            });
            let all = round * 2 * PLACES as u64;
            assert_eq!(ours.sums(), (100 * all, 100 * all));
            assert_eq!(other.sums(), (all, all));
            assert_eq!(
                (ours.not_recorded(), other.not_recorded()),
                (100 * all, all)
            );
        }
    }

    #[test]
    fn a_thread_writes_to_a_place_of_its_own_and_leaves_it_with_its_end() {
        let tallies = Arc::<Tallies>::default();
        let taken = || {
            let is_taken = |place: &&Place| place.is_taken.load(Ordering::Acquire);
            tallies.places.iter().filter(is_taken).count()
        };
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                add(&tallies, 3);
                taken()
            });
            assert_eq!(thread.join().unwrap(), 1);
        });
        // The first was counted where all do.
        assert_eq!(tallies.shared.started.load(Ordering::Relaxed), 1);
        assert_eq!(tallies.places[0].started.load(Ordering::Relaxed), 2);
        assert_eq!(taken(), 0);
    }

    #[test]
    fn a_thread_forgets_pipelines_that_are_gone() {
        for _ in 0..1000 {
            add(&Arc::default(), 2);
        }
        assert!(OWN.with_borrow(Vec::len) <= 2);
    }
}
