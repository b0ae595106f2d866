//! What the library has to tell its operator: a wrong setting, lost spans, a misspelt attribute.
//!
//! By default a line goes to the standard error stream, such as `tower-trace: warn: ..`, from level `warn` on; `OTEL_LOG_LEVEL` can say `none`, `error`,
//! `warn`, `info` or `debug`. A handler of your own sees every message of every level:
//!
//! ```
//! use tracing_core_ctx::diagnostics;
//!
//! diagnostics::set_handler(|level, message| {
//!     // Into your own log.
//!     # let _ = (level, message);
//! });
//! ```
//!
//! Reporting never fails: a message that cannot be written, a handler that panics, and a report made while the same
//! thread handles one are dropped. [`count`] counts these as well.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::env;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// How grave a report is, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Telemetry is lost, or not what was asked for.
    Error,
    /// Something is wrong, and was worked around.
    Warn,
    /// Something changed that is good to know.
    Info,
    /// For those who look into the library itself.
    Debug,
}

impl Level {
    /// The name in lower case, as in `OTEL_LOG_LEVEL`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tells the operator something.
///
/// The message is one line: control characters become spaces, and what is beyond 2 KiB is cut. A handler is called
/// without any lock held, on the thread that reports.
///
/// ```
/// use tracing_core_ctx::diagnostics::{self, Level};
///
/// diagnostics::report(Level::Info, format_args!("sampling {} of {} traces", 1, 10));
/// assert!(diagnostics::count(Level::Info) >= 1);
/// ```
pub fn report(level: Level, message: fmt::Arguments<'_>) {
    COUNTS[level as usize].fetch_add(1, Ordering::Relaxed);
    let Some(_turn) = Turn::take() else { return };
    // The message may call `Display` of somebody else, and the handler is somebody else's.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        let handler = HANDLER
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match handler {
            Some(handler) => handler(level, &one_line(message)),
            None => print(level, message),
        }
    }));
}

/// Tells the operator something that may happen often: only the first report of a `key` in this process goes out, and
/// only the first one is counted.
///
/// Every call takes a shared lock; where requests pass by, keep a flag of your own.
pub fn report_once(key: &'static str, level: Level, message: fmt::Arguments<'_>) {
    static REPORTED: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

    let known = REPORTED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(key);
    if known {
        return;
    }
    let first = REPORTED
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key);
    if first {
        report(level, message);
    }
}

/// Sends all reports to `handler` instead of the standard error stream.
///
/// - **When**: at each report, on the thread that reports, which may be one that handles a request.
/// - **Sees**: the level, and the message as one line. `OTEL_LOG_LEVEL` does not apply.
/// - **If it panics or is slow**: a panic is caught and ends there; the reporting thread waits for it.
///
/// What it reports itself is counted and dropped.
pub fn set_handler(handler: impl Fn(Level, &str) + Send + Sync + 'static) {
    replace_handler(Some(Arc::new(handler)));
}

/// Sends all reports to the standard error stream again.
pub fn reset_handler() {
    replace_handler(None);
}

/// How many reports of a level there have been in this process, whether anybody saw them or not.
#[must_use]
pub fn count(level: Level) -> u64 {
    COUNTS[level as usize].load(Ordering::Relaxed)
}

type Handler = Arc<dyn Fn(Level, &str) + Send + Sync>;

static COUNTS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

static HANDLER: RwLock<Option<Handler>> = RwLock::new(None);

fn replace_handler(handler: Option<Handler>) {
    let mut current = HANDLER.write().unwrap_or_else(PoisonError::into_inner);
    let before = std::mem::replace(&mut *current, handler);
    drop(current);
    // Only now, since its destructor is somebody else's code.
    drop(before);
}

/// The turn of this thread to report. There is one, so that a handler which reports does not call itself.
struct Turn(());

thread_local! {
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

impl Turn {
    fn take() -> Option<Self> {
        // No turn either for a thread whose locals are gone: it is about to end.
        let taken = REPORTING
            .try_with(|reporting| reporting.replace(true))
            .ok()?;
        (!taken).then_some(Self(()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = REPORTING.try_with(|reporting| reporting.set(false));
    }
}

fn one_line(message: fmt::Arguments<'_>) -> String {
    let mut line = Line(String::new());
    // An error is that of a `Display`, or our own because the line is full: what was written until then counts.
    let _ = line.write_fmt(message);
    line.0
}

/// A text of bounded length without control characters.
struct Line(String);

impl Line {
    const LONGEST: usize = 2048;
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() + c.len_utf8() > Self::LONGEST {
                return Err(fmt::Error);
            }
            self.0.push(if c.is_control() { ' ' } else { c });
        }
        Ok(())
    }
}

fn print(level: Level, message: fmt::Arguments<'_>) {
    if threshold().is_some_and(|least| level <= least) {
        print_line(level, &one_line(message));
    }
}

fn print_line(level: Level, line: &str) {
    // One write, so that lines of several threads do not mix. There is nobody to tell that it failed.
    let _ = io::stderr().write_all(printed(level, line).as_bytes());
}

/// Named after what users depend on and would look for, not after this crate.
fn printed(level: Level, line: &str) -> String {
    format!("tower-trace: {level}: {line}\n")
}

/// The least grave level that is printed; `None` prints nothing.
fn threshold() -> Option<Level> {
    static THRESHOLD: OnceLock<Option<Level>> = OnceLock::new();

    *THRESHOLD.get_or_init(|| {
        let value = env::var_os("OTEL_LOG_LEVEL").unwrap_or_default();
        let value = value.to_string_lossy();
        parse_threshold(&value).unwrap_or_else(|| {
            let line = one_line(format_args!(
                "OTEL_LOG_LEVEL is `{value}`, but should be none, error, warn, info or debug; using warn"
            ));
            print_line(Level::Warn, &line);
            Some(Level::Warn)
        })
    })
}

fn parse_threshold(value: &str) -> Option<Option<Level>> {
    let value = value.trim();
    if value.is_empty() {
        return Some(Some(Level::Warn));
    }
    if value.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    [Level::Error, Level::Warn, Level::Info, Level::Debug]
        .into_iter()
        .find(|level| value.eq_ignore_ascii_case(level.as_str()))
        .map(Some)
}

#[cfg(test)]
pub(crate) mod tests;
