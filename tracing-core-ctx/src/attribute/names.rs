/// As many as a span has of names that are constants of a service: these need no memory of their own.
const INLINE: usize = 4;

/// Names that live as long as the program, kept by reference.
#[derive(Clone, Default)]
pub(super) struct Names {
    len: usize,
    names: [&'static str; INLINE],
}

impl Names {
    pub(super) const fn new() -> Self {
        Self {
            len: 0,
            names: [""; INLINE],
        }
    }

    /// Keeps a name and says where, if there is room.
    #[inline]
    pub(super) fn push(&mut self, name: &'static str) -> Option<usize> {
        let position = self.len;
        *self.names.get_mut(position)? = name;
        self.len += 1;
        Some(position)
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> &'static str {
        self.names.get(position).copied().unwrap_or_default()
    }

    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}
