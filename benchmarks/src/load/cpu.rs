//! Processor time of another process, out of `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Error;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cpu {
    /// All its threads, those that have ended included.
    pub(crate) all: Duration,
    /// Its first thread: the one that serves.
    pub(crate) first: Duration,
}

impl Cpu {
    /// In steps of 10 ms.
    pub(crate) fn of(process: u32) -> Result<Self, Error> {
        let folder = format!("/proc/{process}");
        Ok(Self {
            all: used(format!("{folder}/stat").as_ref())?,
            first: used(format!("{folder}/task/{process}/stat").as_ref())?,
        })
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            all: self.all.saturating_sub(earlier.all),
            first: self.first.saturating_sub(earlier.first),
        }
    }
}

fn used(file: &Path) -> Result<Duration, Error> {
    let text = fs::read_to_string(file)?;
    parse(&text).ok_or_else(|| format!("{}: not as expected", file.display()).into())
}

/// The 14th and the 15th field, user and system time, in ticks, of which Linux shows a hundred a second.
fn parse(stat: &str) -> Option<Duration> {
    const TICK: Duration = Duration::from_millis(10);

    // The second field is the name, in parentheses, and may hold anything.
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let mut fields = behind_name.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_any_name() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194304 500 0 0 0 230 41 0 0 20 0 2 0 5 1000 200";
        assert_eq!(parse(stat), Some(Duration::from_millis(2710)));
        assert_eq!(parse("17 (a) S 1"), None);
    }

    #[test]
    fn a_process_that_is_gone_has_none() {
        assert!(Cpu::of(u32::MAX).is_err());
        assert!(Cpu::of(std::process::id()).is_ok());
    }
}
