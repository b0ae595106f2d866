use std::fmt;
use std::sync::OnceLock;

use super::Context;

/// Another library with a current context of its own, which is kept in step with ours; for bridges.
///
/// There is one in a process at most, see [`set_neighbour`]. It is told on the thread where it happens, outside of any lock. It must not
/// panic. What it makes current by [`Context`] while it is told, it is told too.
pub trait Neighbour: fmt::Debug + Send + Sync {
    /// `context` has become current, above others: there are `depth` now, from 1.
    fn entered(&self, context: &Context, depth: usize);

    /// Those above `depth` are current no more.
    fn left(&self, depth: usize);

    /// The same at the end of a [`scope`](Context::scope), an [`Entered`](super::Entered) guard or a poll: whatever was made current inside is current no
    /// more, by the other library neither. Default: [`left`](Self::left).
    fn ended(&self, depth: usize) {
        self.left(depth);
    }

    /// What the other library has made current since `ours` has become current; `None` if that is still the last.
    fn above(&self, ours: &Context) -> Option<Context>;
}

/// There is a neighbour already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeighbourExists;

impl fmt::Display for NeighbourExists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this process has a neighbouring context already")
    }
}

impl std::error::Error for NeighbourExists {}

static NEIGHBOUR: OnceLock<Box<dyn Neighbour>> = OnceLock::new();

/// Keeps the current context of another library in step, in the whole process and until its end. What is current already is not told.
///
/// Without one, a change of the context costs one look at whether there is one.
///
/// # Errors
///
/// If there is one already.
pub fn set_neighbour(neighbour: impl Neighbour + 'static) -> Result<(), NeighbourExists> {
    NEIGHBOUR
        .set(Box::new(neighbour))
        .map_err(|_| NeighbourExists)
}

#[inline]
pub(super) fn get() -> Option<&'static dyn Neighbour> {
    NEIGHBOUR.get().map(|neighbour| &**neighbour)
}
