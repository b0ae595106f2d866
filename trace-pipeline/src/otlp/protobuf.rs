//! The wire format of Protocol Buffers, as far as OTLP needs it
//! ([encoding](https://protobuf.dev/programming-guides/encoding/)).

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// Writes fields one after the other. As proto3 has it, a default value is not written, unless the method says so.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.uint_always(field, value);
        }
    }

    /// Also writes zero, for a member of a `oneof`.
    pub(super) fn uint_always(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, FIXED32);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.fixed64_always(field, value);
        }
    }

    /// Also writes zero, for a member of a `oneof`.
    pub(super) fn fixed64_always(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes_always(field, value);
        }
    }

    /// Also writes what is empty, for a member of a `oneof`.
    pub(super) fn bytes_always(&mut self, field: u32, value: &[u8]) {
        self.tag(field, BYTES);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A message within the message, also if it is empty.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, BYTES);
        // The length stands before the content. One byte is kept free for it, which does for most messages; the
        // content of a longer one is moved a little. That is cheaper than to measure first and write then.
        let start = self.bytes.len() + 1;
        self.bytes.push(0);
        write(self);
        let end = self.bytes.len();
        if let Ok(length @ 0..0x80) = u8::try_from(end - start) {
            self.bytes[start - 1] = length;
            return;
        }
        self.varint((end - start) as u64);
        let length = self.bytes.len() - end;
        self.bytes[start - 1..].rotate_right(length);
        // The byte that was kept free stands behind the length now.
        self.bytes.remove(start - 1 + length);
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven bits at a time are what is wanted"
    )]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// Reads fields one after the other. What is malformed ends the reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    malformed: bool,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64(u64),
    Varint(u64),
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            malformed: false,
        }
    }

    /// The next field with its number; `None` at the end, and where the message is malformed.
    pub(super) fn next(&mut self) -> Option<(u32, Field<'a>)> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
            self.malformed = true;
        }
        field
    }

    /// Whether something was malformed in what was read so far.
    pub(super) const fn is_malformed(&self) -> bool {
        self.malformed
    }

    fn field(&mut self) -> Option<(u32, Field<'a>)> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let value = match tag & 7 {
            VARINT => Field::Varint(self.varint()?),
            FIXED64 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            BYTES => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            FIXED32 => Field::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            // Groups are not used any more.
            _ => return None,
        };
        (tag >> 3 != 0).then_some((tag >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_message_has_its_length_in_front() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let content: Vec<u8> = (0..length)
                .map(|n| u8::try_from(n % 251).unwrap())
                .collect();
            let mut writer = Writer::default();
            writer.uint(1, 7);
            writer.message(2, |message| message.bytes.extend_from_slice(&content));
            writer.uint(3, 8);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.next(), Some((1, Field::Varint(7))));
            assert_eq!(reader.next(), Some((2, Field::Bytes(&content))));
            assert_eq!(reader.next(), Some((3, Field::Varint(8))));
            assert_eq!(reader.next(), None);
            assert!(!reader.is_malformed());
        }
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        for bytes in [
            &[0x08][..],
            &[0x0a, 5, 1],
            &[0x0d, 1],
            &[0x09, 1],
            &[0x0b],
            &[0xff; 11],
            &[0x00, 0x01],
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.next(), None, "{bytes:x?}");
            assert!(reader.is_malformed(), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(number in any::<u64>(), field in 1u32..1 << 28) {
            let mut writer = Writer::default();
            writer.uint_always(field, number);
            let bytes = writer.into_bytes();
            prop_assert_eq!(Reader::new(&bytes).next(), Some((field, Field::Varint(number))));
        }

        #[test]
        fn no_input_makes_it_panic(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while reader.next().is_some() {}
        }
    }
}
