use super::entry::Entry;

/// As many as most spans have: these need no memory of their own.
pub(super) const INLINE: usize = 16;

/// The entries of a table, in the order of first setting.
#[derive(Clone)]
pub(super) struct Entries {
    len: usize,
    first: [Entry; INLINE],
    #[expect(clippy::box_collection, reason = "one word: there is hardly ever one")]
    more: Option<Box<Vec<Entry>>>,
}

impl Entries {
    pub(super) const fn new() -> Self {
        Self {
            len: 0,
            first: [Entry::EMPTY; INLINE],
            more: None,
        }
    }

    /// Room for so many more.
    pub(super) fn reserve(&mut self, entries: usize) {
        let over = (self.len + entries).saturating_sub(INLINE);
        if over > 0 {
            let more = self.more.get_or_insert_default();
            more.reserve(over.saturating_sub(more.len()));
        }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry) {
        match self.first.get_mut(self.len) {
            Some(free) => *free = entry,
            None => self.push_more(entry),
        }
        self.len += 1;
    }

    #[cold]
    fn push_more(&mut self, entry: Entry) {
        self.more.get_or_insert_default().push(entry);
    }

    /// Where the next entry goes, if it needs no memory. It counts from [`add_one`](Self::add_one) on.
    #[inline]
    pub(super) fn next_inline(&mut self) -> Option<&mut Entry> {
        self.first.get_mut(self.len)
    }

    /// Counts what was written to the [next place](Self::next_inline).
    #[inline]
    pub(super) const fn add_one(&mut self) {
        self.len += 1;
    }

    /// Becomes what `other` is, if that needs no memory. Only for one that has none.
    #[inline]
    pub(super) fn copy(&mut self, other: &Self) -> bool {
        if other.len > INLINE {
            return false;
        }
        // All places, whether they are used or not: a copy whose length is known is no call.
        self.first = other.first;
        self.len = other.len;
        true
    }

    /// The same where all of `other` was copied before, and still stands there.
    #[inline]
    pub(super) const fn copy_again(&mut self, other: &Self) {
        self.len = other.len;
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> Option<Entry> {
        if position >= self.len {
            return None;
        }
        match self.first.get(position) {
            Some(entry) => Some(*entry),
            None => self.more.as_ref()?.get(position - INLINE).copied(),
        }
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Entry> {
        if position >= self.len {
            return None;
        }
        match position.checked_sub(INLINE) {
            None => self.first.get_mut(position),
            Some(position) => self.more.as_mut()?.get_mut(position),
        }
    }

    /// Where the first entry is that `wanted` knows again.
    pub(super) fn position(&self, wanted: impl Fn(Entry) -> bool) -> Option<usize> {
        (0..self.len).find(|position| self.get(*position).is_some_and(&wanted))
    }

    /// The ones that need no memory of their own, and whether these are all.
    #[inline]
    pub(super) fn first(&self) -> (&[Entry], bool) {
        match self.first.get(..self.len) {
            Some(all) => (all, true),
            None => (&self.first, false),
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.first[..self.len.min(INLINE)]
            .iter_mut()
            .chain(self.more.iter_mut().flat_map(|more| more.iter_mut()))
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        if let Some(more) = &mut self.more {
            more.clear();
        }
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn weight(&self) -> usize {
        match &self.more {
            Some(more) => more.capacity() * size_of::<Entry>(),
            None => 0,
        }
    }
}
