//! Memory that is used again: what spans are made of goes around instead of back to the allocator.
//!
//! ```text
//!   thread of a request                              thread of the pipeline
//!   take <- [own shelf] <- a handful at once <- [spare] <- a handful at once <- [own shelf] <- give
//! ```
//!
//! A thread takes from its own shelf and gives to it, without a lock. Spans are made by some threads and freed by others, so full
//! shelves overflow into a common store, from which empty ones are filled. Whoever finds that store locked does without: nobody waits.

use std::cell::RefCell;
use std::sync::Mutex;
use std::thread::LocalKey;

/// What a thread has on its own shelf.
pub(crate) type Shelf<T> = RefCell<Vec<T>>;
/// What some threads have too much of, and others too little.
pub(crate) type Spare<T> = Mutex<Vec<T>>;

/// Pieces on a shelf, how many go to the spare ones and come from them at once, and how many of those there are at most.
const SHELF: usize = 64;
const HANDFUL: usize = SHELF / 2;
const SPARE: usize = 4096;

/// Pieces of one kind. They are empty: who gives one has cleared it.
pub(crate) struct Pool<T: 'static> {
    pub(crate) shelf: &'static LocalKey<Shelf<T>>,
    pub(crate) spare: &'static Spare<T>,
}

impl<T> Pool<T> {
    /// A piece, unless there is none.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        let taken = self.shelf.try_with(|shelf| {
            let mut shelf = shelf.try_borrow_mut().ok()?;
            match shelf.pop() {
                Some(piece) => Some(piece),
                None => self.refill(&mut shelf),
            }
        });
        taken.ok().flatten()
    }

    /// Takes a piece back, or frees it where there are enough.
    #[inline]
    pub(crate) fn give(&self, piece: T) {
        // What is dropped here is dropped outside of the borrow: it may hold what gives pieces itself.
        let mut piece = Some(piece);
        let _ = self.shelf.try_with(|shelf| {
            let Ok(mut shelf) = shelf.try_borrow_mut() else {
                return;
            };
            if shelf.len() >= SHELF {
                self.overflow(&mut shelf);
            }
            if shelf.len() < SHELF
                && let Some(piece) = piece.take()
            {
                shelf.push(piece);
            }
        });
    }

    #[cold]
    fn refill(&self, shelf: &mut Vec<T>) -> Option<T> {
        let mut spare = self.spare.try_lock().ok()?;
        let kept = spare.len().saturating_sub(HANDFUL);
        shelf.extend(spare.drain(kept..));
        shelf.pop()
    }

    #[cold]
    fn overflow(&self, shelf: &mut Vec<T>) {
        if let Ok(mut spare) = self.spare.try_lock()
            && spare.len() + HANDFUL <= SPARE
        {
            spare.extend(shelf.drain(SHELF - HANDFUL..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static OWN: Shelf<u32> = const { RefCell::new(Vec::new()) };
    }
    static COMMON: Spare<u32> = Mutex::new(Vec::new());
    const POOL: Pool<u32> = Pool {
        shelf: &OWN,
        spare: &COMMON,
    };

    #[test]
    fn what_one_thread_gives_another_takes_and_there_is_a_limit() {
        assert_eq!(POOL.take(), None);
        std::thread::spawn(|| (0..10_000).for_each(|piece| POOL.give(piece)))
            .join()
            .unwrap();
        let taken = std::iter::from_fn(|| POOL.take()).count();
        assert!((SPARE - HANDFUL..=SPARE).contains(&taken), "{taken}");
        POOL.give(7);
        assert_eq!(POOL.take(), Some(7));
        assert_eq!(POOL.take(), None);
    }
}
