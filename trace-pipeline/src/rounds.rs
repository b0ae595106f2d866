//! A thread that does the same from time to time, when somebody asks, and a last time at the end.

mod report;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use tracing_core_ctx::Context;
use tracing_core_ctx::diagnostics;

use self::report::Report;
use crate::cutoff::{self, Cutoff};
use crate::exporter::ExportError;
use crate::otlp::Urgency;

/// The thread, which ends when this is dropped.
pub(crate) struct Rounds(Arc<Shared>);

/// Asks for a round without waiting for it.
#[derive(Clone)]
pub(crate) struct Bell(Arc<Shared>);

struct Shared {
    /// The process with the thread, if there is one.
    process: Option<u32>,
    state: Mutex<State>,
    changed: Condvar,
    cutoff: Cutoff,
    done: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct State {
    /// How often somebody asked for a round, and the last of them that is done.
    asked: u64,
    done: u64,
    /// Why the last round failed.
    error: Option<ExportError>,
    stop: bool,
    ended: bool,
}

impl Rounds {
    /// No thread, and nothing to do.
    pub(crate) fn none() -> Self {
        let shared = Arc::new(Shared::new(None));
        shared.change(|state| state.ended = true);
        Self(shared)
    }

    /// Starts the thread: it calls `round` every `interval` with the time that it has. That rounds fail, or that more is `lost` than before, is reported as that of
    /// `what`, at most once in a minute.
    pub(crate) fn spawn(
        what: &'static str,
        interval: Duration,
        timeout: Duration,
        lost: impl Fn() -> u64 + Send + 'static,
        mut round: impl FnMut(&Until<'_>) -> Result<(), ExportError> + Send + 'static,
    ) -> io::Result<Self> {
        let interval = interval.max(Duration::from_millis(1));
        let shared = Arc::new(Shared::new(Some(std::process::id())));
        let ended = Ended(Arc::clone(&shared));
        thread::Builder::new()
            .name(format!("trace-{what}"))
            .spawn(move || {
                // What sends telemetry is no subject of telemetry.
                let _suppressed = Context::new().suppressed().attach();
                let mut report = Report::new(what);
                while ended.0.one(interval, timeout, &mut round, |error| {
                    report.round(error, lost(), &mut diagnostics::report);
                }) {}
                report.finished(lost(), &mut diagnostics::report);
                // Connections go before the end is told: who waited for it may end the process.
                drop(round);
                drop(ended);
            })?;
        Ok(Self(shared))
    }

    pub(crate) fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.0))
    }

    /// How many rounds went well.
    pub(crate) fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// How many did not.
    pub(crate) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Has a round made now, and waits for it.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), ExportError> {
        self.0.has_thread()?;
        let ticket = self.0.change(|state| {
            state.asked += 1;
            state.asked
        });
        self.0
            .result(timeout, |state| state.done >= ticket || state.ended)
    }

    /// Has a last round made, and ends the thread.
    pub(crate) fn shutdown(&self, timeout: Duration) -> Result<(), ExportError> {
        self.0.has_thread()?;
        self.0.cutoff.set(cutoff::after(timeout));
        self.0.change(|state| state.stop = true);
        self.0.result(timeout, |state| state.ended)
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        // There is nobody left to hear of it; what is lost was reported.
        let _ = self.shutdown(Duration::from_secs(5));
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        if self.0.has_thread().is_ok() {
            self.0.change(|state| state.asked += 1);
        }
    }
}

/// Says that the thread is gone, however it went.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl Shared {
    fn new(process: Option<u32>) -> Self {
        Self {
            process,
            state: Mutex::default(),
            changed: Condvar::new(),
            cutoff: Cutoff::new(),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// An error in a child of the process with the thread. There a lock may be held by a thread that is not, so that nothing is waited for.
    fn has_thread(&self) -> Result<(), ExportError> {
        let is_forked = |process| process != std::process::id();
        if self.process.is_some_and(is_forked) {
            return Err(ExportError::timed_out(
                "a child of a fork has no thread that sends it",
            ));
        }
        Ok(())
    }

    /// Waits for the next round and makes it; false if it was the last.
    fn one(
        &self,
        interval: Duration,
        timeout: Duration,
        round: &mut impl FnMut(&Until<'_>) -> Result<(), ExportError>,
        tell: impl FnOnce(Option<&ExportError>),
    ) -> bool {
        self.wait(interval, |state| state.stop || state.asked > state.done);
        let (ticket, stop) = self.change(|state| (state.asked, state.stop));
        let error = round(&Until {
            until: cutoff::after(timeout),
            cutoff: &self.cutoff,
        })
        .err();
        let count = match &error {
            None => &self.done,
            Some(_) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        tell(error.as_ref());
        self.change(|state| {
            state.error = error;
            state.done = ticket;
        });
        !stop
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for the thread to have done something, and says how that went.
    fn result(
        &self,
        timeout: Duration,
        is_over: impl Fn(&State) -> bool,
    ) -> Result<(), ExportError> {
        if !self.wait(timeout, is_over) {
            return Err(ExportError::timed_out("it is still being sent"));
        }
        self.change(|state| state.error.take()).map_or(Ok(()), Err)
    }

    fn wait(&self, timeout: Duration, is_over: impl Fn(&State) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| !is_over(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_over(&state)
    }
}

/// The time that a round has, which a shutdown makes shorter.
pub(crate) struct Until<'a> {
    until: Instant,
    cutoff: &'a Cutoff,
}

impl Urgency for Until<'_> {
    fn deadline(&self) -> Instant {
        self.cutoff
            .get()
            .map_or(self.until, |cutoff| cutoff.min(self.until))
    }

    fn wake_when_moved(&self, waker: &Waker) {
        self.cutoff.wake_when_set(waker);
    }
}
