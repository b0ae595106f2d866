use super::KeptText;

/// Where a text stands in [`Texts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    start: u32,
    len: u32,
}

impl Text {
    pub(super) const EMPTY: Self = Self { start: 0, len: 0 };

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "who calls knows that both have 32 bits"
    )]
    pub(super) const fn new(start: u64, len: usize) -> Self {
        Self {
            start: start as u32,
            len: len as u32,
        }
    }

    /// Both numbers in one.
    #[inline]
    pub(super) const fn to_bits(self) -> u64 {
        (self.start as u64) << 32 | self.len as u64
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half is one number")]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self {
            start: (bits >> 32) as u32,
            len: bits as u32,
        }
    }

    #[inline]
    pub(super) const fn start(self) -> u64 {
        self.start as u64
    }

    #[inline]
    pub(super) const fn len(self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(super) const fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }
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

/// Positions have 32 bits.
const LONGEST: usize = u32::MAX as usize;

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

    /// Where a text of this length will stand; `None` if that would make the buffer larger than 4 GiB.
    #[inline]
    pub(super) fn place(&self, len: usize) -> Option<Text> {
        let start = self.buffer.len();
        // No sum of the lengths of two texts in memory overflows.
        (start + len <= LONGEST).then(|| Text::new(start as u64, len))
    }

    /// Copies a text to its [place](Self::place).
    #[inline]
    pub(super) fn fill(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    /// Copies a text into the buffer; one that would make it larger than 4 GiB becomes empty.
    pub(super) fn push(&mut self, text: &str) -> Text {
        let Some(place) = self.place(text.len()) else {
            return Text::EMPTY;
        };
        self.fill(text);
        place
    }

    /// The same for a text that is given in pieces.
    pub(super) fn push_all(&mut self, pieces: &[&str]) -> Text {
        let start = self.buffer.len();
        for piece in pieces {
            self.buffer.push_str(piece);
        }
        let end = self.buffer.len();
        if end > LONGEST {
            self.buffer.truncate(start);
            return Text::EMPTY;
        }
        Text::new(start as u64, end - start)
    }

    #[inline]
    pub(super) fn get(&self, text: Text) -> &str {
        self.buffer.get(text.range()).unwrap_or_default()
    }

    /// The same where it is kept.
    #[inline]
    pub(super) const fn kept(&self, text: Text) -> KeptText<'_> {
        KeptText::new(self.buffer.as_bytes(), text)
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

    /// Moves the texts that have not been given up together: `each` is to ask for the new place of every one of them.
    pub(super) fn close_holes(&mut self, each: impl FnOnce(&mut dyn FnMut(Text) -> Text)) {
        let holey = std::mem::replace(self, Self::new());
        self.reserve(holey.buffer.len() - holey.holes);
        each(&mut |text| self.push(holey.get(text)));
    }

    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.holes = 0;
    }

    pub(super) const fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}
