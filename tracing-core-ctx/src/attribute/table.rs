mod read;
mod template;

use super::entries::Entries;
use super::entry::{Entry, EntryKey, EntryValue};
use super::large::Large;
use super::mark::{Mark, Marks};
use super::names::Names;
use super::part::Part;
use super::texts::{Text, Texts};
use super::{Array, KeyRef, StaticKey, Value, ValueRef};
use crate::limits::{AttributeLimits, cut};

/// What is behind [`Attributes`](super::Attributes): the entries, and beside them what does not fit into 16 bytes.
#[derive(Clone)]
pub(super) struct Table {
    entries: Entries,
    texts: Texts,
    names: Names,
    large: Large,
    /// A span keeps its name here too, which spares an allocation.
    name: Text,
    dropped: u32,
    /// Of all keys, so that most new ones are known as new at once.
    marks: Marks,
    part: Part,
    /// Whether there is a key that is not kept by its number: the conventions do not have it, or it was written by hand.
    has_names: bool,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self {
            entries: Entries::new(),
            texts: Texts::new(),
            names: Names::new(),
            large: Large::new(),
            name: Text::EMPTY,
            dropped: 0,
            marks: Marks::NONE,
            part: Part::NONE,
            has_names: false,
        }
    }

    pub(super) fn with_capacity(entries: usize, text: usize) -> Self {
        let mut table = Self {
            texts: Texts::with_capacity(text),
            ..Self::new()
        };
        table.entries.reserve(entries);
        table
    }

    /// Room for so many more.
    pub(super) fn reserve(&mut self, entries: usize, text: usize) {
        self.entries.reserve(entries);
        self.texts.reserve(text);
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn dropped(&self) -> u32 {
        self.dropped
    }

    pub(super) const fn drop_more(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }

    pub(super) fn clear(&mut self) {
        self.part.end(self.is_new());
        self.entries.clear();
        self.texts.clear();
        self.names.clear();
        self.has_names = false;
        self.large.clear();
        self.name = Text::EMPTY;
        self.dropped = 0;
        self.marks = Marks::NONE;
    }

    /// Whether nothing was set since the last [`clear`](Self::clear).
    #[inline]
    const fn is_new(&self) -> bool {
        self.entries.len() == 0 && self.texts.is_new()
    }

    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.entries.weight() + self.texts.capacity() + self.large.weight()
    }

    #[inline(always)]
    pub(super) fn put(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        if !self.marks.have(mark(key)) {
            return self.put_new(limits, key, value);
        }
        self.put_marked(limits, key, value);
    }

    /// For a key that is there already, or looks as if.
    #[inline(never)]
    fn put_marked(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        match self.position(key) {
            Some(position) => self.replace(limits, position, value),
            None => self.put_new(limits, key, value),
        }
    }

    /// Sets all attributes of another table, and counts what that one has dropped.
    pub(super) fn put_all(&mut self, limits: &AttributeLimits, other: &Self) {
        for position in 0..other.len() {
            if let Some((key, value)) = other.get(position) {
                self.put(limits, key, value);
            }
        }
        self.drop_more(other.dropped);
    }

    /// For a key that is not there yet.
    ///
    /// Inlined, since the kinds of key and value are known where it is called: what is left there is a comparison or two and the
    /// writing of an entry, or one call.
    #[inline(always)]
    pub(super) fn put_new(
        &mut self,
        limits: &AttributeLimits,
        key: KeyRef<'_>,
        value: ValueRef<'_>,
    ) {
        let entry_key = match key {
            KeyRef::Known(code) => Some(EntryKey::known(code)),
            KeyRef::Prepared(key) => self.keep_prepared_name(limits.count, key),
            KeyRef::Static(name) => self.keep_static_name(limits.count, name),
            KeyRef::Borrowed(name) => self.keep_name(limits.count, name),
        };
        let Some(entry_key) = entry_key else {
            return self.drop_one();
        };
        // Asked of the key as it was given: that is a constant where the key is one.
        self.marks.add(mark(key));
        let key = entry_key;
        match value {
            ValueRef::Bool(flag) => self.push(limits.count, key, EntryValue::Bool(flag)),
            ValueRef::F64(number) => self.push(limits.count, key, EntryValue::F64(number)),
            ValueRef::I64(number) => self.push(limits.count, key, EntryValue::I64(number)),
            ValueRef::Str(text) => self.push_text(limits, key, text),
            ValueRef::Array(_) | ValueRef::Bytes(_) => self.push_large(limits, key, value),
        }
    }

    #[inline(always)]
    fn push(&mut self, count: usize, key: EntryKey, value: EntryValue) {
        if self.entries.len() >= count {
            return self.drop_one();
        }
        self.entries.push(Entry::new(key, value));
    }

    #[inline(never)]
    fn push_text(&mut self, limits: &AttributeLimits, key: EntryKey, text: &str) {
        if self.entries.len() >= limits.count || text.len() > limits.value_length {
            return self.push_more_text(limits, key, text);
        }
        let Some(entry) = self.entries.next_inline() else {
            return self.push_more_text(limits, key, text);
        };
        let Some((place, bytes)) = self.texts.place(text.len()) else {
            return self.push_more_text(limits, key, text);
        };
        *entry = Entry::new(key, EntryValue::Text(place));
        self.entries.add_one();
        // At the very end, so that it is a jump and no register has to be kept for what follows.
        bytes.copy_from_slice(text.as_bytes());
    }

    /// The same where memory is needed, or a limit is reached.
    #[cold]
    fn push_more_text(&mut self, limits: &AttributeLimits, key: EntryKey, text: &str) {
        if self.entries.len() >= limits.count {
            return self.drop_one();
        }
        let text = self.texts.push(cut(text, limits.value_length));
        self.entries.push(Entry::new(key, EntryValue::Text(text)));
    }

    #[cold]
    fn push_large(&mut self, limits: &AttributeLimits, key: EntryKey, value: ValueRef<'_>) {
        if self.entries.len() >= limits.count {
            return self.drop_one();
        }
        let value = self.keep_large(limits, value);
        self.entries.push(Entry::new(key, value));
    }

    #[cold]
    fn drop_one(&mut self) {
        self.drop_more(1);
    }

    /// `None` if it may be no key, or there is no room for one. So is it of [`keep_name`](Self::keep_name).
    ///
    /// Inlined: nearly all is known where the name is.
    #[inline(always)]
    fn keep_static_name(&mut self, count: usize, name: &'static str) -> Option<EntryKey> {
        // OpenTelemetry common, "Attribute": the key must be a non-empty string.
        if self.entries.len() >= count || name.is_empty() {
            return None;
        }
        let Some(position) = self.names.push(name) else {
            return self.keep_name(count, name);
        };
        self.has_names = true;
        EntryKey::by_reference(position, name)
    }

    /// The same of a name of which all is known.
    #[inline(always)]
    fn keep_prepared_name(&mut self, count: usize, key: StaticKey) -> Option<EntryKey> {
        if self.entries.len() >= count {
            return None;
        }
        let Some(position) = self.names.push(key.name()) else {
            return self.keep_name(count, key.name());
        };
        self.has_names = true;
        Some(key.entry().moved_to(position))
    }

    #[inline(never)]
    fn keep_name(&mut self, count: usize, name: &str) -> Option<EntryKey> {
        if self.entries.len() >= count || name.is_empty() {
            return None;
        }
        self.has_names = true;
        let place = self.texts.push(name);
        let key = EntryKey::at(place, Mark::of(name));
        if key.is_none() {
            self.give_up(place);
        }
        key
    }

    #[inline]
    fn keep(&mut self, limits: &AttributeLimits, value: ValueRef<'_>) -> EntryValue {
        match value {
            ValueRef::Bool(flag) => EntryValue::Bool(flag),
            ValueRef::F64(number) => EntryValue::F64(number),
            ValueRef::I64(number) => EntryValue::I64(number),
            ValueRef::Str(text) => {
                EntryValue::Text(self.texts.push(cut(text, limits.value_length)))
            }
            ValueRef::Array(_) | ValueRef::Bytes(_) => self.keep_large(limits, value),
        }
    }

    #[cold]
    fn keep_large(&mut self, limits: &AttributeLimits, value: ValueRef<'_>) -> EntryValue {
        let value = match value {
            ValueRef::Array(Array::Str(texts)) => Value::Array(
                texts
                    .iter()
                    .map(|text| cut(text, limits.value_length))
                    .collect(),
            ),
            ValueRef::Bytes(bytes) => {
                let kept = bytes.len().min(limits.value_length);
                Value::Bytes(bytes[..kept].to_vec())
            }
            other => other.to_value(),
        };
        match self.large.push(value) {
            Some(position) => EntryValue::Large(position),
            None => EntryValue::Bool(false),
        }
    }

    #[inline(never)]
    fn replace(&mut self, limits: &AttributeLimits, position: usize, value: ValueRef<'_>) {
        self.part.entry_changes(position);
        let Some(entry) = self.entries.get_mut(position) else {
            return;
        };
        let old = entry.value();
        entry.set(EntryValue::Bool(false));
        self.free(old);
        let value = self.keep(limits, value);
        if let Some(entry) = self.entries.get_mut(position) {
            entry.set(value);
        }
    }

    pub(super) fn name(&self) -> &str {
        self.texts.get(self.name)
    }

    pub(super) fn set_name(&mut self, name: &str) {
        if self.name == Text::EMPTY {
            self.name = self.texts.push(name);
        } else if self.name() != name {
            self.set_name_of(&[name]);
        }
    }

    #[inline]
    pub(super) fn set_name_of(&mut self, pieces: &[&str]) {
        if self.name != Text::EMPTY {
            let old = std::mem::take(&mut self.name);
            self.free(EntryValue::Text(old));
        }
        self.name = self.texts.push_all(pieces);
    }

    /// Takes back the memory of a value that no entry has any more.
    fn free(&mut self, value: EntryValue) {
        match value {
            EntryValue::Bool(_) | EntryValue::F64(_) | EntryValue::I64(_) => {}
            EntryValue::Large(position) => self.free_large(position),
            EntryValue::Text(text) => {
                self.give_up(text);
                if self.texts.has_many_holes() {
                    self.close_holes();
                }
            }
        }
    }

    fn give_up(&mut self, text: Text) {
        self.part.text_goes(text);
        self.texts.free(text);
    }

    #[cold]
    fn close_holes(&mut self) {
        self.part = Part::NONE;
        let Self {
            entries,
            texts,
            name,
            ..
        } = self;
        texts.close_holes(|moved| {
            for entry in entries.iter_mut() {
                entry.move_texts(moved);
            }
            *name = moved(*name);
        });
    }

    fn free_large(&mut self, free: u32) {
        self.part = Part::NONE;
        let moved = self.large.free(free);
        for entry in self.entries.iter_mut() {
            match entry.value() {
                EntryValue::Large(position) if moved == Some(position) => {
                    entry.set(EntryValue::Large(free));
                }
                _ => {}
            }
        }
    }
}

#[inline]
const fn mark(key: KeyRef<'_>) -> Mark {
    match key {
        KeyRef::Known(code) => EntryKey::known(code).mark(),
        KeyRef::Prepared(key) => key.entry().mark(),
        KeyRef::Static(name) => Mark::of(name),
        KeyRef::Borrowed(name) => Mark::of(name),
    }
}
