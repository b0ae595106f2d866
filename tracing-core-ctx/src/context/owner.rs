use super::{Context, scope};

/// Who made a context current without a guard; see [`Context::attach_as`](super::Context::attach_as).
///
/// ```
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::context::Owner;
///
/// let library = 7;
/// let owner = Owner::new(library, 1);
/// let cx = Context::new().with_baggage_entry("user.tier", "gold");
/// cx.clone().attach_as(owner);
/// assert!(cx.identity().is_current());
/// assert_eq!(Owner::last_of(library), Some(owner));
/// assert!(owner.detach());
/// assert!(!owner.detach());
/// assert!(!cx.identity().is_current());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    library: u64,
    number: u64,
}

impl Context {
    /// Makes this context current on this thread until its owner is [told](Owner::detach) to end that, or what is around it ends: the
    /// [`scope`](Self::scope), the [`Entered`](super::Entered) guard, the poll. For bridges to libraries that tell of entries and exits and keep no guard.
    #[inline]
    pub fn attach_as(self, owner: Owner) {
        scope::attach_as(self, owner);
    }
}

impl Owner {
    pub(super) const NOBODY: Self = Self::new(0, 0);

    /// Who has this number in a library that knows itself by another one.
    #[must_use]
    #[inline]
    pub const fn new(library: u64, number: u64) -> Self {
        Self { library, number }
    }

    /// The number.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Ends what was attached last for this owner on this thread, in whatever order; says whether anything was.
    #[inline]
    #[expect(
        clippy::must_use_candidate,
        reason = "who ends it seldom cares whether something else had ended it before"
    )]
    pub fn detach(self) -> bool {
        self.take().is_some()
    }

    /// The same, and gives back what was attached: the empty context if others stand above it, which keeps it until they have gone, and `None` if
    /// nothing was.
    #[must_use]
    #[inline]
    pub fn take(self) -> Option<Context> {
        scope::take(self)
    }

    /// Whether something is attached for this owner on this thread.
    #[must_use]
    pub fn is_attached(self) -> bool {
        scope::find(|owner| owner == self).is_some()
    }

    /// The owner in a library for whom something was attached last on this thread, and still is.
    #[must_use]
    pub fn last_of(library: u64) -> Option<Self> {
        scope::find(|owner| owner.library == library)
    }
}
