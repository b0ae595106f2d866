//! Flushing and shutting down, for whoever asks: the pipeline's handle, a signal, a panic.

#[cfg(all(unix, feature = "signals"))]
use std::sync::Arc;
#[cfg(all(unix, feature = "signals"))]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{CLOSED, Shared};
use crate::control::Control;
use crate::cutoff;
use crate::pipeline::Lost;
use crate::stats::Dropped;

impl Shared {
    /// Sends what has ended until now, and waits for it.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Lost> {
        if self.is_forked() {
            self.leave_signals();
            return self.lost_since(Dropped::default(), false);
        }
        let before = self.counters.dropped();
        let until = cutoff::after(timeout);
        if let Some(tail) = &self.tail {
            let ticket = tail.control.ask_for_flush();
            tail.wake();
            self.wait(|_| tail.control.wait_for_flush(ticket, until));
        }
        let ticket = self.control.ask_for_flush();
        self.wake();
        let in_time = self.wait(|control| control.wait_for_flush(ticket, until));
        self.lost_since(before, in_time)
    }

    /// Sends what has ended until now and waits for it, takes no more, and ends the thread.
    pub(crate) fn shutdown(&self, timeout: Duration) -> Result<(), Lost> {
        // So that what the exporter says at the end of its time is still counted and told.
        const MARGIN: Duration = Duration::from_millis(100);

        if self.is_forked() {
            self.leave_signals();
            self.phase.store(CLOSED, Ordering::SeqCst);
            return self.lost_since(Dropped::default(), false);
        }
        let until = cutoff::after(timeout);
        self.begin_shutdown(cutoff::after(timeout - MARGIN.min(timeout / 10)));
        let in_time = self.wait(|control| control.wait_for_stop(until));
        if !in_time && !self.is_own_thread() {
            self.close(&self.counters.exports.shutdown);
        }
        self.lost_since(Dropped::default(), in_time)
    }

    /// Whether this is a child of the process that built the pipeline, without the pipeline's threads. A lock may be held here by a
    /// thread that is not, so that there is nothing to wait for.
    fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    /// In a child of the process, where nobody waits for signals, `flag` is to be set.
    #[cfg(all(unix, feature = "signals"))]
    pub(crate) fn end_at_next_signal(&self, flag: &Arc<AtomicBool>) {
        let _ = self.ends_at_signal.set(Arc::clone(flag));
    }

    /// Handlers are inherited, but the thread that they tell is not: from now on signals do what they do.
    fn leave_signals(&self) {
        if let Some(flag) = self.ends_at_signal.get() {
            flag.store(true, Ordering::SeqCst);
        }
    }

    fn wait(&self, wait: impl FnOnce(&Control) -> bool) -> bool {
        if !self.has_worker() {
            return true;
        }
        // An exporter that flushes its own pipeline would wait for itself.
        !self.is_own_thread() && wait(&self.control)
    }

    fn lost_since(&self, before: Dropped, in_time: bool) -> Result<(), Lost> {
        let mut dropped = self.counters.dropped() - before;
        // Someone chose that, for example by `OTEL_TRACES_EXPORTER=none`.
        dropped.no_exporter = 0;
        let lost = Lost {
            dropped,
            in_flight: if in_time { 0 } else { self.stats().in_flight },
            timed_out: !in_time,
        };
        if lost.timed_out || lost.dropped.total() > 0 {
            Err(lost)
        } else {
            Ok(())
        }
    }
}
