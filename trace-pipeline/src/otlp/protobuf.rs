//! The wire format of Protocol Buffers, as far as OTLP needs it
//! ([encoding](https://protobuf.dev/programming-guides/encoding/)).

mod output;
mod writer;

pub(super) use output::Output;
pub(super) use writer::{SHORT_TEXT, Writer, copy_short, copy_text, len_of_bytes, tag};

// Wire types.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const FIXED32: u8 = 5;

/// A message with one text.
#[cfg(feature = "jaeger-remote")]
pub(crate) fn message_of(field: u8, text: &str) -> Vec<u8> {
    let mut message = Output::with_capacity(0);
    message.write(|writer| writer.bytes(field, text.as_bytes()));
    message.into_bytes()
}

/// Reads fields one after the other. What is malformed ends the reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    malformed: bool,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64(u64),
    Varint(u64),
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            malformed: false,
        }
    }

    /// The next field with its number; `None` at the end, and where the message is malformed.
    pub(crate) fn next(&mut self) -> Option<(u32, Field<'a>)> {
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
    pub(crate) const fn is_malformed(&self) -> bool {
        self.malformed
    }

    fn field(&mut self) -> Option<(u32, Field<'a>)> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let value = match (tag & 7) as u8 {
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

    fn written(write: impl Fn(Writer<'_>) -> Writer<'_>) -> Vec<u8> {
        let mut output = Output::with_capacity(0);
        output.write(write);
        output.into_bytes()
    }

    #[test]
    fn a_long_message_has_its_length_in_front() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let content: Vec<u8> = (0..length)
                .map(|n| u8::try_from(n % 251).unwrap())
                .collect();
            for expected in [0, 128, 16_384] {
                let bytes = written(|writer| {
                    writer
                        .uint(1, 7)
                        .message(2, expected, |message| message.raw(&content))
                        .uint(3, 8)
                });
                let mut output = Output::with_capacity(0);
                output.write(|writer| writer.uint(1, 7));
                let open = output.open(2, expected);
                output.write(|writer| writer.raw(&content));
                output.close(open);
                output.write(|writer| writer.uint(3, 8));
                assert_eq!(output.into_bytes(), bytes);

                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.next(), Some((1, Field::Varint(7))));
                assert_eq!(reader.next(), Some((2, Field::Bytes(&content))));
                assert_eq!(reader.next(), Some((3, Field::Varint(8))));
                assert_eq!(reader.next(), None);
                assert!(!reader.is_malformed());
            }
        }
    }

    #[test]
    fn what_finds_too_little_room_is_written_again() {
        for length in (1_900..2_100).chain(3_900..4_100) {
            let content = vec![7; length];
            let bytes = written(|writer| writer.message(1, 0, |message| message.raw(&content)));
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.next(), Some((1, Field::Bytes(&content))));
            assert_eq!(reader.next(), None);
        }
    }

    #[test]
    fn short_texts_of_all_lengths_are_copied() {
        let text: Vec<u8> = (1..=64).collect();
        for length in 0..=text.len() {
            let mut copy = [0; SHORT_TEXT];
            copy_short(&text[..length], &mut copy);
            assert_eq!(copy[..length], text[..length]);
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
        fn numbers_come_back(number in any::<u64>(), field in 1u8..16, other in 1u32..1 << 28) {
            let bytes = written(|writer| {
                writer
                    .uint_always(field, number)
                    .varint(u64::from(other) << 3)
                    .varint(number)
            });
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.next(), Some((field.into(), Field::Varint(number))));
            prop_assert_eq!(reader.next(), Some((other, Field::Varint(number))));
            prop_assert_eq!(reader.next(), None);
        }

        #[test]
        fn no_input_makes_it_panic(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while reader.next().is_some() {}
        }
    }
}
