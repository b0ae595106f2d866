//! Attributes, which are most of a span: those that are short, as nearly all are, are written in one go.

use std::mem;
use std::ops::Range;

use tracing_core_ctx::attribute::{Array, Attributes, KeptKey, KeptText, ValueRef, Visitor};

use super::super::protobuf::{
    BYTES, FIXED64, SHORT_TEXT, VARINT, Writer, copy_short, copy_text, len_of_bytes, tag,
};
use super::names::{KEY, Key, Names};

/// Writes the attributes as messages `KeyValue` in a field with the tag `TAG`.
#[inline(always)]
pub(super) fn attributes<'a, const TAG: u8>(
    writer: Writer<'a>,
    names: &mut Names,
    attributes: &Attributes,
) -> Writer<'a> {
    attributes_at::<TAG>(writer, names, attributes, 0..attributes.len())
}

/// The same of some of them.
#[inline(always)]
pub(super) fn attributes_at<'a, const TAG: u8>(
    writer: Writer<'a>,
    names: &mut Names,
    attributes: &Attributes,
    positions: Range<usize>,
) -> Writer<'a> {
    attributes
        .visit_range(positions, Fields::<'_, '_, TAG> { writer, names })
        .writer
}

/// Writes each attribute as a field.
struct Fields<'a, 'b, const TAG: u8> {
    writer: Writer<'a>,
    names: &'b mut Names,
}

/// Room for the field `value` of an attribute, with a text in it that is short.
const VALUE_ROOM: usize = 4 + SHORT_TEXT;

/// Room for an attribute: the longest key and a value.
const ROOM: usize = 64 + VALUE_ROOM;

/// A name of so many bytes and a value that is short have less than 128 together.
const LONGEST_NAME: usize = 56;

// Tags of a `KeyValue`, and of an `AnyValue` in it.
const VALUE: u8 = tag(2, BYTES);
const STRING: u8 = tag(1, BYTES);
const BOOL: u8 = tag(2, VARINT);
const INT: u8 = tag(3, VARINT);
const DOUBLE: u8 = tag(4, FIXED64);

impl<const TAG: u8> Fields<'_, '_, TAG> {
    /// Writes an attribute whose field `value` has `value_len` bytes, all of which `write` writes; they are few. Or says that its name is
    /// too long.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a name, and a value that is short, have less than 128 bytes together"
    )]
    fn short(
        &mut self,
        key: KeptKey<'_>,
        value_len: usize,
        write: impl FnOnce(&mut [u8; VALUE_ROOM]),
    ) -> bool {
        if let Some(key) = self.names.key(key) {
            let writer = mem::take(&mut self.writer);
            self.writer = writer.chunk(|chunk: &mut [u8; ROOM]| {
                chunk[..Key::LONGEST].copy_from_slice(&key.bytes[..Key::LONGEST]);
                if TAG != Key::TAG {
                    chunk[0] = TAG;
                }
                chunk[1] = chunk[1].wrapping_add(value_len as u8);
                let end = key.len & 63;
                if let Some(value) = chunk[end..].first_chunk_mut() {
                    write(value);
                }
                // It is shorter, and this says so.
                (end + value_len) & 127
            });
            return true;
        }
        let name = key.name().as_bytes();
        if name.len() > LONGEST_NAME {
            return false;
        }
        self.writer = put_name(mem::take(&mut self.writer), TAG, name, value_len).chunk(|chunk| {
            write(chunk);
            value_len
        });
        true
    }

    /// The same for what is not short.
    #[inline(always)]
    fn long(&mut self, key: KeptKey<'_>, value: ValueRef<'_>) {
        self.writer = long(
            mem::take(&mut self.writer),
            TAG,
            key.name().as_bytes(),
            value,
        );
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "of texts that are short the length has one byte, and of numbers seven bits at a time are wanted"
)]
impl<const TAG: u8> Visitor for Fields<'_, '_, TAG> {
    #[inline(always)]
    fn flag(&mut self, key: KeptKey<'_>, flag: bool) {
        let is_short = self.short(key, 4, |value| {
            value[..4].copy_from_slice(&[VALUE, 2, BOOL, flag.into()]);
        });
        if !is_short {
            self.long(key, ValueRef::Bool(flag));
        }
    }

    #[inline(always)]
    fn float(&mut self, key: KeptKey<'_>, number: f64) {
        let is_short = self.short(key, 11, |value| {
            value[..3].copy_from_slice(&[VALUE, 9, DOUBLE]);
            value[3..11].copy_from_slice(&number.to_le_bytes());
        });
        if !is_short {
            self.long(key, ValueRef::F64(number));
        }
    }

