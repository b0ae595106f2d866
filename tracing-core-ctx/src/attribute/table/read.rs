use std::ops::Range;

use super::super::entry::{Entry, EntryKey, EntryValue, Name};
use super::super::mark::Mark;
use super::super::texts::Text;
use super::super::{KeptKey, KeptText, KeyCode, KeyRef, ValueRef, Visitor};
use super::Table;

/// Finding attributes and reading them.
impl Table {
    /// The attribute at `position`.
    #[inline]
    pub(in crate::attribute) fn get(&self, position: usize) -> Option<(KeyRef<'_>, ValueRef<'_>)> {
        let entry = self.entries.get(position)?;
        Some((self.key(entry.key()), self.value(entry.value())))
    }

    /// Shows all attributes to `visitor`.
    #[inline(always)]
    pub(in crate::attribute) fn visit<V: Visitor>(&self, visitor: V) -> V {
        self.visit_range(0..self.len(), visitor)
    }

    /// Shows the attributes at these positions to `visitor`.
    #[inline(always)]
    pub(in crate::attribute) fn visit_range<V: Visitor>(
        &self,
        positions: Range<usize>,
        mut visitor: V,
    ) -> V {
        let Some(first) = self.entries.first().0.get(positions.clone()) else {
            return self.visit_one_by_one(positions, visitor);
        };
        for entry in first {
            self.show(*entry, &mut visitor);
        }
        visitor
    }

    /// The same where some are not among the first ones, which need no memory of their own, or where there is none.
    #[cold]
    fn visit_one_by_one<V: Visitor>(&self, positions: Range<usize>, mut visitor: V) -> V {
        let positions = positions.start..positions.end.min(self.len());
        for entry in positions.filter_map(|position| self.entries.get(position)) {
            self.show(entry, &mut visitor);
        }
        visitor
    }

    #[inline(always)]
    fn show(&self, entry: Entry, visitor: &mut impl Visitor) {
        let key = KeptKey { entry, table: self };
        // Most are texts, and most others whole numbers.
        if let Some(text) = entry.text() {
            return visitor.text(key, self.text(text));
        }
        if let Some(number) = entry.integer() {
            return visitor.integer(key, number);
        }
        match entry.value() {
            EntryValue::Bool(flag) => visitor.flag(key, flag),
            EntryValue::F64(number) => visitor.float(key, number),
            value => visitor.other(key, self.value(value)),
        }
    }

    #[inline]
    pub(in crate::attribute) const fn text(&self, text: Text) -> KeptText<'_> {
        self.texts.kept(text)
    }

    #[inline]
    pub(in crate::attribute) const fn kept_name(&self) -> KeptText<'_> {
        self.text(self.name)
    }

    #[inline]
    pub(in crate::attribute) fn static_name(&self, position: usize) -> &'static str {
        self.names.get(position)
    }

    pub(in crate::attribute) fn find(&self, key: KeyRef<'_>) -> Option<ValueRef<'_>> {
        Some(self.get(self.position(key)?)?.1)
    }

    #[inline(always)]
    pub(super) fn position(&self, key: KeyRef<'_>) -> Option<usize> {
        match key {
            KeyRef::Known(code) => self.position_of(code),
            KeyRef::Prepared(key) => self.position_by_name(key.name()),
            KeyRef::Static(name) | KeyRef::Borrowed(name) => self.position_by_name(name),
        }
    }

    /// A name of the conventions can stand there by its number, or as it was written by hand.
    #[inline(never)]
    fn position_of(&self, code: KeyCode) -> Option<usize> {
        let key = EntryKey::known(code);
        let (first, are_all) = self.entries.first();
        let known = first.iter().position(|entry| entry.key() == key);
        if known.is_some() || are_all && !self.has_names {
            return known;
        }
        self.position_among_all(code.name())
    }

    /// Most names that are looked for are new, and the marks tell: then no name is compared.
    #[inline(never)]
    fn position_by_name(&self, wanted: &str) -> Option<usize> {
        if !self.marks.have(Mark::of(wanted)) {
            return None;
        }
        self.position_among_all(wanted)
    }

    #[inline(never)]
    fn position_among_all(&self, wanted: &str) -> Option<usize> {
        self.entries.position(|entry| {
            entry.key().name_len() == wanted.len() && self.is(entry.key(), wanted)
        })
    }

    /// Compares the address first: constants mostly meet themselves.
    fn is(&self, key: EntryKey, wanted: &str) -> bool {
        let name = self.key(key).as_str();
        std::ptr::eq(name, wanted) || name == wanted
    }

    #[inline]
    fn key(&self, key: EntryKey) -> KeyRef<'_> {
        match key.name() {
            Name::Known(code) => code.map_or(KeyRef::Static(""), KeyRef::Known),
            Name::Static(position) => KeyRef::Static(self.names.get(position)),
            Name::Text(text) => KeyRef::Borrowed(self.texts.get(text)),
        }
    }

    #[inline]
    fn value(&self, value: EntryValue) -> ValueRef<'_> {
        match value {
            EntryValue::Bool(flag) => ValueRef::Bool(flag),
            EntryValue::F64(number) => ValueRef::F64(number),
            EntryValue::I64(number) => ValueRef::I64(number),
            EntryValue::Text(text) => ValueRef::Str(self.texts.get(text)),
            EntryValue::Large(position) => match self.large.get(position) {
                Some(value) => value.as_ref(),
                None => ValueRef::Str(""),
            },
        }
    }
}
