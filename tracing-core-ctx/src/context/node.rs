//! What contexts point to, in memory that is used again.

use std::sync::Mutex;

use triomphe::Arc;

use super::SamplingHint;
use super::values::Values;
use crate::Baggage;
use crate::pool::{Pool, Shelf, Spare};
use crate::span::SpanRef;

/// What a context says. Contexts share it, and copy it before they change it.
#[derive(Clone, Default)]
pub(super) struct Node {
    pub(super) span: SpanRef,
    pub(super) extras: Option<Arc<Extras>>,
    pub(super) hint: Option<SamplingHint>,
    /// No spans are recorded here.
    pub(super) suppressed: bool,
    /// And that because the work is telemetry's own.
    pub(super) telemetry: bool,
}

impl Node {
    /// A span of this process has decided about sampling.
    #[inline]
    pub(super) fn forget_hint(&mut self) {
        self.hint = self.hint.filter(|hint| *hint == SamplingHint::Debug);
    }
}

thread_local! {
    static SHELF: Shelf<Arc<Node>> = const { Shelf::new() };
}
static SPARE: Spare<Arc<Node>> = Mutex::new(Vec::new());
static POOL: Pool<Arc<Node>> = Pool {
    shelf: &SHELF,
    spare: &SPARE,
};

/// What most contexts do not have.
#[derive(Clone, Default)]
pub(super) struct Extras {
    pub(super) baggage: Baggage,
    pub(super) values: Values,
}

/// A node that nobody else has, and that says nothing.
#[inline]
pub(super) fn empty() -> Arc<Node> {
    POOL.take_or(Arc::default)
}

/// A node that nobody else has, and that says the same.
#[inline(never)]
pub(super) fn copy(shared: &Node) -> Arc<Node> {
    let mut copy = empty();
    if let Some(node) = Arc::get_mut(&mut copy) {
        node.clone_from(shared);
    }
    copy
}

/// Lets go of what a context says. What nobody else says is kept for a later one.
#[inline(never)]
pub(super) fn release(mut node: Arc<Node>) {
    // Two that let go at once may both find the other still there: then the allocator gets it.
    if let Some(last) = Arc::get_mut(&mut node) {
        *last = Node::default();
        POOL.give(node);
    }
}
