//! Names and texts as a table keeps them: for who copies many of them.

use std::fmt;

use super::entry::{Entry, Name};
use super::table::Table;
use super::texts::Text;

/// The name of an attribute as its table keeps it. See [`Visitor`](super::Visitor).
#[derive(Clone, Copy)]
pub struct KeptKey<'a> {
    pub(super) entry: Entry,
    pub(super) table: &'a Table,
}

impl<'a> KeptKey<'a> {
    /// The number of a name that is kept by its [number](super::KeyCode::get): at most [`KeyCode::MAX`](super::KeyCode::MAX).
    #[must_use]
    #[inline]
    pub const fn number(self) -> Option<usize> {
        self.entry.number()
    }

    /// The name itself, if it is one that lives as long as the program and is kept by reference.
    #[must_use]
    #[inline]
    pub fn constant(self) -> Option<&'static str> {
        match self.entry.key().name() {
            Name::Static(position) => Some(self.table.static_name(position)),
            Name::Known(_) | Name::Text(_) => None,
        }
    }

    /// The name itself, wherever it is.
    #[must_use]
    #[inline]
    pub fn name(self) -> KeptText<'a> {
        match self.entry.key().name() {
            Name::Known(code) => KeptText::alone(code.map_or("", |code| code.name())),
            Name::Static(position) => KeptText::alone(self.table.static_name(position)),
            Name::Text(text) => self.table.text(text),
        }
    }
}

impl fmt::Debug for KeptKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptKey").field(&self.name()).finish()
    }
}

/// A text where it is kept: mostly in one buffer with the other texts of a span.
#[derive(Clone, Copy)]
pub struct KeptText<'a> {
    buffer: &'a [u8],
    text: Text,
}

impl<'a> KeptText<'a> {
    pub(super) const EMPTY: Self = Self::alone("");

    #[inline]
    pub(super) const fn new(buffer: &'a [u8], text: Text) -> Self {
        Self { buffer, text }
    }

    /// A text with nothing behind it.
    #[inline]
    const fn alone(text: &'a str) -> Self {
        Self {
            buffer: text.as_bytes(),
            text: Text::new(0, text.len()),
        }
    }

    /// How many bytes it has.
    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        self.text.len()
    }

    /// Whether it has none.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.text.len() == 0
    }

    /// Its bytes, which are UTF-8.
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.buffer.get(self.text.range()).unwrap_or_default()
    }

    /// `N` bytes from where it begins: its first ones, and if it has fewer, behind them whatever is there. `None` if that is the end of the
    /// buffer.
    ///
    /// A copy of a fixed length takes no call; who copies more than there is of the text forgets the rest.
    #[must_use]
    #[inline]
    pub fn chunk<const N: usize>(self) -> Option<&'a [u8; N]> {
        let start = self.text.range().start;
        self.buffer.get(start..start + N)?.try_into().ok()
    }
}

impl fmt::Debug for KeptText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}
