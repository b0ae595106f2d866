use super::{neighbour, scope};

/// A moment between two changes of what is current on a thread, as a [`Watcher`] has seen it.
///
/// It says nothing on other threads than the one it was taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(u64);

impl Moment {
    /// One that never is.
    pub const NEVER: Self = Self(0);
}

/// Sees whether the current context has changed without looking at it, for bridges that would otherwise look again and again.
///
/// ```
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::context::Watcher;
///
/// let watcher = Watcher::new(7).unwrap();
/// let moment = watcher.now();
/// assert!(watcher.is_now(moment));
/// let scope = Context::new().attach();
/// assert!(!watcher.is_now(moment));
/// drop(scope);
/// assert!(!watcher.is_now(moment), "what is current is the same again, the moment is another one");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watcher(u64);

/// Where the number of a watcher begins, above those of moments: a thread that changes its context ten million times a second gets there in weeks.
const SHIFT: u32 = 48;

impl Watcher {
    /// One who has no number, and has not seen what those have seen who have one.
    pub const NOBODY: Self = Self(0);

    /// The one who has this number, from 1 to 65 535; `None` for others. What one has seen another one has not.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number {
            1..=0xffff => Some(Self(number << SHIFT)),
            _ => None,
        }
    }

    /// The present moment; [`NEVER`](Moment::NEVER) where a [`Neighbour`](super::Neighbour) may make another context current without a word.
    #[must_use]
    #[inline]
    pub fn now(self) -> Moment {
        match neighbour::get() {
            None => Moment(scope::moment() ^ self.0),
            Some(_) => Moment::NEVER,
        }
    }

    /// Whether a moment that this watcher has seen on this thread lasts.
    #[must_use]
    #[inline]
    pub fn is_now(self, moment: Moment) -> bool {
        moment.0 == scope::moment() ^ self.0
    }
}
