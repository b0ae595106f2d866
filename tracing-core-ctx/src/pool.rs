//! Memory that is used again: what spans are made of goes around instead of back to the allocator.
//!
//! ```text
//!   thread of a request                              thread of the pipeline
//!   take <- [own shelf] <- a handful at once <- [spare] <- a handful at once <- [own shelf] <- give
//! ```
//!
//! A thread takes from its own shelf and gives to it, without a lock. Spans are made by some threads and freed by others, so full
//! shelves overflow into a common store, from which empty ones are filled. Whoever finds that store locked does without: nobody waits.

use std::cell::Cell;
use std::sync::Mutex;
use std::thread::LocalKey;

/// What some threads have too much of, and others too little.
pub(crate) type Spare<T> = Mutex<Vec<T>>;

/// Pieces on a shelf, how many go to the spare ones and come from them at once, and how many of those there are at most.
const SHELF: usize = 64;
const HANDFUL: usize = SHELF / 2;
const SPARE: usize = 4096;

/// What a thread has on its own shelf. Every place is a cell of its own: to take a piece or to put one is to move a pointer.
pub(crate) struct Shelf<T> {
    /// How many places are taken, from the first one on.
    taken: Cell<usize>,
    places: [Cell<Option<T>>; SHELF],
}

impl<T> Shelf<T> {
    pub(crate) const fn new() -> Self {
        Self {
            taken: Cell::new(0),
            places: [const { Cell::new(None) }; SHELF],
        }
    }

    #[inline]
    fn take(&self) -> Option<T> {
        let last = self.taken.get().checked_sub(1)?;
        self.taken.set(last);
        self.places.get(last)?.take()
    }

    /// Gives the piece back where there is no place for it.
    #[inline]
    fn put(&self, piece: T) -> Option<T> {
        let taken = self.taken.get();
        let Some(place) = self.places.get(taken) else {
            return Some(piece);
        };
        self.taken.set(taken + 1);
        place.replace(Some(piece))
    }
}

/// Pieces of one kind. They are empty: who gives one has cleared it.
pub(crate) struct Pool<T: 'static> {
    pub(crate) shelf: &'static LocalKey<Shelf<T>>,
    pub(crate) spare: &'static Spare<T>,
}

impl<T> Pool<T> {
    /// A piece; a new one, if there is none.
    #[inline]
    pub(crate) fn take_or(&self, new: fn() -> T) -> T {
        match self.shelf.try_with(Shelf::take) {
            Ok(Some(piece)) => piece,
            Ok(None) | Err(_) => self.refill_or(new),
        }
    }

    /// Takes a piece back, or frees it where there are enough.
    #[inline]
    pub(crate) fn give(&self, piece: T) {
        // A thread that is being torn down has no shelf.
        let left = self.shelf.try_with(|shelf| match shelf.put(piece) {
            None => None,
            Some(piece) => self.overflow(shelf, piece),
        });
        // What is dropped is dropped when all is in order: it may hold what gives pieces itself.
        drop(left);
    }

    #[cold]
    #[inline(never)]
    fn refill_or(&self, new: fn() -> T) -> T {
        let taken = self.shelf.try_with(|shelf| {
            let mut spare = self.spare.try_lock().ok()?;
            let kept = spare.len().saturating_sub(HANDFUL);
            // The shelf is empty, so there is a place for each.
            for piece in spare.drain(kept..) {
                drop(shelf.put(piece));
            }
            shelf.take()
        });
        taken.ok().flatten().unwrap_or_else(new)
    }

    /// Makes room on a full shelf; gives the piece back where that cannot be.
    #[cold]
    #[inline(never)]
    fn overflow(&self, shelf: &Shelf<T>, piece: T) -> Option<T> {
        if let Ok(mut spare) = self.spare.try_lock()
            && spare.len() + HANDFUL <= SPARE
        {
            spare.extend((0..HANDFUL).filter_map(|_| shelf.take()));
        }
        shelf.put(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static OWN: Shelf<u32> = const { Shelf::new() };
    }
    static COMMON: Spare<u32> = Mutex::new(Vec::new());
    static POOL: Pool<u32> = Pool {
        shelf: &OWN,
        spare: &COMMON,
    };

    /// Made by nobody else.
    const NEW: u32 = u32::MAX;

    #[test]
    fn what_one_thread_gives_another_takes_and_there_is_a_limit() {
        let take = || POOL.take_or(|| NEW);
        assert_eq!(take(), NEW);
        std::thread::spawn(|| (0..10_000).for_each(|piece| POOL.give(piece)))
            .join()
            .unwrap();
        let taken = std::iter::repeat_with(take)
            .take_while(|piece| *piece != NEW)
            .count();
        assert!((SPARE - HANDFUL..=SPARE).contains(&taken), "{taken}");
        POOL.give(7);
        assert_eq!(take(), 7);
        assert_eq!(take(), NEW);
    }
}
