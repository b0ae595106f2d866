use triomphe::Arc;

use super::{Context, scope};

/// Tells contexts apart; see [`Context::identity`](super::Context::identity).
///
/// Equal of a context and its copies, and of two empty ones. A context that is changed while it has copies is another one from then on. When the last
/// copy is gone, a later context may have the same identity: who compares one that is kept keeps a copy too.
///
/// ```
/// use tracing_core_ctx::Context;
///
/// let cx = Context::new().with_baggage_entry("user.tier", "gold");
/// let copy = cx.clone();
/// assert_eq!(copy.identity(), cx.identity());
/// assert_eq!(cx.copies(), 2);
/// assert_ne!(copy.suppressed().identity(), cx.identity());
/// assert!(cx.scope(|| cx.identity().is_current()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(usize);

impl Context {
    /// Tells this context and its copies from others that live.
    #[must_use]
    #[inline]
    pub fn identity(&self) -> Identity {
        Identity(
            self.node
                .as_ref()
                .map_or(0, |node| Arc::as_ptr(node).addr()),
        )
    }

    /// How many copies of this context there are, this one too: who has attached it, and who keeps it. One of the empty context.
    #[must_use]
    #[inline]
    pub fn copies(&self) -> usize {
        self.node.as_ref().map_or(1, Arc::strong_count)
    }
}

impl Identity {
    /// Of the empty context.
    pub const EMPTY: Self = Self(0);

    /// Whether such a context is current on this thread.
    #[must_use]
    #[inline]
    pub fn is_current(self) -> bool {
        scope::with_current(|current| current.identity() == self).unwrap_or(false)
    }
}
