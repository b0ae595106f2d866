use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use super::texts::Text;

/// What the first attributes of a table were copied from: for who turns many tables into bytes, and has those of this part already. See
/// [`Attributes::template_part`](super::Attributes::template_part).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TemplatePart {
    /// The same number stands for the same attributes, with the same values in the same order, for as long as the process lives.
    pub template: NonZeroU64,
    /// How many they are, from the first one on.
    pub len: usize,
}

/// Which part of a table is as it stood in a template; or, of a table that was cleared, which part of its memory still is, so that it need not be
/// copied again.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Of the template; 0 where there is none.
    id: u64,
    /// How many entries; 0 where the table was cleared.
    entries: u32,
    /// How many bytes of texts.
    texts: u32,
}

impl Part {
    pub(super) const NONE: Self = Self {
        id: 0,
        entries: 0,
        texts: 0,
    };

    /// Of a table that is a template from now on, all of it: under a number that no other ever had.
    pub(super) fn whole(entries: usize, texts: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);

        match (u32::try_from(entries), u32::try_from(texts)) {
            (Ok(entries @ 1..), Ok(texts)) => Self {
                id: NEXT.fetch_add(1, Ordering::Relaxed),
                entries,
                texts,
            },
            _ => Self::NONE,
        }
    }

    /// What may be said of it outside.
    #[inline]
    pub(super) fn get(self) -> Option<TemplatePart> {
        if self.entries == 0 {
            return None;
        }
        Some(TemplatePart {
            template: NonZeroU64::new(self.id)?,
            len: self.entries as usize,
        })
    }

    /// Whether it is all of a table with so many entries, and bytes of texts.
    #[inline]
    pub(super) const fn is(self, entries: usize, texts: usize) -> bool {
        self.entries as usize == entries && self.texts as usize == texts
    }

    /// Whether the memory of a table with nothing in it still holds what `template` has.
    #[inline]
    pub(super) const fn has_left(self, template: Self) -> bool {
        self.id == template.id && self.id != 0
    }

    /// The table is cleared; `was_new` says that nothing was set in it since the last time.
    #[inline]
    pub(super) const fn end(&mut self, was_new: bool) {
        // What was set without a template stands where the template's part stood.
        if self.entries == 0 && !was_new {
            self.id = 0;
        }
        self.entries = 0;
    }

    /// The entry there gets another value.
    #[inline]
    pub(super) const fn entry_changes(&mut self, position: usize) {
        if position < self.entries as usize {
            *self = Self::NONE;
        }
    }

    /// Where this text stood others will be written, perhaps.
    #[inline]
    pub(super) const fn text_goes(&mut self, text: Text) {
        if text.start() < self.texts as u64 {
            *self = Self::NONE;
        }
    }
}
