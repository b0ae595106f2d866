use std::fmt;
use std::mem;

use super::texts::{Text, Texts};
use super::{Array, AttributeKey, AttributeValue, KeyRef, Value, ValueRef};
use crate::limits::AttributeLimits;
use crate::semconv;

/// A bounded table of attributes: one value for each key, in the order of first setting.
///
/// Texts live in one buffer beside the table, so that a span with twenty attributes is two allocations. The buffer is at most about
/// twice as large as the texts in it, however often they are replaced. The table is made for writing a few dozen entries
/// once and reading them once; looking up a key is a linear scan.
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
    texts: Texts,
    large: Vec<Value>,
    /// A span keeps its name here too, which spares an allocation.
    name: Text,
    dropped: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    key: EntryKey,
    value: EntryValue,
}

impl Entry {
    fn texts(&mut self) -> impl Iterator<Item = &mut Text> {
        let key = match &mut self.key {
            EntryKey::Static(_) => None,
            EntryKey::Text(text) => Some(text),
        };
        let value = match &mut self.value {
            EntryValue::Text(text) => Some(text),
            _ => None,
        };
        key.into_iter().chain(value)
    }
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
            texts: Texts::new(),
            large: Vec::new(),
            name: Text::EMPTY,
            dropped: 0,
        }
    }

    /// Room for `entries` attributes and `text` bytes of names and values.
    #[must_use]
    pub fn with_capacity(entries: usize, text: usize) -> Self {
        let mut attributes = Self::new();
        attributes.reserve(entries, text);
        attributes
    }

    /// Room for so many more.
    pub(crate) fn reserve(&mut self, entries: usize, text: usize) {
        if self.entries.capacity() == 0 && self.texts.capacity() == 0 {
            // New memory costs less than grown memory, and most spans begin here.
            self.entries = Vec::with_capacity(entries);
            self.texts = Texts::with_capacity(text);
        } else {
            self.entries.reserve(entries);
            self.texts.reserve(text);
        }
    }

    /// Sets an attribute; a second value for a key replaces the first. Unbounded: see [`set_within`](Self::set_within).
    ///
    /// An empty key is dropped and counted.
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
        check::<K>(key, value);
        self.put(limits, key, value);
    }

    /// The same for a key that the caller knows to be new, sparing the scan.
    #[inline]
    pub(crate) fn set_new_within<K: AttributeKey>(
        &mut self,
        limits: &AttributeLimits,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) {
        let (key, value) = (key.key(), value.value());
        check::<K>(key, value);
        self.put_new(limits, key, value);
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
        self.texts.clear();
        self.large.clear();
        self.name = Text::EMPTY;
        self.dropped = 0;
    }

    /// Bytes of memory held, roughly: what a byte bound of a queue counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        let large: usize = self.large.iter().map(|value| 64 + value.weight()).sum();
        self.entries.capacity() * size_of::<Entry>() + self.texts.capacity() + large
    }

    pub(crate) fn put(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        match self.position(key) {
            Some(position) => {
                let old = mem::replace(&mut self.entries[position].value, EntryValue::Bool(false));
                self.free(old);
                self.entries[position].value = self.keep(limits, value);
            }
            None => self.put_new(limits, key, value),
        }
    }

    #[inline]
    fn put_new(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        // OpenTelemetry common, "Attribute": the key must be a non-empty string.
        if self.entries.len() >= limits.count || key.as_str().is_empty() {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let key = match key {
            KeyRef::Static(name) => EntryKey::Static(name),
            KeyRef::Borrowed(name) => EntryKey::Text(self.texts.push(name)),
        };
        let value = self.keep(limits, value);
        self.entries.push(Entry { key, value });
    }

    /// Sets all attributes of another table, and counts what that one has dropped.
    pub(crate) fn put_all(&mut self, limits: &AttributeLimits, other: &Self) {
        for entry in &other.entries {
            let key = match entry.key {
                EntryKey::Static(name) => KeyRef::Static(name),
                EntryKey::Text(text) => KeyRef::Borrowed(other.texts.get(text)),
            };
            self.put(limits, key, other.value(entry.value));
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
    }

    pub(crate) fn name(&self) -> &str {
        self.texts.get(self.name)
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        if self.name() != name {
            let old = mem::take(&mut self.name);
            self.free(EntryValue::Text(old));
            self.name = self.texts.push(name);
        }
    }

    /// Takes back the memory of a value that no entry has any more.
    fn free(&mut self, value: EntryValue) {
        match value {
            EntryValue::Bool(_) | EntryValue::F64(_) | EntryValue::I64(_) => {}
            EntryValue::Large(position) => self.free_large(position),
            EntryValue::Text(text) => {
                self.texts.free(text);
                if self.texts.has_many_holes() {
                    let live = self.entries.iter_mut().flat_map(Entry::texts);
                    self.texts.close_holes(live.chain([&mut self.name]));
                }
            }
        }
    }

    /// The last one takes the place that becomes free.
    fn free_large(&mut self, free: u32) {
        if free as usize >= self.large.len() {
            return;
        }
        self.large.swap_remove(free as usize);
        let moved = self.large.len();
        for entry in &mut self.entries {
            match &mut entry.value {
                EntryValue::Large(position) if *position as usize == moved => *position = free,
                _ => {}
            }
        }
    }

    #[inline]
    fn keep(&mut self, limits: &AttributeLimits, value: ValueRef<'_>) -> EntryValue {
        match value {
            ValueRef::Bool(flag) => EntryValue::Bool(flag),
            ValueRef::F64(number) => EntryValue::F64(number),
            ValueRef::I64(number) => EntryValue::I64(number),
            ValueRef::Str(text) => EntryValue::Text(self.texts.push(limits.cut(text))),
            ValueRef::Array(_) | ValueRef::Bytes(_) => self.keep_large(limits, value),
        }
    }

    #[cold]
    fn keep_large(&mut self, limits: &AttributeLimits, value: ValueRef<'_>) -> EntryValue {
        let value = match value {
            ValueRef::Array(Array::Str(texts)) => {
                Value::Array(texts.iter().map(|text| limits.cut(text)).collect())
            }
            ValueRef::Bytes(bytes) => {
                let kept = bytes.len().min(limits.value_length);
                Value::Bytes(bytes[..kept].to_vec())
            }
            other => other.to_value(),
        };
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
            EntryKey::Text(text) => self.texts.get(text),
        }
    }

    fn value(&self, value: EntryValue) -> ValueRef<'_> {
        match value {
            EntryValue::Bool(flag) => ValueRef::Bool(flag),
            EntryValue::F64(number) => ValueRef::F64(number),
            EntryValue::I64(number) => ValueRef::I64(number),
            EntryValue::Text(text) => ValueRef::Str(self.texts.get(text)),
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
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, value)| other.get(key) == Some(value))
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
        Some((
            self.attributes.key(entry.key),
            self.attributes.value(entry.value),
        ))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.attributes.len() - self.next.min(self.attributes.len());
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// In debug builds, reports a name of the conventions that was written by hand and is wrong.
fn check<K: AttributeKey>(key: KeyRef<'_>, value: ValueRef<'_>) {
    if cfg!(debug_assertions) && K::BY_HAND {
        semconv::check::report_once(key.as_str(), value);
    }
}

/// Compares the address first: constants of the conventions mostly meet themselves.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (std::ptr::eq(one.as_ptr(), other.as_ptr()) || one == other)
}

#[cfg(test)]
mod tests;
