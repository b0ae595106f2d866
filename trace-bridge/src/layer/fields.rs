//! The values of fields, as attributes have them.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};

use tracing::field::{Field, Visit};
use tracing_core_ctx::attribute::{KeyRef, StaticKey, ValueRef};
use tracing_core_ctx::span::SpanWriter;

/// A value as `tracing` hands it over. What has to be put into words is put into words by those who want to read it.
#[derive(Clone, Copy)]
pub(crate) enum Given<'a> {
    Debug(&'a dyn fmt::Debug),
    Error(&'a (dyn Error + 'static)),
    Value(ValueRef<'a>),
}

impl Given<'_> {
    /// Shows the value to `read`; not if it cannot be put into words because its `Debug` or `Display` panics.
    #[inline]
    pub(crate) fn read(self, read: impl FnOnce(ValueRef<'_>)) {
        match self {
            Self::Value(value) => read(value),
            Self::Debug(value) => in_words(format_args!("{value:?}"), |text| {
                read(ValueRef::Str(text));
            }),
            Self::Error(error) => in_words(format_args!("{error}"), |text| {
                read(ValueRef::Str(text));
            }),
        }
    }

    /// The same, for those who want a text.
    pub(crate) fn read_text(self, read: impl FnOnce(&str)) {
        self.read(|value| match value {
            ValueRef::Str(text) => read(text),
            ValueRef::Bool(flag) => in_words(format_args!("{flag}"), read),
            ValueRef::I64(number) => in_words(format_args!("{number}"), read),
            ValueRef::F64(number) => in_words(format_args!("{number}"), read),
            other => in_words(format_args!("{other:?}"), read),
        });
    }
}

/// Sets fields that are attributes and nothing else, and are not there yet.
pub(super) struct Plain<'a, 'b> {
    pub(super) span: &'a mut SpanWriter<'b>,
    /// The names of the fields, in their order.
    pub(super) keys: &'a [StaticKey],
    /// Whether one was handed over as an error.
    pub(super) has_error: bool,
}

impl Plain<'_, '_> {
    /// Each by itself, so that what there is to do is known where it is called.
    #[inline(always)]
    fn set(&mut self, field: &Field, value: ValueRef<'_>) {
        if let Some(key) = self.keys.get(field.index()) {
            self.span.set_new(KeyRef::Prepared(*key), value);
        }
    }

    fn rest(&mut self) -> Each<impl FnMut(&'static str, Given<'_>)> {
        each(|name, value| {
            self.has_error |= matches!(value, Given::Error(_));
            value.read(|value| self.span.set_new(KeyRef::Static(name), value));
        })
    }
}

impl Visit for Plain<'_, '_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, ValueRef::Bool(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.rest().record_bytes(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.rest().record_debug(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.rest().record_error(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, ValueRef::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, ValueRef::I64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.rest().record_i128(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, ValueRef::Str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.rest().record_u64(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.rest().record_u128(field, value);
    }
}

/// Hands each field to a closure.
pub(crate) const fn each<F: FnMut(&'static str, Given<'_>)>(take: F) -> Each<F> {
    Each(take)
}

pub(crate) struct Each<F>(F);

impl<F: FnMut(&'static str, Given<'_>)> Visit for Each<F> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.0)(field.name(), Given::Value(ValueRef::Bool(value)));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        (self.0)(field.name(), Given::Value(ValueRef::Bytes(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field.name(), Given::Debug(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        (self.0)(field.name(), Given::Error(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        (self.0)(field.name(), Given::Value(ValueRef::F64(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        (self.0)(field.name(), Given::Value(ValueRef::I64(value)));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        (self.0)(field.name(), Given::Value(ValueRef::Str(value)));
    }

    // OTLP has no number beyond 64 signed bits: those are sent as digits (OpenTelemetry, "Mapping Arbitrary Data to OTLP AnyValue").
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }
}

thread_local! {
    static WORDS: Cell<String> = const { Cell::new(String::new()) };
}

/// What a text may have at most, and what is kept of its memory.
const LONGEST: usize = 64 * 1024;
const KEPT: usize = 4 * 1024;

/// Puts something into words, in memory that is used again. If foreign code panics in there, `read` does not run.
pub(super) fn in_words(what: fmt::Arguments<'_>, read: impl FnOnce(&str)) {
    // Taken, not borrowed: the code that is called may come back here.
    let mut text = Bounded(WORDS.try_with(Cell::take).unwrap_or_default());
    text.0.clear();
    // The error says that the text is full, or comes from a `Display` that gave up: what was written until then counts.
    if panic::catch_unwind(AssertUnwindSafe(|| text.write_fmt(what).is_ok())).is_ok() {
        read(&text.0);
    }
    if text.0.capacity() <= KEPT {
        let _ = WORDS.try_with(|words| words.set(text.0));
    }
}

/// A text that takes no more than [`LONGEST`] bytes.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        let end = (0..=room)
            .rev()
            .find(|&end| more.is_char_boundary(end))
            .unwrap_or_default();
        self.0.push_str(&more[..end]);
        Err(fmt::Error)
    }
}
