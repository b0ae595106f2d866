//! Which layer it is.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tracing::span::Id;
use tracing_core_ctx::context::Owner;

/// So many layers are remembered when they are no more.
const RETIRED: usize = 8;

/// Layers that are no more. A span of theirs may still be entered, where another one has taken the place of its layer
/// (`tracing_subscriber::reload`), which is then told of the exit.
static LAST: [AtomicU64; RETIRED] = [const { AtomicU64::new(0) }; RETIRED];

/// The number of a layer, from 1.
#[derive(Debug)]
pub(super) struct Number(u64);

impl Number {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);

        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    #[inline]
    pub(super) const fn get(&self) -> u64 {
        self.0
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);

        let place = COUNT.fetch_add(1, Ordering::Relaxed) % RETIRED;
        LAST[place].store(self.0, Ordering::Relaxed);
    }
}

/// Ends what a layer that is no more has attached here for a span; says whether it has.
#[cold]
pub(super) fn detach_of_retired(id: &Id) -> bool {
    LAST.iter().any(|layer| {
        let layer = layer.load(Ordering::Relaxed);
        layer != 0 && Owner::new(layer, id.into_u64()).detach()
    })
}
