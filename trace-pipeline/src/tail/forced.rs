//! Traces that somebody forced, known from their start on.
//!
//! Only the root of such a trace says so, and it ends last: where a trace is decided in parts, that is too late for those before.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core_ctx::TraceId;

/// More than are forced at a time: a later one may take the place of an earlier one.
const PLACES: usize = 1024;

/// The last traces that were forced.
pub(super) struct Forced([AtomicU64; PLACES]);

impl Default for Forced {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; PLACES])
    }
}

impl Forced {
    /// Somebody forces this trace.
    pub(super) fn add(&self, trace: TraceId) {
        self.place(trace).store(mark(trace), Ordering::Relaxed);
    }

    /// Whether it was forced, as far as is remembered.
    pub(super) fn has(&self, trace: TraceId) -> bool {
        self.place(trace).load(Ordering::Relaxed) == mark(trace)
    }

    fn place(&self, trace: TraceId) -> &AtomicU64 {
        const ALL: u64 = PLACES as u64;
        let number = usize::try_from(trace.randomness() % ALL);
        &self.0[number.unwrap_or_default()]
    }
}

/// A number that hardly another trace has. No empty place has it.
#[expect(clippy::cast_possible_truncation, reason = "both halves are in it")]
const fn mark(trace: TraceId) -> u64 {
    let id = trace.to_u128();
    ((id >> 64) as u64 ^ (id as u64).rotate_left(32)) | 1
}

impl std::fmt::Debug for Forced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forced").finish_non_exhaustive()
    }
}
