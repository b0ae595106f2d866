/// Which keys a list may have: one of 64 bits for each. Mostly a key that is looked for is not there, and its bit says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(u64);

impl Keys {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn add(&mut self, key: &[u8]) {
        self.0 |= bit(key);
    }

    /// Whether `key`, or another one with the same bit, was added.
    pub(super) const fn may_have(self, key: &[u8]) -> bool {
        self.0 & bit(key) != 0
    }
}

/// Told by the first character, the last one and the length.
const fn bit(key: &[u8]) -> u64 {
    let ([first, ..], [.., last]) = (key, key) else {
        return 0;
    };
    1 << ((*first as usize + 3 * *last as usize + 7 * key.len()) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_the_empty_key_never_is() {
        let mut keys = Keys::NONE;
        for key in ["rojo", "congo", "a", "fw529a3039@dt"] {
            assert!(!keys.may_have(key.as_bytes()));
            keys.add(key.as_bytes());
            assert!(keys.may_have(key.as_bytes()));
        }
        assert!(!keys.may_have(b"ot"));
        keys.add(b"");
        assert!(!keys.may_have(b""));
    }
}
