//! What attributes begin with, by their names.

use tracing_core_ctx::attribute::{KeptKey, KeyCode};

use super::super::protobuf::{BYTES, tag};

/// The tag of the field `key` of a `KeyValue`.
pub(super) const KEY: u8 = tag(1, BYTES);

/// How an attribute with a certain name begins: tag, length, and the field `key`.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// All but the last eight are copied, without asking how many are needed. The length is without the value.
    pub(super) bytes: [u8; Self::LONGEST + 8],
    pub(super) len: usize,
}

impl Key {
    /// The tag of an attribute of a span.
    pub(super) const TAG: u8 = tag(9, BYTES);

    /// With the longest name of the conventions.
    pub(super) const LONGEST: usize = 48;

    const NONE: Self = Self {
        bytes: [0; Self::LONGEST + 8],
        len: 0,
    };

    /// `None` if the name is too long.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a name that fits is shorter than 256 bytes"
    )]
    const fn of(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        let mut key = Self::NONE;
        key.len = 4 + name.len();
        if key.len > Self::LONGEST {
            return None;
        }
        (key.bytes[0], key.bytes[1]) = (Self::TAG, 2 + name.len() as u8);
        (key.bytes[2], key.bytes[3]) = (KEY, name.len() as u8);
        let mut at = 0;
        while at < name.len() {
            key.bytes[4 + at] = name[at];
            at += 1;
        }
        Some(key)
    }
}

/// Of the names of the conventions, by their numbers.
static KNOWN: [Key; KeyCode::MAX + 1] = {
    let mut keys = [Key::NONE; KeyCode::MAX + 1];
    let mut number = 1;
    while number < keys.len() {
        keys[number] = match KeyCode::new(number) {
            Some(code) => match Key::of(code.name()) {
                Some(key) => key,
                None => panic!("a name of the conventions is longer than was expected"),
            },
            None => panic!("numbers are dense"),
        };
        number += 1;
    }
    keys
};

/// Of the constants of a program, which are few: those that were met last, by where they are in memory.
pub(super) struct Names([(&'static str, Key); Self::SLOTS]);

impl Names {
    const SLOTS: usize = 32;

    pub(super) const fn new() -> Self {
        Self([("", Key::NONE); Self::SLOTS])
    }

    /// How an attribute with this name begins, if it is of the conventions or a constant, and not too long.
    #[inline(always)]
    pub(super) fn key(&mut self, key: KeptKey<'_>) -> Option<&Key> {
        if let Some(key) = key.number().and_then(|number| KNOWN.get(number)) {
            return Some(key);
        }
        let name = key.constant()?;
        let slot = slot(name);
        // Of a constant the address is enough.
        let found = if std::ptr::eq(self.0[slot].0, name) {
            slot
        } else {
            self.beside(slot, name)?
        };
        Some(&self.0[found].1)
    }

    /// Where a name is that is not in its slot: in the one beside it, so that two names of one slot do not drive each other out. Else it takes the
    /// slot, and who was there the one beside it.
    #[inline(never)]
    fn beside(&mut self, slot: usize, name: &'static str) -> Option<usize> {
        let beside = slot ^ 1;
        if std::ptr::eq(self.0[beside].0, name) {
            return Some(beside);
        }
        let new = (name, Key::of(name)?);
        self.0.swap(slot, beside);
        self.0[slot] = new;
        Some(slot)
    }
}

/// Where the name is, if it is there.
#[inline(always)]
fn slot(name: &'static str) -> usize {
    /// The golden section of all numbers, which sends neighbours far from each other.
    const MIX: usize = usize::MAX / 610 * 377;

    // Twice: names stand one behind the other, and whose lengths are Fibonacci's numbers, such as 13, would be neighbours after once.
    let once = name.as_ptr().addr().wrapping_mul(MIX);
    let twice = (once ^ (once >> (usize::BITS / 2))).wrapping_mul(MIX);
    twice >> (usize::BITS - Names::SLOTS.ilog2())
}
