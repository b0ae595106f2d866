//! Attributes, which are most of a span: those that are short, as nearly all are, are written in one go.

use std::sync::LazyLock;

use tracing_core_ctx::attribute::{Array, Attributes, KeyCode, KeyRef, ValueRef, Visitor};

use super::Writer;

/// Bytes of a message that can be written with a length of one byte.
const SHORT: usize = 0x80;

/// Writes the attributes as messages `KeyValue` in the field `field`, which is below 16.
pub(super) fn attributes(writer: &mut Writer, field: u8, attributes: &Attributes) {
    attributes.visit(&mut Fields {
        writer,
        tag: field << 3 | 2,
        keys: &KEYS,
    });
}

/// Writes each attribute as a field.
struct Fields<'a> {
    writer: &'a mut Writer,
    tag: u8,
    keys: &'a [Key],
}

/// The field `key` of an attribute of the conventions, and in front of it the place of the tag and the length of the attribute.
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
        if let Some(place) = key.bytes.get_mut(4..4 + name.len())
            && let Ok(len) = u8::try_from(name.len())
        {
            place.copy_from_slice(name);
            key.bytes[2..4].copy_from_slice(&[KEY, len]);
            key.len = 4 + name.len();
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

impl Fields<'_> {
    /// Writes all but the value of an attribute all of whose lengths are of one byte, or says that it is none. The `AnyValue` is to have
    /// `value_len` bytes.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths are compared with `SHORT` before"
    )]
    fn start(&mut self, key: KeyRef<'_>, value_len: usize) -> bool {
        if let KeyRef::Known(code) = key
            && let Some(key) = self.keys.get(code.get())
            && key.len > 0
        {
            let len = key.len + value_len;
            if len >= SHORT {
                return false;
            }
            let mut head = key.bytes;
            head[0] = self.tag;
            head[1] = len as u8;
            self.writer.start_of(&head, key.len);
            return true;
        }
        let key = key.as_str().as_bytes();
        let len = 4 + key.len() + value_len;
        if len >= SHORT {
            return false;
        }
        self.writer
            .array([self.tag, len as u8, KEY, key.len() as u8]);
        self.writer.raw(key);
        true
    }

    #[cold]
    fn long(&mut self, key: KeyRef<'_>, of_key: ValueRef<'_>) {
        long(self.writer, self.tag >> 3, key.as_str(), of_key);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "lengths are compared with `SHORT` before, and seven bits at a time are what is wanted"
)]
impl Visitor for Fields<'_> {
    #[inline(always)]
    fn flag(&mut self, key: KeyRef<'_>, flag: bool) {
        if self.start(key, 2) {
            self.writer.array([VALUE, 2, BOOL, flag.into()]);
        } else {
            self.long(key, ValueRef::Bool(flag));
        }
    }

    #[inline(always)]
    fn float(&mut self, key: KeyRef<'_>, number: f64) {
        if self.start(key, 9) {
            let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
            self.writer
                .array([VALUE, 9, DOUBLE, a, b, c, d, e, f, g, h]);
        } else {
            self.long(key, ValueRef::F64(number));
        }
    }

    /// Numbers of up to three bytes, such as a port, are written in one go.
    #[inline(always)]
    fn integer(&mut self, key: KeyRef<'_>, number: i64) {
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
        if self.start(key, 1 + len) {
            let bytes = [VALUE, 1 + len as u8, INT, bytes[0], bytes[1], bytes[2]];
            self.writer.start_of(&bytes, 3 + len);
        } else {
            self.long(key, ValueRef::I64(number));
        }
    }

    fn other(&mut self, key: KeyRef<'_>, value: ValueRef<'_>) {
        self.long(key, value);
    }

    #[inline(always)]
    fn text(&mut self, key: KeyRef<'_>, text: &[u8]) {
        if self.start(key, 2 + text.len()) {
            let len = text.len() as u8;
            self.writer.array([VALUE, 2 + len, STRING, len]);
            self.writer.raw(text);
        } else {
            long_text(self.writer, self.tag >> 3, key.as_str(), text);
        }
    }
}

#[cold]
fn long(writer: &mut Writer, field: u8, key: &str, of_key: ValueRef<'_>) {
    writer.message(field.into(), |writer| {
        writer.bytes(1, key.as_bytes());
        writer.message(2, |writer| value(writer, of_key));
    });
}

#[cold]
fn long_text(writer: &mut Writer, field: u8, key: &str, text: &[u8]) {
    writer.message(field.into(), |writer| {
        writer.bytes(1, key.as_bytes());
        writer.message(2, |writer| writer.bytes_always(1, text));
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
