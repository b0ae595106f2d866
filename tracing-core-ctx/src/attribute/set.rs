use std::fmt;

use super::{Array, AttributeKey, AttributeValue, KeyRef, Value, ValueRef};
use crate::limits::AttributeLimits;
use crate::semconv;

/// A bounded table of attributes: one value for each key, in the order of first setting.
///
/// Texts live in one growing buffer beside the table, so that a span with twenty attributes is two allocations.
/// The table is made for writing a few dozen entries once and reading them once; looking up a key is a linear scan.
///
/// ```
/// use tracing_core_ctx::attribute::Attributes;
///
/// let mut attributes = Attributes::new();
/// attributes.set("job.name", "reindex");
/// attributes.set("job.name", "vacuum");
/// assert_eq!(attributes.len(), 1);
/// assert_eq!(attributes.get("job.name").and_then(|v| v.as_str()), Some("vacuum"));
/// ```
#[derive(Clone, Default)]
pub struct Attributes {
    entries: Vec<Entry>,
    text: String,
    large: Vec<Value>,
    dropped: u32,
}

/// Where a text stands in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Text {
    start: u32,
    len: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    key: EntryKey,
    value: EntryValue,
}

#[derive(Clone, Copy)]
enum EntryKey {
    Static(&'static str),
    Text(Text),
}

#[derive(Clone, Copy)]
enum EntryValue {
    Bool(bool),
    F64(f64),
    I64(i64),
    Large(u32),
    Text(Text),
}

impl Attributes {
    /// No attributes, and no allocation yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            text: String::new(),
            large: Vec::new(),
            dropped: 0,
        }
    }

    /// Room for `entries` attributes and `text` bytes of names and values.
    #[must_use]
    pub fn with_capacity(entries: usize, text: usize) -> Self {
        Self {
            entries: Vec::with_capacity(entries),
            text: String::with_capacity(text),
            ..Self::new()
        }
    }

    /// Sets an attribute; a second value for a key replaces the first. Unbounded: see [`set_within`](Self::set_within).
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.set_within(&AttributeLimits::UNLIMITED, key, value);
    }

    /// Sets an attribute within `limits`: a new key over the count is dropped and counted, a longer text is cut.
    pub fn set_within<K: AttributeKey>(
        &mut self,
        limits: &AttributeLimits,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) {
        let (key, value) = (key.key(), value.value());
        if cfg!(debug_assertions) && K::BY_HAND {
            semconv::check::report_once(key.as_str(), value);
        }
        self.put(limits, key, value);
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many attributes were dropped because of a limit.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let position = self.position(KeyRef::Borrowed(key))?;
        Some(self.value(self.entries[position].value))
    }

    /// All attributes in the order in which their keys were first set.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            attributes: self,
            next: 0,
        }
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.large.clear();
        self.dropped = 0;
    }

    /// Bytes of memory held, roughly: what a byte bound of a queue counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        let large: usize = self.large.iter().map(|value| 64 + value_weight(value)).sum();
        self.entries.capacity() * size_of::<Entry>() + self.text.capacity() + large
    }

    pub(crate) fn put(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        if key.as_str().is_empty() {
            // OpenTelemetry common, "Attribute": the key must be a non-empty string.
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        if let Some(position) = self.position(key) {
            let value = self.keep(limits, value);
            self.entries[position].value = value;
            return;
        }
        self.put_new(limits, key, value);
    }

    /// Adds an attribute whose key the caller knows to be new, sparing the scan.
    pub(crate) fn put_new(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        if self.entries.len() >= limits.count {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let key = match key {
            KeyRef::Static(name) => EntryKey::Static(name),
            KeyRef::Borrowed(name) => EntryKey::Text(self.push_text(name)),
        };
        let value = self.keep(limits, value);
        self.entries.push(Entry { key, value });
    }

    /// Copies a text into the buffer; one that would make it larger than 4 GiB becomes empty.
    pub(crate) fn push_text(&mut self, text: &str) -> Text {
        let (Ok(start), Ok(len)) = (u32::try_from(self.text.len()), u32::try_from(text.len())) else {
            return Text::default();
        };
        if start.checked_add(len).is_none() {
            return Text::default();
        }
        self.text.push_str(text);
        Text { start, len }
    }

    pub(crate) fn text(&self, text: Text) -> &str {
        let start = text.start as usize;
        self.text
            .get(start..start + text.len as usize)
            .unwrap_or_default()
    }

    fn keep(&mut self, limits: &AttributeLimits, value: ValueRef<'_>) -> EntryValue {
        match value {
            ValueRef::Bool(flag) => EntryValue::Bool(flag),
            ValueRef::F64(number) => EntryValue::F64(number),
            ValueRef::I64(number) => EntryValue::I64(number),
            ValueRef::Str(text) => EntryValue::Text(self.push_text(limits.cut(text))),
            ValueRef::Bytes(bytes) => {
                let kept = bytes.len().min(limits.value_length);
                self.keep_large(Value::Bytes(bytes[..kept].to_vec()))
            }
            ValueRef::Array(Array::Str(texts)) => {
                let texts = texts.iter().map(|text| limits.cut(text)).collect();
                self.keep_large(Value::Array(texts))
            }
            ValueRef::Array(array) => self.keep_large(Value::Array(array.clone())),
        }
    }

    fn keep_large(&mut self, value: Value) -> EntryValue {
        let Ok(position) = u32::try_from(self.large.len()) else {
            return EntryValue::Bool(false);
        };
        self.large.push(value);
        EntryValue::Large(position)
    }

    fn position(&self, key: KeyRef<'_>) -> Option<usize> {
        let wanted = key.as_str();
        self.entries
            .iter()
            .position(|entry| same(self.key(entry.key), wanted))
    }

    fn key(&self, key: EntryKey) -> &str {
        match key {
            EntryKey::Static(name) => name,
            EntryKey::Text(text) => self.text(text),
        }
    }

    fn value(&self, value: EntryValue) -> ValueRef<'_> {
        match value {
            EntryValue::Bool(flag) => ValueRef::Bool(flag),
            EntryValue::F64(number) => ValueRef::F64(number),
            EntryValue::I64(number) => ValueRef::I64(number),
            EntryValue::Text(text) => ValueRef::Str(self.text(text)),
            EntryValue::Large(position) => match self.large.get(position as usize) {
                Some(value) => value.as_ref(),
                None => ValueRef::Str(""),
            },
        }
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = (&'a str, ValueRef<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The attributes of a table, in order. See [`Attributes::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    attributes: &'a Attributes,
    next: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.attributes.entries.get(self.next)?;
        self.next += 1;
        Some((self.attributes.key(entry.key), self.attributes.value(entry.value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.attributes.len() - self.next.min(self.attributes.len());
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Compares the address first: constants of the conventions mostly meet themselves.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (std::ptr::eq(one.as_ptr(), other.as_ptr()) || one == other)
}

fn value_weight(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(Array::Str(texts)) => texts.iter().map(|text| 24 + text.len()).sum(),
        Value::Array(Array::Bool(list)) => list.len(),
        Value::Array(Array::F64(list)) => list.len() * 8,
        Value::Array(Array::I64(list)) => list.len() * 8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_two_words_of_key_and_two_of_value() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    #[test]
    fn a_new_key_over_the_count_is_dropped_and_counted_but_a_known_one_is_updated() {
        let limits = AttributeLimits {
            count: 1,
            ..AttributeLimits::UNLIMITED
        };
        let mut attributes = Attributes::new();
        attributes.set_within(&limits, "a", 1);
        attributes.set_within(&limits, "b", 2);
        attributes.set_within(&limits, "a", 3);
        assert_eq!(attributes.get("a"), Some(ValueRef::I64(3)));
        assert_eq!(attributes.get("b"), None);
        assert_eq!(attributes.dropped(), 1);
    }

    #[test]
    fn long_texts_are_cut_at_characters_also_inside_lists() {
        let limits = AttributeLimits {
            value_length: 3,
            ..AttributeLimits::UNLIMITED
        };
        let mut attributes = Attributes::new();
        attributes.set_within(&limits, "text", "añb→c");
        attributes.set_within(&limits, "list", Value::from(["→→→→"].into_iter().collect::<Array>()));
        attributes.set_within(&limits, "bytes", Value::Bytes(vec![1, 2, 3, 4]));
        assert_eq!(attributes.get("text"), Some(ValueRef::Str("añb")));
        assert_eq!(attributes.get("list").unwrap().as_strs().unwrap(), ["→→→"]);
        assert_eq!(attributes.get("bytes"), Some(ValueRef::Bytes(&[1, 2, 3])));
    }

    #[test]
    fn an_empty_key_is_dropped_and_counted() {
        let mut attributes = Attributes::new();
        attributes.set("", 1);
        assert!(attributes.is_empty());
        assert_eq!(attributes.dropped(), 1);
    }

    #[test]
    fn unsigned_values_saturate() {
        let mut attributes = Attributes::new();
        attributes.set("big", u64::MAX);
        assert_eq!(attributes.get("big"), Some(ValueRef::I64(i64::MAX)));
    }
}
