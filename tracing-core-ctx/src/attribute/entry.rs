use super::KeyCode;
use super::mark::Mark;
use super::texts::Text;

/// One attribute in two words. The first says which key, how long its name is and how it is marked, and what kind of value; the second
/// has 64 bits of it.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    head: u64,
    bits: u64,
}

// The head: a number or a position of 32 bits, a length of 16, a mark of 8, a kind of 8.
const LEN_SHIFT: u32 = 32;
const KIND_SHIFT: u32 = 56;
const KEY: u64 = !(0xff << KIND_SHIFT);

// Kinds. The two that are frequent have a bit each, so that one test tells them.
const BOOL: u64 = 0;
const F64: u64 = 1;
const LARGE: u64 = 2;
const I64: u64 = 0x40;
const TEXT: u64 = 0x80;

/// The value of an entry, taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum EntryValue {
    Bool(bool),
    F64(f64),
    I64(i64),
    /// Where it stands among the large values.
    Large(u32),
    Text(Text),
}

impl Entry {
    pub(super) const EMPTY: Self = Self { head: 0, bits: 0 };

    #[inline]
    pub(super) const fn new(key: EntryKey, value: EntryValue) -> Self {
        let (kind, bits) = match value {
            EntryValue::Bool(flag) => (BOOL, flag as u64),
            EntryValue::F64(number) => (F64, number.to_bits()),
            EntryValue::I64(number) => (I64, number.cast_unsigned()),
            EntryValue::Large(position) => (LARGE, position as u64),
            EntryValue::Text(text) => (TEXT, text.to_bits()),
        };
        Self {
            head: key.0 | kind << KIND_SHIFT,
            bits,
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bits of a position are those of a `u32`"
    )]
    pub(super) const fn value(self) -> EntryValue {
        match self.head >> KIND_SHIFT {
            F64 => EntryValue::F64(f64::from_bits(self.bits)),
            I64 => EntryValue::I64(self.bits.cast_signed()),
            LARGE => EntryValue::Large(self.bits as u32),
            TEXT => EntryValue::Text(Text::from_bits(self.bits)),
            _ => EntryValue::Bool(self.bits != 0),
        }
    }

    /// The value of an entry that is a text.
    #[inline]
    pub(super) const fn text(self) -> Option<Text> {
        if self.head & TEXT << KIND_SHIFT != 0 {
            Some(Text::from_bits(self.bits))
        } else {
            None
        }
    }

    /// The value of an entry that is a whole number.
    #[inline]
    pub(super) const fn integer(self) -> Option<i64> {
        if self.head & I64 << KIND_SHIFT != 0 {
            Some(self.bits.cast_signed())
        } else {
            None
        }
    }

    /// The same attribute with its texts elsewhere.
    pub(super) fn move_texts(&mut self, to: &mut dyn FnMut(Text) -> Text) {
        let key = match self.key().name() {
            Name::Text(text) => {
                EntryKey::at(to(text), self.key().mark()).unwrap_or_else(|| self.key())
            }
            Name::Known(_) | Name::Static(_) => self.key(),
        };
        let value = match self.value() {
            EntryValue::Text(text) => EntryValue::Text(to(text)),
            value => value,
        };
        *self = Self::new(key, value);
    }

    pub(super) const fn set(&mut self, value: EntryValue) {
        *self = Self::new(self.key(), value);
    }

    #[inline]
    pub(super) const fn key(self) -> EntryKey {
        EntryKey(self.head & KEY)
    }

    /// The number of a name of the conventions.
    #[inline]
    pub(super) const fn number(self) -> Option<usize> {
        let number = self.head & 0xffff_ffff;
        if number < EntryKey::STATIC {
            Some(number as usize)
        } else {
            None
        }
    }
}

/// Where the name of a key is, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryKey(u64);

/// Where the name of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// In the conventions; `None` of an entry that was never set.
    Known(Option<KeyCode>),
    /// Among the names that are kept by reference.
    Static(usize),
    /// Among the texts.
    Text(Text),
}

