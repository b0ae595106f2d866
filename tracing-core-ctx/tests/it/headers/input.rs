use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use tracing_core_ctx::propagation::{Extract, Inject};

/// Headers as they arrive, and as they are sent.
#[derive(Default, PartialEq)]
pub(super) struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// One header.
    pub(super) fn new(rng: &mut Rng, name: &str, valid: &[&str]) -> Self {
        let mut headers = Self::default();
        headers.and(rng, name, valid);
        headers
    }

    /// One more: a valid value, one with some bytes changed, or noise.
    pub(super) fn and(&mut self, rng: &mut Rng, name: &str, valid: &[&str]) {
        self.0.push((name.to_owned(), value(rng, valid)));
    }

    pub(super) fn exactly(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// The values of a name as text, in which bytes that are no UTF-8 stand out as U+FFFD.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|header| header.0 == name);
        values
            .map(|header| String::from_utf8_lossy(&header.1).into_owned())
            .collect()
    }
}

impl Extract for Headers {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        for header in &self.0 {
            if header.0 == name {
                visit(&header.1);
            }
        }
    }
}

impl Inject for Headers {
    fn set(&mut self, name: &str, value: &str) {
        assert!(
            value.bytes().all(|byte| matches!(byte, 0x20..=0x7e)),
            "{value:?}"
        );
        assert!(!value.is_empty() && value.trim() == value, "{value:?}");
        self.remove(name);
        self.exactly(name, value);
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|header| header.0 != name);
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.escape_ascii()));
        f.debug_list().entries(lines).finish()
    }
}

/// SplitMix64: fast, and good enough to break things.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one in every run.
    pub(super) fn random_seed() -> u64 {
        RandomState::new().build_hasher().finish()
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn byte(&mut self) -> u8 {
        if self.one_in(8) {
            self.next().to_be_bytes()[0]
        } else {
            *self.pick(b"0123456789abcdefABCDEFgGd-_.,;:=%?+@*/ \t\"\\Am")
        }
    }
}

fn value(rng: &mut Rng, valid: &[&str]) -> Vec<u8> {
    if rng.one_in(16) {
        let length = rng.below(80);
        return (0..length).map(|_| rng.byte()).collect();
    }
    let mut value = rng.pick(valid).as_bytes().to_vec();
    for _ in 0..rng.below(4) {
        mutate(rng, &mut value, valid);
    }
    value
}

fn mutate(rng: &mut Rng, value: &mut Vec<u8>, valid: &[&str]) {
    let place = rng.below(value.len() + 1);
    let end = place + rng.below(value.len() - place + 1);
    match rng.below(9) {
        0 | 1 if place < value.len() => value[place] = rng.byte(),
        2 => value.insert(place, rng.byte()),
        3 if place < value.len() => {
            value.remove(place);
        }
        4 => {
            value.drain(place..end);
        }
        5 => value.extend_from_within(place..end),
        6 => value[place..end].make_ascii_uppercase(),
        7 => value[place..end].fill(b'0'),
        8 => value
            .splice(place..end, rng.pick(valid).bytes())
            .for_each(drop),
        _ => value.push(b' '),
    }
}
