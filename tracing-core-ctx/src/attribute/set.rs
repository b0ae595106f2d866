use std::fmt;
use std::ops::Range;

use super::table::Table;
use super::{AttributeKey, AttributeValue, KeptText, KeyRef, TemplatePart, ValueRef, Visitor};
use crate::limits::AttributeLimits;
use crate::semconv;

/// A bounded table of attributes: one value for each key, in the order of first setting.
///
/// Without attributes it is a null pointer. With them it has 16 bytes for each, and the texts in one buffer beside: a span with
/// sixteen attributes is two allocations. The buffer is at most about twice as large as the texts in it, however often they are
/// replaced. The table is made for writing a few dozen entries once and reading them once; looking up a key that is
/// there is a linear scan.
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
    table: Option<Box<Table>>,
}

impl Attributes {
    /// No attributes, and no allocation yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { table: None }
    }

    /// Room for `entries` attributes and `text` bytes of names and values.
    #[must_use]
    pub fn with_capacity(entries: usize, text: usize) -> Self {
        Self {
            table: Some(Box::new(Table::with_capacity(entries, text))),
        }
    }

    /// Room for so many more.
    pub(crate) fn reserve(&mut self, entries: usize, text: usize) {
        match &mut self.table {
            Some(table) => table.reserve(entries, text),
            // New memory costs less than grown memory, and most spans begin here.
            None => *self = Self::with_capacity(entries, text),
        }
    }

    /// Sets an attribute; a second value for a key replaces the first. Unbounded: see [`set_within`](Self::set_within).
    ///
    /// An empty key, and one of 64 KiB or more, is dropped and counted.
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.set_within(&AttributeLimits::UNLIMITED, key, value);
    }

    /// Sets an attribute within `limits`: a new key over the count is dropped and counted, a longer text is cut.
    #[inline]
    pub fn set_within<K: AttributeKey>(
        &mut self,
        limits: &AttributeLimits,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) {
        let (key, value) = (key.key(), value.value());
        check::<K>(key, value);
        self.table().put(limits, key, value);
    }

    /// The same for a key that the caller knows to be new, sparing the scan.
    #[inline(always)]
    pub(crate) fn set_new_within<K: AttributeKey>(
        &mut self,
        limits: &AttributeLimits,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) {
        let (key, value) = (key.key(), value.value());
        check::<K>(key, value);
        self.table().put_new(limits, key, value);
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many attributes were dropped because of a limit.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        match &self.table {
            Some(table) => table.dropped(),
            None => 0,
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.table.as_ref()?.find(KeyRef::Borrowed(key))
    }

    /// All attributes in the order in which their keys were first set.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            table: self.table.as_deref(),
            next: 0,
        }
    }

    /// Shows all attributes in the same order to `visitor`, with the keys as they are kept: those of the conventions are known by
    /// their numbers, for who has a table of their own beside. Gives the visitor back.
    #[inline(always)]
    pub fn visit<V: Visitor>(&self, visitor: V) -> V {
        match &self.table {
            Some(table) => table.visit(visitor),
            None => visitor,
        }
    }

    /// The same of some of them, by their positions.
    #[inline(always)]
    pub fn visit_range<V: Visitor>(&self, positions: Range<usize>, visitor: V) -> V {
        match &self.table {
            Some(table) => table.visit_range(positions, visitor),
            None => visitor,
        }
    }

    /// Which [template](crate::span::SpanTemplate) the first attributes were copied from, and still are as it has them.
    #[must_use]
    #[inline]
    pub fn template_part(&self) -> Option<TemplatePart> {
        self.table.as_ref()?.template_part()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        if let Some(table) = &mut self.table {
            table.clear();
        }
    }

    /// Bytes of memory held, roughly: what a byte bound of a queue counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.weight())
    }

    #[inline]
    pub(crate) fn put(&mut self, limits: &AttributeLimits, key: KeyRef<'_>, value: ValueRef<'_>) {
        self.table().put(limits, key, value);
    }

    /// Sets all attributes of another table, and counts what that one has dropped.
    pub(crate) fn put_all(&mut self, limits: &AttributeLimits, other: &Self) {
        let Some(other) = &other.table else {
            return;
        };
        self.table().put_all(limits, other);
    }

    /// Takes over all of another table, its name too.
    pub(crate) fn put_template(&mut self, other: &Self) {
        self.put_template_within(&AttributeLimits::UNLIMITED, other);
    }

    /// The same within `limits`.
    #[inline]
    pub(crate) fn put_template_within(&mut self, limits: &AttributeLimits, other: &Self) {
        if let Some(other) = &other.table {
            self.table().put_template(limits, other);
        }
    }

    /// Is the [part](Self::template_part) that others will have who take all of this over, until it is changed.
    pub(crate) fn become_template(&mut self) {
        if let Some(table) = &mut self.table {
            table.become_template();
        }
    }

    /// The name of the span whose attributes these are.
    pub(crate) fn name(&self) -> &str {
        self.table.as_ref().map_or("", |table| table.name())
    }

    /// The same where it is kept.
    pub(crate) fn kept_name(&self) -> KeptText<'_> {
        self.table
            .as_ref()
            .map_or(KeptText::EMPTY, |table| table.kept_name())
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.table().set_name(name);
    }

    /// Sets a name that is given in pieces.
    #[inline]
    pub(crate) fn set_name_of(&mut self, pieces: &[&str]) {
        self.table().set_name_of(pieces);
    }

    #[inline]
    fn table(&mut self) -> &mut Table {
        #[cold]
        fn empty() -> Box<Table> {
            Box::new(Table::new())
        }

        self.table.get_or_insert_with(empty)
    }
}

impl Drop for Attributes {
    /// Mostly there are none: whoever drops them sees that, and calls nobody.
    #[inline]
    fn drop(&mut self) {
        if let Some(table) = self.table.take() {
            free(table);
        }
    }
}

#[inline(never)]
fn free(table: Box<Table>) {
    drop(table);
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
#[derive(Clone)]
pub struct Iter<'a> {
    table: Option<&'a Table>,
    next: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, ValueRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.table?.get(self.next)?;
        self.next += 1;
        Some((key.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.table.map_or(0, Table::len) - self.next;
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// In debug builds, reports a name of the conventions that was written by hand and is wrong.
#[inline]
fn check<K: AttributeKey>(key: KeyRef<'_>, value: ValueRef<'_>) {
    if cfg!(debug_assertions) && K::BY_HAND {
        semconv::check::report_once(key.as_str(), value);
    }
}

#[cfg(test)]
mod tests;
