//! A hard cap on how many distinct names there can be.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// The largest limit: beyond it a back end groups nothing by these names anyway.
const MAX_LIMIT: usize = 1 << 16;

/// The longest name that is admitted, in bytes.
const MAX_NAME: usize = 512;

/// Admits the first `limit` distinct names, and no more.
///
/// Names of routes that are guessed from paths are many when someone walks through made-up paths. Behind this cap they
/// cannot become more than `limit`; a name that is not admitted is to be replaced by one that is always low in
/// cardinality, such as the method alone.
///
/// Admitted names stay for the life of the cap: forgetting one would let the set of names grow without end over time.
///
/// # Cost
///
/// A known name costs one hash and one comparison. Nothing is locked or allocated then, and nothing is when a name is
/// refused, so neither waits for other threads. Only admitting a new name allocates, `limit` times at most. The table
/// takes up to 100 bytes for each name of the limit, from the start; a name longer than 512 bytes is refused.
pub struct NameCap {
    /// An open hash table with linear probing. A slot is filled once and never emptied, so a search that meets an empty
    /// slot has seen every place where the name could be. At least half of the slots stay empty.
    slots: Box<[OnceLock<Box<str>>]>,
    /// Makes places unpredictable: names come from strangers, who must not be able to aim at one slot.
    keys: [u64; 2],
    limit: usize,
    /// Names admitted, and places held by threads that are about to admit one.
    taken: AtomicUsize,
    overflowed: AtomicU64,
}

impl NameCap {
    /// A cap of that many names. With zero no name is admitted; more than 65 536 count as 65 536.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(MAX_LIMIT);
        let slots = (limit * 2).next_power_of_two();
        Self {
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            keys: [0, 1].map(|which| RandomState::new().hash_one(which)),
            limit,
            taken: AtomicUsize::new(0),
            overflowed: AtomicU64::new(0),
        }
    }

    /// Whether the name may be used: it is known, or there was room and now it is known.
    ///
    /// Every refusal is counted.
    pub fn admit(&self, name: &str) -> bool {
        if name.len() > MAX_NAME {
            return self.refuse();
        }
        let at = hash(self.keys, name.as_bytes()) & (self.slots.len() - 1);
        // Nearly every name is a known one, in its first place.
        match self.slots[at].get() {
            Some(known) if **known == *name => true,
            Some(_) | None => self.find_or_insert(name, at) || self.refuse(),
        }
    }

    /// Whether the name is known, so that it may be used; nothing is counted.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        if name.len() > MAX_NAME {
            return false;
        }
        let at = hash(self.keys, name.as_bytes()) & (self.slots.len() - 1);
        // Nearly every name is in its first place; who needs the other ones asks to admit it.
        self.slots[at].get().is_some_and(|known| **known == *name)
    }

    #[cold]
    fn refuse(&self) -> bool {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// How many times a name was refused.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// How many names are known.
    fn len(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    #[inline(never)]
    fn find_or_insert(&self, name: &str, first: usize) -> bool {
        for at in self.probe(first) {
            match self.slots[at].get() {
                Some(known) if **known == *name => return true,
                Some(_) => {}
                None => return self.insert(name, at),
            }
        }
        false
    }

    fn insert(&self, name: &str, first_empty: usize) -> bool {
        if !self.take_place() {
            return false;
        }
        let mut name: Box<str> = name.into();
        for at in self.probe(first_empty) {
            // Another thread may be faster. If it put another name here, the search goes on behind it.
            name = match self.slots[at].set(name) {
                Ok(()) => return true,
                Err(name) => name,
            };
            if self.slots[at].get() == Some(&name) {
                self.taken.fetch_sub(1, Ordering::Relaxed);
                return true;
            }
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Every slot once, from this one on.
    fn probe(&self, start: usize) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        (0..=mask).map(move |step| start.wrapping_add(step) & mask)
    }

    /// Takes a place under the limit, if one is left.
    fn take_place(&self) -> bool {
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.limit).then(|| taken + 1)
            })
            .is_ok()
    }
}

