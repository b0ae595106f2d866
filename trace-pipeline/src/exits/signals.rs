use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::shared::Shared;

/// What happens when the spans have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The process ends by the signal.
    End,
    /// The program decides.
    GoOn,
}

pub(super) fn watch(shared: &Arc<Shared>, timeout: Duration, then: Then) -> io::Result<()> {
    let known = Dispositions::read();
    let mut wanted = vec![SIGINT, SIGTERM];
    wanted.retain(|signal| !known.is_ignored(*signal));
    let is_second = Arc::new(AtomicBool::new(false));
    if then == Then::End {
        if wanted.iter().any(|signal| known.is_handled(*signal)) {
            let handled = "the program handles SIGTERM or SIGINT itself";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, handled));
        }
        for signal in &wanted {
            let is_second = Arc::clone(&is_second);
            if is_spared() {
                flag::register_conditional_shutdown(*signal, code(*signal), is_second)?;
            } else {
                flag::register_conditional_default(*signal, is_second)?;
            }
        }
        shared.end_at_next_signal(&is_second);
    }
    let mut signals = Signals::new(&wanted)?;
    let shared = Arc::downgrade(shared);
    let wait = move || {
        for signal in signals.forever() {
            is_second.store(true, Ordering::SeqCst);
            // What is lost is in the report of the pipeline's thread.
            let _ = shared.upgrade().map(|shared| match then {
                Then::End => shared.shutdown(timeout),
                Then::GoOn => shared.flush(timeout),
            });
            if then == Then::End {
                end(signal);
            }
        }
    };
    thread::Builder::new()
        .name("trace-signals".into())
        .spawn(wait)
        .map(drop)
}

/// Ends the process as the signal would have.
fn end(signal: i32) {
    if is_spared() {
        low_level::exit(code(signal));
    }
    let _ = low_level::emulate_default_handler(signal);
}

/// Whether the kernel does not do to this process what signals do by default: it is the first of its PID namespace, as mostly in a container
/// (`pid_namespaces(7)`).
fn is_spared() -> bool {
    std::process::id() == 1
}

/// What a shell says of a process that a signal has ended.
const fn code(signal: i32) -> i32 {
    128 + signal
}

/// What the process does at signals: a bit for each, from the lowest.
#[derive(Debug, Default, PartialEq, Eq)]
struct Dispositions {
    ignored: u64,
    handled: u64,
}

impl Dispositions {
    /// As the kernel knows them; nothing where it does not say.
    fn read() -> Self {
        std::fs::read_to_string("/proc/self/status")
            .map_or_else(|_| Self::default(), |text| Self::parse(&text))
    }

    fn parse(status: &str) -> Self {
        let mask = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        };
        Self {
            ignored: mask("SigIgn:").unwrap_or_default(),
            handled: mask("SigCgt:").unwrap_or_default(),
        }
    }

    fn is_ignored(&self, signal: i32) -> bool {
        has(self.ignored, signal)
    }

    fn is_handled(&self, signal: i32) -> bool {
        has(self.handled, signal)
    }
}

fn has(mask: u64, signal: i32) -> bool {
    let bit = u32::try_from(signal - 1).ok();
    bit.and_then(|bit| 1_u64.checked_shl(bit))
        .is_some_and(|bit| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_of_signals_is_read() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000000002\nSigCgt:\t0000000000004000\n";
        let known = Dispositions::parse(status);
        assert!(known.is_ignored(SIGINT) && !known.is_ignored(SIGTERM));
        assert!(known.is_handled(SIGTERM) && !known.is_handled(SIGINT));
    }

    #[test]
    fn a_kernel_that_says_nothing_or_nonsense_is_no_reason_to_fail() {
        for status in ["", "SigIgn:", "SigIgn:\tzz\nSigCgt:\t1ffffffffffffffff"] {
            assert_eq!(Dispositions::parse(status), Dispositions::default());
        }
        assert!(!has(u64::MAX, 0) && !has(u64::MAX, 65));
    }
}
