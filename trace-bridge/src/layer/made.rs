//! Which span was made last on a thread, if it does not record: most are entered where they were made, in the context that is current there, and then
//! there is nothing to do.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::span::Id;
use tracing_core_ctx::Context;
use tracing_core_ctx::context::Identity;

thread_local! {
    static LAST: Last = const {
        Last {
            id: Cell::new(0),
            age: Cell::new(0),
            context: Cell::new(Identity::EMPTY),
        }
    };
}

/// The last span that was made here, in a context that its layer keeps as long as the span is open.
struct Last {
    /// Zero of none.
    id: Cell<u64>,
    age: Cell<u64>,
    context: Cell<Identity>,
}

/// A thread that may remember a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Maker(usize);

impl Maker {
    pub(super) const NONE: Self = Self(0);

    #[inline]
    fn of(last: &Last) -> Self {
        Self(std::ptr::from_ref(last).addr())
    }
}

/// What threads remember of the spans of a layer counts as long as this is the same: numbers of spans are used again.
///
/// No two layers have the same one.
pub(super) struct Age(AtomicU64);

impl Age {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(next()))
    }

    /// Remembers a span of this layer that was made here in the current context, which it keeps.
    #[inline]
    pub(super) fn remember(&self, id: &Id, context: &Context) -> Maker {
        LAST.try_with(|last| {
            last.id.set(id.into_u64());
            last.age.set(self.get());
            last.context.set(context.identity());
            Maker::of(last)
        })
        .unwrap_or(Maker::NONE)
    }

    /// Forgets a span for which something is about to be attached.
    pub(super) fn leave(id: &Id) {
        let _ = LAST.try_with(|last| {
            if last.id.get() == id.into_u64() {
                last.id.set(0);
            }
        });
    }

    /// Whether a span is the one that was remembered here: then nothing is attached for it.
    #[inline]
    pub(super) fn remembers(&self, id: &Id) -> bool {
        LAST.try_with(|last| last.id.get() == id.into_u64() && last.age.get() == self.get())
            .unwrap_or(false)
    }

    /// The same, and its context is the current one.
    #[inline]
    pub(super) fn is_in_place(&self, id: &Id) -> bool {
        self.remembers(id) && LAST.try_with(|last| last.context.get().is_current()) == Ok(true)
    }

    /// Forgets a span that is closed, wherever it was made.
    #[inline]
    pub(super) fn forget(&self, id: &Id, maker: Maker) {
        let is_here = LAST.try_with(|last| {
            if last.id.get() == id.into_u64() {
                last.id.set(0);
            }
            Maker::of(last) == maker
        });
        if is_here != Ok(true) && maker != Maker::NONE {
            // Its maker may remember it, and all that others remember is forgotten with it.
            self.0.store(next(), Ordering::Relaxed);
        }
    }

    #[inline]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);

    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_span_is_remembered_until_another_one_is_made_or_it_is_closed() {
        let (age, other) = (Age::new(), Age::new());
        let [first, second] = [1, 2].map(Id::from_u64);
        let context = Context::new();
        let maker = age.remember(&first, &context);
        assert!(age.is_in_place(&first));
        assert!(!other.is_in_place(&first), "a span of another layer");
        assert!(
            !Context::new()
                .suppressed()
                .scope(|| age.is_in_place(&first))
        );
        assert_eq!(age.remember(&second, &context), maker);
        assert!(!age.is_in_place(&first));
        age.forget(&first, maker);
        assert!(age.is_in_place(&second));
        age.forget(&second, maker);
        assert!(!age.is_in_place(&second));
    }

    #[test]
    fn a_span_that_is_closed_on_another_thread_is_forgotten_where_it_was_made() {
        let age = Age::new();
        let id = Id::from_u64(1);
        let maker = age.remember(&id, &Context::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!age.is_in_place(&id));
                age.forget(&id, maker);
            });
        });
        assert!(!age.is_in_place(&id));
    }
}
