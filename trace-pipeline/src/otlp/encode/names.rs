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
pub(super) struct Names {
    slots: [(&'static str, Key); Self::SLOTS],
    /// Whose turn it is to go, where a set is full.
    turn: usize,
}

impl Names {
    const SLOTS: usize = 32;

    /// Slots that names share which would be in one of them. A power of two, as the number of slots is.
    const SET: usize = 4;

    pub(super) const fn new() -> Self {
        Self {
            slots: [("", Key::NONE); Self::SLOTS],
            turn: 0,
        }
    }

    /// How an attribute with this name begins, if it is of the conventions or a constant, and not too long.
    #[inline(always)]
    pub(super) fn key(&mut self, key: KeptKey<'_>) -> Option<&Key> {
        if let Some(key) = key.number().and_then(|number| KNOWN.get(number)) {
            return Some(key);
        }
        let found = self.find(key.constant()?)?;
        Some(&self.slots[found].1)
    }

    /// Where a name is, if it is not too long. Of a constant the address is enough.
    #[inline(always)]
    fn find(&mut self, name: &'static str) -> Option<usize> {
        let slot = slot(name);
        if std::ptr::eq(self.slots[slot].0, name) {
            return Some(slot);
        }
        self.beside(slot, name)
    }

    /// Where a name is that is not in its slot: in one of those beside it. Else it takes the slot, and who was there goes to one beside it that is free, so
    /// that as many names as a set has slots never drive each other out, whichever of the slots are theirs. Where none is free, they go in turn.
    #[inline(never)]
    fn beside(&mut self, slot: usize, name: &'static str) -> Option<usize> {
        let beside = (1..Self::SET).map(|step| slot ^ step);
        let is_it = |beside: &usize| std::ptr::eq(self.slots[*beside].0, name);
        if let Some(found) = beside.clone().find(is_it) {
            return Some(found);
        }
        let new = (name, Key::of(name)?);
        let is_free = |slot: &usize| self.slots[*slot].0.is_empty();
        if !is_free(&slot) {
            let place = beside.clone().find(is_free).unwrap_or_else(|| {
                self.turn += 1;
                slot ^ (1 + (self.turn - 1) % (Self::SET - 1))
            });
            self.slots.swap(slot, place);
        }
        self.slots[slot] = new;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that are all sent to this slot.
    fn of_slot(wanted: usize, count: usize) -> Vec<&'static str> {
        let text: &'static str = Box::leak("x".repeat(1 << 12).into_boxed_str());
        let all = (0..text.len()).filter_map(|start| text.get(start..start + 3));
        all.filter(|name| slot(name) == wanted)
            .take(count)
            .collect()
    }

    fn is_there(names: &Names, name: &'static str) -> bool {
        names
            .slots
            .iter()
            .any(|(known, _)| std::ptr::eq(*known, name))
    }

    #[test]
    fn as_many_names_of_one_slot_as_a_set_has_are_all_kept_and_the_oldest_goes_for_one_more() {
        let mut names = Names::new();
        let wanted = of_slot(0, Names::SET + 1);
        let (kept, one_more) = wanted.split_at(Names::SET);
        for _ in 0..3 {
            for name in kept {
                assert!(names.find(name).is_some_and(|slot| slot < Names::SET));
            }
            assert!(kept.iter().all(|name| is_there(&names, name)));
        }
        assert_eq!(names.find(one_more[0]), Some(0));
        assert!(is_there(&names, one_more[0]) && !is_there(&names, kept[0]));
        assert!(kept[1..].iter().all(|name| is_there(&names, name)));
    }

    #[test]
    fn as_many_names_as_a_set_has_slots_are_all_kept_whichever_slots_are_theirs() {
        let of_set: Vec<_> = (0..Names::SET)
            .map(|slot| of_slot(slot, Names::SET))
            .collect();
        for choice in 0..Names::SET.pow(4) {
            // Each of the four may be of any slot of the set.
            let mut left = of_set.clone();
            let wanted = [0, 1, 2, 3].map(|place| {
                let slot = choice / Names::SET.pow(place) % Names::SET;
                left[slot].pop().unwrap()
            });
            let mut names = Names::new();
            for name in wanted {
                names.find(name);
            }
            assert!(wanted.iter().all(|name| is_there(&names, name)), "{choice}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_not_kept() {
        let long: &'static str = Box::leak("x".repeat(Key::LONGEST).into_boxed_str());
        assert_eq!(Names::new().find(long), None);
    }
}
