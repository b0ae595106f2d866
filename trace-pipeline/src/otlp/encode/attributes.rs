//! Attributes, which are most of a span: those that are short, as nearly all are, are written in one go.

use std::sync::LazyLock;

use tracing_core_ctx::attribute::{Array, Attributes, KeyCode, KeyRef, ValueRef};

use super::Writer;
use crate::otlp::protobuf::varint_len;

/// Bytes of a message that can be written with a length of one byte.
const SHORT: usize = 0x80;

/// Writes the attributes as messages `KeyValue` in the field `field`, which is below 16.
pub(super) fn attributes(writer: &mut Writer, field: u8, attributes: &Attributes) {
    let keys: &[Key] = &KEYS;
    for (key, of_key) in attributes.entries() {
        if !short(writer, field << 3 | 2, keys, key, of_key) {
            long(writer, field, key.as_str(), of_key);
        }
    }
}

/// The field `key` of an attribute of the conventions.
#[derive(Clone, Copy)]
struct Key {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Key {
    /// Does for nearly all names; fixed, so that a key is copied without asking how long it is.
    const LONGEST: usize = 48;

    const NONE: Self = Self {
        bytes: [0; Self::LONGEST],
        len: 0,
    };

    fn of(code: KeyCode) -> Self {
        let name = code.name().as_bytes();
        let mut key = Self::NONE;
        if let Some(place) = key.bytes.get_mut(2..2 + name.len())
            && let Ok(len) = u8::try_from(name.len())
        {
            place.copy_from_slice(name);
            key.bytes[..2].copy_from_slice(&[KEY, len]);
            key.len = 2 + name.len();
        }
        key
    }
}

/// By the number of the key. The first has no bytes, since no key has that number; and so have those whose names are too long.
static KEYS: LazyLock<Box<[Key]>> = LazyLock::new(|| {
    let mut keys = vec![Key::NONE; KeyCode::MAX + 1];
    for code in KeyCode::all() {
        keys[code.get()] = Key::of(code);
    }
    keys.into_boxed_slice()
});

// Tags of a `KeyValue`, and of an `AnyValue` in it.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const STRING: u8 = 1 << 3 | 2;
const BOOL: u8 = 2 << 3;
const INT: u8 = 3 << 3;
const DOUBLE: u8 = 4 << 3 | 1;

/// Writes an attribute all of whose lengths are of one byte, or says that it is none.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "lengths are compared with `SHORT` before"
)]
fn short(writer: &mut Writer, tag: u8, keys: &[Key], key: KeyRef<'_>, value: ValueRef<'_>) -> bool {
    let value_len = match value {
        ValueRef::Str(text) => 2 + text.len(),
        ValueRef::I64(number) => 1 + varint_len(number.cast_unsigned()),
        ValueRef::F64(_) => 9,
        ValueRef::Bool(_) => 2,
        _ => return false,
    };
    let known = match key {
        KeyRef::Known(code) => keys.get(code.get()).filter(|key| key.len > 0),
        _ => None,
    };
    if let Some(key) = known {
        let len = key.len + 2 + value_len;
        if len >= SHORT {
            return false;
        }
        writer.array([tag, len as u8]);
        writer.start_of(&key.bytes, key.len);
    } else {
        let key = key.as_str().as_bytes();
        let len = 4 + key.len() + value_len;
        if len >= SHORT {
            return false;
        }
        writer.array([tag, len as u8, KEY, key.len() as u8]);
        writer.raw(key);
    }
    match value {
        ValueRef::Str(text) => {
            writer.array([VALUE, value_len as u8, STRING, text.len() as u8]);
            writer.raw(text.as_bytes());
        }
        ValueRef::I64(number) => {
            writer.array([VALUE, value_len as u8, INT]);
            writer.varint(number.cast_unsigned());
        }
        ValueRef::F64(number) => {
            writer.array([VALUE, 9, DOUBLE]);
            writer.array(number.to_le_bytes());
        }
        ValueRef::Bool(flag) => writer.array([VALUE, 2, BOOL, flag.into()]),
        _ => {}
    }
    true
}

#[cold]
fn long(writer: &mut Writer, field: u8, key: &str, of_key: ValueRef<'_>) {
    writer.message(field.into(), |writer| {
        writer.bytes(1, key.as_bytes());
        writer.message(2, |writer| value(writer, of_key));
    });
}

/// An `AnyValue`.
fn value(writer: &mut Writer, value: ValueRef<'_>) {
    match value {
        ValueRef::Str(text) => string(writer, text),
        ValueRef::Bool(flag) => boolean(writer, flag),
        ValueRef::I64(number) => integer(writer, number),
        ValueRef::F64(number) => double(writer, number),
        ValueRef::Array(array) => writer.message(5, |writer| elements(writer, array)),
        ValueRef::Bytes(bytes) => writer.bytes_always(7, bytes),
        // A type that is newer than this exporter: an `AnyValue` without content is a null.
        _ => {}
    }
}

/// The `values` of an `ArrayValue`.
fn elements(writer: &mut Writer, array: &Array) {
    fn each<T>(writer: &mut Writer, values: &[T], write: impl Fn(&mut Writer, &T)) {
        for value in values {
            writer.message(1, |writer| write(writer, value));
        }
    }

    match array {
        Array::Bool(flags) => each(writer, flags, |writer, flag| boolean(writer, *flag)),
        Array::F64(numbers) => each(writer, numbers, |writer, number| double(writer, *number)),
        Array::I64(numbers) => each(writer, numbers, |writer, number| integer(writer, *number)),
        Array::Str(texts) => each(writer, texts, |writer, text| string(writer, text)),
        _ => {}
    }
}

fn string(writer: &mut Writer, text: &str) {
    writer.bytes_always(1, text.as_bytes());
}

fn boolean(writer: &mut Writer, flag: bool) {
    writer.uint_always(2, flag.into());
}

fn integer(writer: &mut Writer, number: i64) {
    // An `int64`: the two's complement as it is.
    writer.uint_always(3, number.cast_unsigned());
}

fn double(writer: &mut Writer, number: f64) {
    writer.fixed64_always(4, number.to_bits());
}