/// Sixteen bytes at a time, one half multiplied with the other into a wide product: a small part of what the standard library's hash costs,
/// which every request would pay.
///
/// Who does not know the keys cannot aim, not even at a factor of zero; and at most `limit` names are ever stored, so that a search is bounded
/// even then.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits of a hash are as good as all of them"
)]
fn hash(keys: [u64; 2], name: &[u8]) -> usize {
    let mix = |state: u64, a: u64, b: u64| {
        let product = u128::from(state ^ keys[0] ^ a) * u128::from(keys[1] ^ b);
        (product >> 64) as u64 ^ product as u64
    };
    let halves = |bytes: &[u8; 16]| {
        let both = u128::from_le_bytes(*bytes);
        (both as u64, (both >> 64) as u64)
    };
    // The length tells a name from the same name with zeros behind it.
    let mut state = name.len() as u64;
    for sixteen in name.as_chunks().0 {
        let (a, b) = halves(sixteen);
        state = mix(state, a, b);
    }
    // The end, which may overlap with what came before.
    let (a, b) = if let Some(sixteen) = name.last_chunk() {
        halves(sixteen)
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else {
        let mut few = [0; 8];
        few[..name.len()].copy_from_slice(name);
        (u64::from_le_bytes(few), 0)
    };
    mix(state, a, b) as usize
}

impl fmt::Debug for NameCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameCap")
            .field("limit", &self.limit)
            .field("len", &self.len())
            .field("overflowed", &self.overflowed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn names_over_the_limit_are_refused_and_counted() {
        let cap = NameCap::new(3);
        for name in ["a", "b", "a", "c", "c"] {
            assert!(cap.admit(name), "{name}");
        }
        assert_eq!((cap.len(), cap.overflowed()), (3, 0));
        for name in ["d", "e", "d"] {
            assert!(!cap.admit(name), "{name}");
        }
        assert_eq!((cap.len(), cap.overflowed()), (3, 3));
        for name in ["a", "b", "c"] {
            assert!(cap.admit(name), "{name}");
        }
        assert_eq!(cap.overflowed(), 3);
    }

    #[test]
    fn limit_of_zero_admits_nothing() {
        let cap = NameCap::new(0);
        assert!(!cap.admit("a"));
        assert!(!cap.admit(""));
        assert!(cap.len() == 0);
        assert_eq!(cap.overflowed(), 2);
    }

    #[test]
    fn huge_limit_does_not_take_huge_memory() {
        let cap = NameCap::new(usize::MAX);
        assert_eq!(cap.limit, MAX_LIMIT);
        assert_eq!(cap.slots.len(), 2 * MAX_LIMIT);
    }

    #[test]
    fn overlong_name_is_refused() {
        let cap = NameCap::new(10);
        assert!(cap.admit(&"a".repeat(MAX_NAME)));
        assert!(!cap.admit(&"a".repeat(MAX_NAME + 1)));
        assert_eq!((cap.len(), cap.overflowed()), (1, 1));
    }

    #[test]
    fn limit_is_filled_to_the_last_name() {
        for limit in [1, 2, 7, 64, 100] {
            let cap = NameCap::new(limit);
            let admitted = (0..1000).filter(|i| cap.admit(&i.to_string())).count();
            assert_eq!((admitted, cap.len()), (limit, limit));
            let known = (0..1000).filter(|i| cap.admit(&i.to_string())).count();
            assert_eq!(known, limit);
        }
    }

    #[test]
    fn threads_agree_on_what_is_admitted() {
        const THREADS: usize = 8;
        for _ in 0..50 {
            let cap = NameCap::new(100);
            let start = Barrier::new(THREADS);
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let (cap, start) = (&cap, &start);
                    scope.spawn(move || {
                        start.wait();
                        for i in 0..300 {
                            // Shared by all, met in different order; the cap is reached on the way.
                            cap.admit(&((i + thread * 37) % 150).to_string());
                        }
                    });
                }
            });
            assert_eq!(cap.len(), 100);
            let mut stored: Vec<_> = cap.slots.iter().filter_map(OnceLock::get).collect();
            assert_eq!(stored.len(), 100);
            stored.sort();
            stored.dedup();
            assert_eq!(stored.len(), 100, "no name is stored twice");
            assert!(stored.iter().all(|name| cap.admit(name)));
        }
    }

    #[test]
    fn same_name_from_many_threads_is_one_name() {
        const THREADS: usize = 8;
        for _ in 0..200 {
            let cap = NameCap::new(THREADS);
            let start = Barrier::new(THREADS);
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        start.wait();
                        assert!(cap.admit("/users/{id}"));
                    });
                }
            });
            assert_eq!((cap.len(), cap.overflowed()), (1, 0));
        }
    }
}
