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

    #[inline]
    pub(super) fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.uint_always(field, value);
        }
    }

    /// Also writes zero, for a member of a `oneof`.
    #[inline]
    pub(super) fn uint_always(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    #[inline]
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, FIXED32);
            self.array(value.to_le_bytes());
        }
    }

    #[inline]
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.fixed64_always(field, value);
        }
    }

    /// Two fields below 16 with neither value zero, in one go.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the tag of a field below 16 has one byte"
    )]
    pub(super) fn two_fixed64(&mut self, fields: [u32; 2], values: [u64; 2]) {
        let mut bytes = [0; 18];
        bytes[0] = (fields[0] << 3 | FIXED64) as u8;
        bytes[1..9].copy_from_slice(&values[0].to_le_bytes());
        bytes[9] = (fields[1] << 3 | FIXED64) as u8;
        bytes[10..].copy_from_slice(&values[1].to_le_bytes());
        self.array(bytes);
    }

    /// Also writes zero, for a member of a `oneof`.
    #[inline]
    pub(super) fn fixed64_always(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.array(value.to_le_bytes());
    }

    #[inline]
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes_always(field, value);
        }
    }

    /// Also writes what is empty, for a member of a `oneof`.
    #[inline]
    pub(super) fn bytes_always(&mut self, field: u32, value: &[u8]) {
        self.tag(field, BYTES);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Bytes of which the program knows how many they are.
    #[inline]
    pub(super) fn bytes_of<const N: usize>(&mut self, field: u32, value: [u8; N]) {
        // Known while compiling, as is which of the two is taken.
        match (u8::try_from(field << 3 | BYTES), u8::try_from(N)) {
            (Ok(tag @ ..0x80), Ok(len @ ..0x80)) => self.array([tag, len]),
            _ => {
                self.tag(field, BYTES);
                self.varint(N as u64);
            }
        }
        self.array(value);
    }

    /// Bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The same where the program knows how many they are, which copies them without a call.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes.extend_from_slice(&bytes);
    }

    /// The first `len` of these bytes. All are copied, and those behind are forgotten.
    #[inline]
    pub(super) fn start_of<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        let end = self.bytes.len() + len;
        self.bytes.extend_from_slice(bytes);
        self.bytes.truncate(end);
    }

    /// A message within the message, also if it is empty.
    #[inline]
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.message_of_about(field, 0, write);
    }

    /// A message that is expected to have so many bytes.
    ///
    /// The length stands before the content. It is left free as the length of what is expected; where that was wrong, the content is
    /// moved a little. That is cheaper than to measure first and write then.
    #[inline]
    pub(super) fn message_of_about(
        &mut self,
        field: u32,
        expected: usize,
        write: impl FnOnce(&mut Self),
    ) {
        self.tag(field, BYTES);
        let free = varint_len(expected as u64);
        let start = self.bytes.len();
        self.start_of(&[0; LONGEST_VARINT], free);
        write(self);
        let length = (self.bytes.len() - start - free) as u64;
        let needed = varint_len(length);
        if needed != free {
            self.move_content(start, free, needed);
        }
        if let Some(place) = self.bytes.get_mut(start..start + needed) {
            put_varint(place, length);
        }
    }

    /// Moves what was written behind `start` and `free` bytes, so that it stands behind `start` and `needed` bytes.
    #[cold]
    fn move_content(&mut self, start: usize, free: usize, needed: usize) {
        let end = self.bytes.len();
        self.bytes.resize(end.max(end + needed - free), 0);
        self.bytes.copy_within(start + free..end, start + needed);
        self.bytes.truncate(end + needed - free);
    }

    #[inline]
    fn tag(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    /// Numbers of up to three bytes, such as a port, without a loop.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven bits at a time are what is wanted"
    )]
    pub(super) fn varint(&mut self, value: u64) {
        if value < 1 << 7 {
            self.bytes.push(value as u8);
        } else if value < 1 << 14 {
            self.array([value as u8 | 0x80, (value >> 7) as u8]);
        } else if value < 1 << 21 {
            self.array([
                value as u8 | 0x80,
                (value >> 7) as u8 | 0x80,
                (value >> 14) as u8,
            ]);
        } else {
            self.long_varint(value);
        }
    }

    #[inline(never)]
    fn long_varint(&mut self, value: u64) {
        let mut bytes = [0; LONGEST_VARINT];
        let len = varint_len(value);
        put_varint(&mut bytes[..len], value);
        self.start_of(&bytes, len);
    }
}

const LONGEST_VARINT: usize = 10;

/// How many bytes a number takes: seven bits in each.
#[inline]
pub(super) const fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Writes a number into as many bytes as it takes.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "seven bits at a time are what is wanted"
)]
fn put_varint(place: &mut [u8], mut value: u64) {
    if let Some((last, others)) = place.split_last_mut() {
        for byte in others {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        *last = value as u8;
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
