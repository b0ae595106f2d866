/// A header value of bounded length, put together on the stack.
pub(super) struct Line<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Line<N> {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Appends ASCII. What does not fit is left out; each format knows how long it can be.
    #[must_use]
    pub(super) fn push(mut self, piece: &[u8]) -> Self {
        let end = self.length + piece.len();
        debug_assert!(end <= N, "{end} of {N}");
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(piece);
            self.length = end;
        }
        self
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}
