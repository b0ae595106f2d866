use std::fmt;
use std::num::NonZeroU64;

use super::mark::Mark;
use crate::semconv;

/// The number of a name of the conventions: what a table of attributes keeps instead of the name.
///
/// Numbers are dense and begin at one, so they can be positions of a table of one's own. They are those of this build and no
/// more: the next version may number otherwise.
///
/// ```
/// use tracing_core_ctx::attribute::{AttributeKey, KeyCode, KeyRef};
/// use tracing_core_ctx::semconv;
///
/// let KeyRef::Known(code) = semconv::HTTP_ROUTE.key() else {
///     unreachable!("a name of the conventions has a number");
/// };
/// assert_eq!(code.name(), "http.route");
/// assert!(code.get() <= KeyCode::MAX);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyCode(NonZeroU64);

// The number, and above it the length of the name and its mark: as entries of tables have it.
const NUMBER: u64 = 0xffff;
const LEN_SHIFT: u32 = 32;

impl KeyCode {
    /// The highest number.
    pub const MAX: usize = semconv::NAMES.len() - 1;

    /// The number of `name`, looked for while compiling.
    pub(crate) const fn of(name: &str) -> Self {
        match Self::new(semconv::number(name)) {
            Some(code) => code,
            None => panic!("the name is not in the registry"),
        }
    }

    /// The name of this number; `None` of zero, and of a number above [`MAX`](Self::MAX).
    #[must_use]
    #[inline]
    pub const fn new(number: usize) -> Option<Self> {
        if number > Self::MAX {
            return None;
        }
        let name = semconv::NAMES[number];
        let shape = (name.len() as u64) << LEN_SHIFT | Mark::of(name).to_bits();
        match NonZeroU64::new(number as u64 | shape) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    #[inline]
    pub(super) const fn to_bits(self) -> u64 {
        self.0.get()
    }

    /// What [`to_bits`](Self::to_bits) said.
    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// All numbers, the lowest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::MAX).filter_map(Self::new)
    }

    /// The number itself; never zero.
    #[must_use]
    #[inline]
    pub const fn get(self) -> usize {
        (self.0.get() & NUMBER) as usize
    }

    /// The name.
    #[must_use]
    #[inline]
    pub const fn name(self) -> &'static str {
        semconv::NAMES[self.get()]
    }
}

impl fmt::Debug for KeyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCode({})", self.name())
    }
}