    /// Numbers of up to three bytes, such as a port, are written in one go.
    #[inline(always)]
    fn integer(&mut self, key: KeptKey<'_>, number: i64) {
        let bits = number.cast_unsigned();
        let (low, middle, high) = (bits as u8, (bits >> 7) as u8, (bits >> 14) as u8);
        let (len, bytes) = if bits < 1 << 7 {
            (1, [low, 0, 0])
        } else if bits < 1 << 14 {
            (2, [low | 0x80, middle, 0])
        } else if bits < 1 << 21 {
            (3, [low | 0x80, middle | 0x80, high])
        } else {
            return self.long(key, ValueRef::I64(number));
        };
        let is_short = self.short(key, 3 + len, |value| {
            value[..3].copy_from_slice(&[VALUE, 1 + len as u8, INT]);
            value[3..6].copy_from_slice(&bytes);
        });
        if !is_short {
            self.long(key, ValueRef::I64(number));
        }
    }

    #[inline(always)]
    fn other(&mut self, key: KeptKey<'_>, value: ValueRef<'_>) {
        self.long(key, value);
    }

    #[inline(always)]
    fn text(&mut self, key: KeptKey<'_>, text: KeptText<'_>) {
        let len = text.len();
        let is_short = len <= SHORT_TEXT
            && self.short(key, 4 + len, |value| {
                // In one number: `VALUE`, the length of the `AnyValue`, `STRING`, the length of the text.
                let head = u32::from_le_bytes([VALUE, 2, STRING, 0]) + len as u32 * 0x0100_0100;
                value[..4].copy_from_slice(&head.to_le_bytes());
                if let Some(place) = value[4..].first_chunk_mut() {
                    copy_text(text, place);
                }
            });
        if !is_short {
            let key = key.name().as_bytes();
            self.writer = long_text(mem::take(&mut self.writer), TAG, key, text.as_bytes());
        }
    }
}

/// Begins an attribute whose name is not one of the conventions, and not long.
#[inline(never)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "name and value have less than 128 bytes together"
)]
fn put_name<'a>(writer: Writer<'a>, tag: u8, name: &[u8], value_len: usize) -> Writer<'a> {
    writer.chunk(|chunk: &mut [u8; 4 + SHORT_TEXT]| {
        let len = 2 + name.len() + value_len;
        chunk[..4].copy_from_slice(&[tag, len as u8, KEY, name.len() as u8]);
        if let Some(place) = chunk[4..].first_chunk_mut() {
            copy_short(name, place);
        }
        4 + name.len()
    })
}

#[inline(never)]
fn long_text<'a>(writer: Writer<'a>, tag: u8, key: &[u8], text: &[u8]) -> Writer<'a> {
    let value_len = len_of_bytes(text.len());
    let len = len_of_bytes(key.len()) + len_of_bytes(value_len);
    writer
        .array([tag])
        .varint(len as u64)
        .bytes_always(1, key)
        .array([VALUE])
        .varint(value_len as u64)
        .bytes_always(1, text)
}

#[cold]
fn long<'a>(writer: Writer<'a>, tag: u8, key: &[u8], of_key: ValueRef<'_>) -> Writer<'a> {
    writer.message(tag >> 3, 0, |writer| {
        writer
            .bytes(1, key)
            .message(2, 0, |writer| value(writer, of_key))
    })
}

/// An `AnyValue`.
fn value<'a>(writer: Writer<'a>, value: ValueRef<'_>) -> Writer<'a> {
    match value {
        ValueRef::Str(text) => writer.bytes_always(1, text.as_bytes()),
        ValueRef::Bool(flag) => writer.uint_always(2, flag.into()),
        // An `int64`: the two's complement as it is.
        ValueRef::I64(number) => writer.uint_always(3, number.cast_unsigned()),
        ValueRef::F64(number) => writer.fixed64_always(4, number.to_bits()),
        ValueRef::Array(array) => writer.message(5, 0, |writer| elements(writer, array)),
        ValueRef::Bytes(bytes) => writer.bytes_always(7, bytes),
        // A type that is newer than this exporter: an `AnyValue` without content is a null.
        _ => writer,
    }
}

/// The `values` of an `ArrayValue`.
fn elements<'a>(writer: Writer<'a>, array: &Array) -> Writer<'a> {
    fn each<'a, T>(
        writer: Writer<'a>,
        values: &[T],
        element: impl Fn(&T) -> ValueRef<'_>,
    ) -> Writer<'a> {
        values.iter().fold(writer, |writer, one| {
            writer.message(1, 0, |writer| value(writer, element(one)))
        })
    }

    match array {
        Array::Bool(flags) => each(writer, flags, |flag| ValueRef::Bool(*flag)),
        Array::F64(numbers) => each(writer, numbers, |number| ValueRef::F64(*number)),
        Array::I64(numbers) => each(writer, numbers, |number| ValueRef::I64(*number)),
        Array::Str(texts) => each(writer, texts, |text| ValueRef::Str(text)),
        _ => writer,
    }
}
