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
///
/// The buffer is room that is written already, so that a text is copied into it by nothing but a copy: the last step of whoever puts one in.
#[derive(Clone, Default)]
pub(super) struct Texts {
    room: Vec<u8>,
    /// How much of it holds texts.
    used: u32,
    holes: u32,
}

/// Positions have 32 bits.
const LONGEST: usize = u32::MAX as usize;

impl Texts {
    pub(super) const fn new() -> Self {
        Self {
            room: Vec::new(),
            used: 0,
            holes: 0,
        }
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut texts = Self::new();
        texts.reserve(bytes);
        texts
    }

    /// Room for so many bytes more, or for as many as 32 bits can tell.
    pub(super) fn reserve(&mut self, bytes: usize) {
        let wanted = self.used().saturating_add(bytes).min(LONGEST);
        if wanted > self.room.len() {
            self.room.reserve(wanted - self.room.len());
            self.room.resize(self.room.capacity().min(LONGEST), 0);
        }
    }

    /// A place for a text of this length, and where that is; `None` if there is no room.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the room is never larger than 32 bits tell"
    )]
    pub(super) fn place(&mut self, len: usize) -> Option<(Text, &mut [u8])> {
        let start = self.used();
        // No sum of the lengths of two texts in memory overflows.
        let end = start + len;
        let place = self.room.get_mut(start..end)?;
        self.used = end as u32;
        Some((Text::new(start as u64, len), place))
    }

    /// Copies a text into the buffer; one that would make it larger than 4 GiB becomes empty.
    pub(super) fn push(&mut self, text: &str) -> Text {
        self.push_all(&[text])
    }

    /// The same for a text that is given in pieces.
    #[inline]
    pub(super) fn push_all(&mut self, pieces: &[&str]) -> Text {
        let len = pieces
            .iter()
            .fold(0, |len: usize, piece| len.saturating_add(piece.len()));
        if self.room.len() - self.used() < len {
            self.grow(len);
        }
        let Some((text, mut place)) = self.place(len) else {
            return Text::EMPTY;
        };
        for piece in pieces {
            let Some((here, behind)) = place.split_at_mut_checked(piece.len()) else {
                break;
            };
            here.copy_from_slice(piece.as_bytes());
            place = behind;
        }
        text
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        if len <= LONGEST - self.used() {
            self.reserve(len.max(self.used()).max(SMALLEST));
        }
    }

    /// Whether there was never a text here since the last [`clear`](Self::clear).
    #[inline]
    pub(super) const fn is_new(&self) -> bool {
        self.used == 0 && self.holes == 0
    }

    /// How long all texts are together, with the holes between them.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.used()
    }

    /// Becomes a copy of `other`, with each text in the same place. Only for one that is [new](Self::is_new).
    #[inline]
    pub(super) fn copy(&mut self, other: &Self) {
        let len = other.used();
        if self.room.len() < len {
            self.grow(len);
        }
        self.used = other.used;
        self.holes = other.holes;
        if let (Some(place), Some(texts)) = (self.room.get_mut(..len), other.room.get(..len)) {
            place.copy_from_slice(texts);
        }
    }

    /// The same where all of `other` was copied before, and still stands there.
    #[inline]
    pub(super) const fn copy_again(&mut self, other: &Self) {
        self.used = other.used;
        self.holes = other.holes;
    }

    #[inline]
    pub(super) fn get(&self, text: Text) -> &str {
        let bytes = self.room.get(text.range()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The same where it is kept.
    #[inline]
    pub(super) const fn kept(&self, text: Text) -> KeptText<'_> {
        KeptText::new(self.room.as_slice(), text)
    }

    /// Gives a text up. Nobody may ask for it any more.
    pub(super) const fn free(&mut self, text: Text) {
        if text.start + text.len == self.used {
            self.used = text.start;
        } else {
            self.holes += text.len;
        }
    }

    /// Whether moving the texts together is worth it: never for the few short texts of most spans.
    pub(super) const fn has_many_holes(&self) -> bool {
        self.holes > 1024 && self.holes > self.used / 2
    }

    /// Moves the texts that have not been given up together: `each` is to ask for the new place of every one of them.
    pub(super) fn close_holes(&mut self, each: impl FnOnce(&mut dyn FnMut(Text) -> Text)) {
        let holey = std::mem::replace(self, Self::new());
        self.reserve((holey.used - holey.holes) as usize);
        each(&mut |text| self.push(holey.get(text)));
    }

    const fn used(&self) -> usize {
        self.used as usize
    }

    pub(super) const fn clear(&mut self) {
        self.used = 0;
        self.holes = 0;
    }

    pub(super) const fn capacity(&self) -> usize {
        self.room.capacity()
    }
}

/// What a buffer has room for that was not told how much it will need.
const SMALLEST: usize = 64;
