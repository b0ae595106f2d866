/// Where a text stands in [`Texts`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    start: u32,
    len: u32,
}

/// Texts one behind the other in one buffer.
///
/// A text that is given up leaves a hole. When holes are more than half of the buffer, its owner moves the texts together, so that an
/// attribute set a million times does not hold a million values.
#[derive(Clone, Default)]
pub(super) struct Texts {
    buffer: String,
    holes: usize,
}

impl Texts {
    pub(super) const fn new() -> Self {
        Self {
            buffer: String::new(),
            holes: 0,
        }
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            buffer: String::with_capacity(bytes),
            holes: 0,
        }
    }

    pub(super) fn reserve(&mut self, bytes: usize) {
        self.buffer.reserve(bytes);
    }

    /// Copies a text into the buffer; one that would make it larger than 4 GiB becomes empty.
    #[inline]
    pub(super) fn push(&mut self, text: &str) -> Text {
        let start = self.buffer.len();
        if u32::try_from(start + text.len()).is_err() {
            return Text::default();
        }
        self.buffer.push_str(text);
        #[expect(clippy::cast_possible_truncation, reason = "their sum fits")]
        Text {
            start: start as u32,
            len: text.len() as u32,
        }
    }

    pub(super) fn get(&self, text: Text) -> &str {
        self.buffer.get(text.range()).unwrap_or_default()
    }

    /// Gives a text up. Nobody may ask for it any more.
    pub(super) fn free(&mut self, text: Text) {
        let range = text.range();
        if range.end == self.buffer.len() {
            self.buffer.truncate(range.start);
        } else {
            self.holes += range.len();
        }
    }

    /// Whether moving the texts together is worth it: never for the few short texts of most spans.
    pub(super) const fn has_many_holes(&self) -> bool {
        self.holes > 1024 && self.holes > self.buffer.len() / 2
    }

    /// Moves the texts together. `live` are all that have not been given up.
    pub(super) fn close_holes<'a>(&mut self, live: impl Iterator<Item = &'a mut Text>) {
        let holey = std::mem::replace(self, Self::new());
        self.reserve(holey.buffer.len() - holey.holes);
        for text in live {
            *text = self.push(holey.get(*text));
        }
    }

    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.holes = 0;
    }

    pub(super) const fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

impl Text {
    pub(super) const EMPTY: Self = Self { start: 0, len: 0 };

    const fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }
}
