//! Which spans are entered on a thread, and what keeps their contexts current.
//!
//! The core takes back whatever is left attached when a poll ends, so an entry may outlive its frame there; its scope then does nothing.

use std::cell::{Cell, RefCell};

use tracing::span::Id;
use tracing_core_ctx::Context;
use tracing_core_ctx::context::Scope;

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };

    /// How many there are, for those who only want to know whether there is one.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// A thread that enters spans and never leaves them holds no more than this many; those beyond are not made current.
const DEEPEST: usize = 4096;

struct Entered {
    layer: u32,
    id: u64,
    scope: Scope,
}

/// Makes the context of a span current, until [`exit`].
#[inline]
pub(super) fn enter(layer: u32, id: &Id, context: Context) {
    let id = id.into_u64();
    let _ = ENTERED.try_with(|entered| {
        let Ok(mut entered) = entered.try_borrow_mut() else {
            return;
        };
        if entered.len() < DEEPEST {
            let scope = context.attach();
            entered.push(Entered { layer, id, scope });
            COUNT.set(entered.len());
        }
    });
}

/// Ends what [`enter`] began on this thread, in whatever order. Where nothing was entered, nothing is done.
#[inline]
pub(super) fn exit(layer: u32, id: &Id) {
    let id = id.into_u64();
    let scope = ENTERED.try_with(|entered| {
        let mut entered = entered.try_borrow_mut().ok()?;
        let last = entered.last()?;
        let found = if last.id == id && last.layer == layer {
            entered.pop()
        } else {
            let is_it = |other: &Entered| other.id == id && other.layer == layer;
            let found = entered.iter().rposition(is_it)?;
            Some(entered.remove(found))
        };
        COUNT.set(entered.len());
        found
    });
    // Outside of the borrow: what the context held may be dropped with it, and that may be anybody's.
    drop(scope.ok().flatten().map(|entered| entered.scope));
}

/// Whether nothing is entered on this thread.
#[inline]
pub(super) fn is_empty() -> bool {
    COUNT.get() == 0
}

/// Whether a span is entered on this thread.
pub(super) fn has(layer: u32, id: &Id) -> bool {
    let id = id.into_u64();
    let has = ENTERED.try_with(|entered| {
        let entered = entered.try_borrow().ok()?;
        let is_it = |entered: &Entered| entered.id == id && entered.layer == layer;
        Some(entered.iter().any(is_it))
    });
    has.ok().flatten().unwrap_or_default()
}

/// The span of this layer that was entered last.
pub(super) fn last(layer: u32) -> Option<Id> {
    ENTERED
        .try_with(|entered| {
            let entered = entered.try_borrow().ok()?;
            let last = entered.iter().rfind(|entered| entered.layer == layer)?;
            Some(Id::from_u64(last.id))
        })
        .ok()
        .flatten()
}
