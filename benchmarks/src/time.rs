//! Wall time and CPU time: a witness. They depend on the machine and on whatever else runs there.
//!
//! A process does samples without and with tracing, in turn; several processes, one after the other, do the same.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::instructions::per_unit;
use crate::run::again;
use crate::work::run_sample;
use crate::{Case, Delivery, Error, Subject, Work};

/// The argument with which this program prints its samples of one subject.
pub const TIME: &str = "--time";

const PROCESSES: usize = 3;

/// Samples of a process, and those before them that do not count.
struct Plan {
    warm_up: usize,
    samples: usize,
}

const USUAL: Plan = Plan {
    warm_up: 4,
    samples: 60,
};

/// Of work that waits.
const FEW: Plan = Plan {
    warm_up: 1,
    samples: 5,
};

/// Nanoseconds over bare, for each unit of a case's work.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a handful of numbers")]
pub struct OverBare {
    /// Wall time.
    pub wall: Spread,
    /// CPU time of the thread.
    pub thread: Spread,
    /// CPU time of all threads, what builds requests and flushes included.
    pub process: Spread,
}

/// What many samples say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Spread {
    /// The fastest sample with tracing less the fastest without.
    pub min: f64,
    /// The median of the differences between a sample with tracing and the one without right before it.
    pub median: f64,
}

/// One sample, in nanoseconds for each unit: wall time, CPU time of the thread, CPU time of the process.
type Sample = [f64; 3];

/// A sample without tracing, and the one with it right after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    bare: Sample,
    traced: Sample,
}

/// Times a subject in processes of its own.
///
/// # Errors
///
/// When one of them fails.
pub fn over_bare(case: &Case, subject: &Subject) -> Result<OverBare, Error> {
    let mut pairs = Vec::new();
    for _ in 0..PROCESSES {
        let output = again(&[TIME, &case.to_string(), subject.name()])?;
        let lines = String::from_utf8(output.stdout)?;
        for line in lines.lines() {
            pairs.push(Pair::read(line).ok_or_else(|| format!("not a pair of samples: {line}"))?);
        }
    }
    Ok(OverBare {
        wall: Spread::of(&pairs, 0),
        thread: Spread::of(&pairs, 1),
        process: Spread::of(&pairs, 2),
    })
}

/// Times a subject in this process.
///
/// # Errors
///
/// When spans are missing.
pub fn samples(case: &Case, subject: &Subject) -> Result<Vec<Pair>, Error> {
    let mut bare = subject.bare();
    let mut traced = subject.traced()?;
    let mut pairs = Vec::new();
    let plan = if case.size.waits { FEW } else { USUAL };
    for _ in 0..plan.warm_up + plan.samples {
        pairs.push(Pair {
            bare: sample(case, &mut *bare, None),
            traced: sample(case, &mut *traced.work, Some(&*traced.delivery)),
        });
    }
    case.check_delivery(&traced, plan.warm_up + plan.samples)?;
    Ok(pairs.split_off(plan.warm_up))
}

fn sample(case: &Case, work: &mut dyn Work, delivery: Option<&dyn Delivery>) -> Sample {
    let mut wall = Duration::ZERO;
    let mut thread = Duration::ZERO;
    let process_start = cpu(ClockId::ProcessCPUTime);
    run_sample(work, delivery, case.size, |work| {
        let thread_start = cpu(ClockId::ThreadCPUTime);
        let start = Instant::now();
        work.run();
        wall += start.elapsed();
        thread += cpu(ClockId::ThreadCPUTime).saturating_sub(thread_start);
    });
    let process = cpu(ClockId::ProcessCPUTime).saturating_sub(process_start);
    [wall, thread, process].map(|time| {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        per_unit(nanos, case.size.sample())
    })
}

pub(crate) fn cpu(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    let seconds = u64::try_from(tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or_default())
}

impl Spread {
    fn of(pairs: &[Pair], column: usize) -> Self {
        let fastest = |times: &mut dyn Iterator<Item = f64>| times.fold(f64::INFINITY, f64::min);
        Self {
            min: fastest(&mut pairs.iter().map(|pair| pair.traced[column]))
                - fastest(&mut pairs.iter().map(|pair| pair.bare[column])),
            median: median(
                pairs
                    .iter()
                    .map(|pair| pair.traced[column] - pair.bare[column])
                    .collect(),
            ),
        }
    }
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Pair {
    fn read(line: &str) -> Option<Self> {
        let numbers: Vec<f64> = line
            .split('\t')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let (bare, traced) = numbers.split_at_checked(3)?;
        Some(Self {
            bare: bare.try_into().ok()?,
            traced: traced.try_into().ok()?,
        })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [wall, thread, process] = self.bare;
        write!(f, "{wall}\t{thread}\t{process}\t")?;
        let [wall, thread, process] = self.traced;
        write!(f, "{wall}\t{thread}\t{process}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_no_matter_of_order() {
        assert_eq!(median(vec![9.0, -1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_pair_is_read_back() {
        let pair = Pair {
            bare: [1.5, 2.0, 3.25],
            traced: [4.0, 5.0, 6.0],
        };
        assert_eq!(Pair::read(&pair.to_string()), Some(pair));
        assert_eq!(Pair::read("1\t2\t3"), None);
        assert_eq!(Pair::read("1\t2\t3\t4\t5\t6\t7"), None);
    }

    #[test]
    fn a_thread_that_works_takes_time_of_its_own_and_of_the_process() {
        let work = Duration::from_millis(2);
        let process = cpu(ClockId::ProcessCPUTime);
        let thread = cpu(ClockId::ThreadCPUTime);
        while cpu(ClockId::ThreadCPUTime) < thread + work {}
        // The two clocks are not read at the same instant.
        assert!(cpu(ClockId::ProcessCPUTime) >= process + work / 2);
    }
}