impl EntryKey {
    // Numbers have 16 bits, positions of texts 31.
    const STATIC: u64 = 1 << 16;
    const TEXT: u64 = 1 << 31;

    #[inline]
    pub(super) const fn known(code: KeyCode) -> Self {
        Self(code.to_bits())
    }

    /// The key with the name that stands at `position` of those that are kept by reference. `None` if it is longer than 64 KiB.
    #[inline]
    pub(super) fn by_reference(position: usize, name: &str) -> Option<Self> {
        let len = u16::try_from(name.len()).ok()?;
        let shape = u64::from(len) << LEN_SHIFT | Mark::of(name).to_bits();
        Some(Self(Self::STATIC | position as u64 | shape))
    }

    /// The same name at another position; of a key whose position is the first.
    #[inline]
    pub(super) const fn moved_to(self, position: usize) -> Self {
        Self(self.0 | position as u64)
    }

    /// The key with the name that is this text. `None` if it is longer than 64 KiB, or stands behind 2 GiB of others.
    #[inline]
    pub(super) const fn at(name: Text, mark: Mark) -> Option<Self> {
        if name.len() >> 16 == 0 && name.start() < Self::TEXT {
            let shape = (name.len() as u64) << LEN_SHIFT | mark.to_bits();
            Some(Self(Self::TEXT | name.start() | shape))
        } else {
            None
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it has 31 bits")]
    pub(super) const fn name(self) -> Name {
        let number = self.0 & 0xffff_ffff;
        if number < Self::STATIC {
            Name::Known(KeyCode::from_bits(self.0))
        } else if number < Self::TEXT {
            Name::Static((number - Self::STATIC) as usize)
        } else {
            Name::Text(Text::new(number - Self::TEXT, self.name_len()))
        }
    }

    /// How many bytes the name has.
    #[inline]
    pub(super) const fn name_len(self) -> usize {
        (self.0 >> LEN_SHIFT & 0xffff) as usize
    }

    #[inline]
    pub(super) const fn mark(self) -> Mark {
        Mark::from_bits(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_come_back() {
        let is_text = |value| matches!(value, EntryValue::Text(_)).then_some(value);
        let is_integer = |value| matches!(value, EntryValue::I64(_)).then_some(value);
        let code = KeyCode::all().last().unwrap();
        let text = Text::new(7, 0xffff);
        let mark = Mark::of("shop");
        let keys = [
            (
                EntryKey::known(code),
                Name::Known(Some(code)),
                code.name().len(),
            ),
            (
                EntryKey::by_reference(3, "shop").unwrap(),
                Name::Static(3),
                4,
            ),
            (EntryKey::at(text, mark).unwrap(), Name::Text(text), 0xffff),
        ];
        let values = [
            EntryValue::Bool(true),
            EntryValue::Bool(false),
            EntryValue::F64(-0.1),
            EntryValue::I64(i64::MIN),
            EntryValue::Large(u32::MAX),
            EntryValue::Text(Text::new(0xffff_fffe, 0xffff_fffd)),
        ];
        for (key, name, len) in keys {
            let number = matches!(name, Name::Known(_)).then_some(code.get());
            for value in values {
                let entry = Entry::new(key, value);
                assert_eq!(entry.key(), key);
                assert_eq!(entry.key().name(), name);
                assert_eq!(entry.key().name_len(), len);
                assert_eq!(entry.value(), value);
                assert_eq!(entry.number(), number);
                assert_eq!(entry.text().map(EntryValue::Text), is_text(value));
                assert_eq!(entry.integer().map(EntryValue::I64), is_integer(value));
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_or_too_far_is_no_key() {
        let mark = Mark::of("x");
        assert_eq!(EntryKey::at(Text::new(0, 0x1_0000), mark), None);
        assert_eq!(EntryKey::at(Text::new(1 << 31, 1), mark), None);
        assert_eq!(EntryKey::by_reference(0, &"x".repeat(0x1_0000)), None);
    }
}
