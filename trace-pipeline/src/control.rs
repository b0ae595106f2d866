//! How others tell the pipeline's thread to flush or to stop, and wait until it has.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Wishes, and which of them are fulfilled. The lock is held for a few instructions only.
#[derive(Debug, Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    flush_wanted: u64,
    flush_done: u64,
    shutdown: bool,
    stopped: bool,
    /// It has stopped, and nobody had asked for that.
    died: bool,
}

/// What the pipeline's thread is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Flush(Ticket),
    Nothing,
    Shutdown,
}

/// Which flush one waits for: flushes are numbered, and a later one fulfils the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Control {
    pub(crate) fn wish(&self) -> Wish {
        let state = self.lock();
        if state.shutdown {
            Wish::Shutdown
        } else if state.flush_wanted > state.flush_done {
            Wish::Flush(Ticket(state.flush_wanted))
        } else {
            Wish::Nothing
        }
    }

    pub(crate) fn ask_for_flush(&self) -> Ticket {
        let mut state = self.lock();
        state.flush_wanted += 1;
        Ticket(state.flush_wanted)
    }

    pub(crate) fn ask_for_shutdown(&self) {
        self.lock().shutdown = true;
    }

    pub(crate) fn has_flushed(&self, ticket: Ticket) {
        let mut state = self.lock();
        state.flush_done = state.flush_done.max(ticket.0);
        self.changed.notify_all();
    }

    pub(crate) fn has_stopped(&self) {
        let mut state = self.lock();
        state.died = !state.shutdown;
        state.stopped = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the flush is done, or the thread has stopped; false when the time was over first, or the thread has died.
    pub(crate) fn wait_for_flush(&self, ticket: Ticket, until: Instant) -> bool {
        self.wait(until, |state| state.stopped || state.flush_done >= ticket.0) && !self.lock().died
    }

    /// Waits until the thread has stopped; false when the time was over first.
    pub(crate) fn wait_for_stop(&self, until: Instant) -> bool {
        self.wait(until, |state| state.stopped)
    }

    fn wait(&self, until: Instant, done: impl Fn(&State) -> bool) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), left, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
