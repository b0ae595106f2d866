//! Delivery: spans from their start to OTLP bytes on one core, ours through a tail decision, beside the SDK's batch processor.
//!
//! ```text
//!   report()  ->  receiver, which counts spans                      a process of its own
//!             ->  run("ours", its address), run("sdk", its address),
//!                 run("ours", "nowhere"),   run("sdk", "nowhere")   in turn, each a process of its own on one core
//! ```
//!
//! Bursts of traces are made and flushed, so that no queue overflows: all that was made arrives, or the run fails. The receiver is on whatever core it likes.
//! Nowhere is in the process itself: each exporter makes the bytes of its requests, whose spans are counted, and nothing is sent.

mod nowhere;
mod ours;
mod sdk;

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::ClockId;

use self::nowhere::Nowhere;
use crate::Error;
use crate::instructions::valgrind;
use crate::load::{RECEIVE, Role, by_thread};
use crate::markdown;
use crate::run::{RUN, again, again_under};
use crate::time::{cpu, median};

/// Traces of a burst; with their five spans below the 2048 of either queue.
const TRACES: u64 = 400;
const CHILDREN: u64 = 4;
const BURSTS: u64 = 50;
const SPANS: u64 = spans(BURSTS);
const ROUNDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

// Two runs for the instructions, whose difference is what the spans cost, without the start and the end.
const FEW: u64 = 3;
const MANY: u64 = 11;

/// The function with which their counting begins.
const COUNTED: &str = "--zero-before=*benchmarks::delivered::repeat*";

const fn spans(bursts: u64) -> u64 {
    TRACES * (1 + CHILDREN) * bursts
}

/// Whose spans, as the command line has it.
const WHOSE: [&str; 2] = ["ours", "sdk"];

/// The destination that is no address.
const NOWHERE: &str = "nowhere";

/// Where the bytes of requests go.
#[derive(Clone, Copy, Debug)]
enum Destination<'a> {
    /// By HTTP to this address.
    Receiver(&'a str),
    /// They are counted and dropped.
    Nowhere,
}

/// What one run has cost, in nanoseconds for each span that arrived.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Processor time of all threads.
    all: f64,
    /// Of all but the one that makes the spans.
    delivery: f64,
    /// Spans in a second.
    rate: f64,
    /// What came to an end in the process itself: spans, and bytes.
    ended: (u64, u64),
}

/// Makes and delivers spans, `ours` or those of the `sdk`, to a receiver or `nowhere`; prints what it cost.
///
/// # Errors
///
/// When something can not be set up, or not all spans were delivered.
pub fn run(arguments: &[&str]) -> Result<String, Error> {
    let (whose, to, bursts) = match *arguments {
        [whose, to] => (whose, to, BURSTS),
        [whose, to, bursts] => (whose, to, bursts.parse()?),
        _ => return Err("whose, and to which address?".into()),
    };
    stay_on_one_core()?;
    let destination = match to {
        NOWHERE => Destination::Nowhere,
        address => Destination::Receiver(address),
    };
    let figures = match whose {
        "ours" => ours::run(destination, bursts)?,
        "sdk" => sdk::run(destination, bursts)?,
        _ => return Err(format!("`{whose}` is not known").into()),
    };
    Ok(figures.write())
}

fn stay_on_one_core() -> Result<(), Error> {
    let mut one = CpuSet::new();
    one.set(0);
    sched_setaffinity(None, &one)?;
    Ok(())
}

fn measure(bursts: u64, mut burst: impl FnMut() -> Result<(), Error>) -> Result<Figures, Error> {
    // Connections, pools, queues.
    burst()?;
    repeat(bursts - 1, &mut burst)
}

#[inline(never)]
fn repeat(bursts: u64, burst: &mut dyn FnMut() -> Result<(), Error>) -> Result<Figures, Error> {
    let (start, all, own) = (
        Instant::now(),
        cpu(ClockId::ProcessCPUTime),
        cpu(ClockId::ThreadCPUTime),
    );
    for _ in 0..bursts {
        burst()?;
    }
    let all = cpu(ClockId::ProcessCPUTime).saturating_sub(all);
    let own = cpu(ClockId::ThreadCPUTime).saturating_sub(own);
    let spans = to_f64(spans(bursts));
    Ok(Figures {
        all: all.as_secs_f64() * 1e9 / spans,
        delivery: all.saturating_sub(own).as_secs_f64() * 1e9 / spans,
        rate: spans / start.elapsed().as_secs_f64(),
        ended: (0, 0),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some hundred thousand spans, and what they cost"
)]
fn to_f64(number: u64) -> f64 {
    number as f64
}

impl Figures {
    /// The same with what ended there.
    fn with(self, nowhere: &Nowhere) -> Self {
        Self {
            ended: nowhere.taken(),
            ..self
        }
    }

    fn write(&self) -> String {
        let Self {
            all,
            delivery,
            rate,
            ended: (spans, bytes),
        } = self;
        format!("{all}\t{delivery}\t{rate}\t{spans}\t{bytes}")
    }

    fn read(text: &str) -> Option<Self> {
        let [all, delivery, rate, spans, bytes] = text
            .trim()
            .split('\t')
            .collect::<Vec<_>>()
            .try_into()
            .ok()?;
        Some(Self {
            all: all.parse().ok()?,
            delivery: delivery.parse().ok()?,
            rate: rate.parse().ok()?,
            ended: (spans.parse().ok()?, bytes.parse().ok()?),
        })
    }

    /// The median of each figure by itself. What ended is the same in all.
    fn median_of(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            all: of(|figures| figures.all),
            delivery: of(|figures| figures.delivery),
            rate: of(|figures| figures.rate),
            ended: rounds.first().map_or((0, 0), |figures| figures.ended),
        }
    }
}

/// One of those that are compared.
struct Subject {
    whose: &'static str,
    /// An address, or [`NOWHERE`].
    to: String,
    rounds: Vec<Figures>,
}

impl Subject {
    /// Runs it once more; `arrived` says what has come to the receiver until now.
    fn once(
        &mut self,
        arrived: &mut dyn FnMut() -> Result<(u64, u64), Error>,
    ) -> Result<(), Error> {
        let before = arrived()?;
        let text = String::from_utf8(again(&[RUN, self.whose, &self.to])?.stdout)?;
        let mut figures = Figures::read(&text).ok_or("not the figures of a run")?;
        let after = arrived()?;
        figures.ended.0 += after.0 - before.0;
        figures.ended.1 += after.1 - before.1;
        if figures.ended.0 != SPANS {
            let (whose, to, spans) = (self.whose, &self.to, figures.ended.0);
            return Err(format!("{whose} to {to}: {spans} of {SPANS} spans arrived").into());
        }
        self.rounds.push(figures);
        Ok(())
    }

    fn measured(&self) -> Result<Measured, Error> {
        Ok(Measured {
            figures: Figures::median_of(&self.rounds),
            instructions: instructions(self.whose, &self.to)?,
        })
    }
}

/// What all rounds of one of them come to.
struct Measured {
    figures: Figures,
    /// For each span: of all threads, and of all but the one that makes the spans.
    instructions: (f64, f64),
}

impl Measured {
    fn row(&self, name: &str) -> Vec<String> {
        let Self {
            figures,
            instructions: (all, delivery),
        } = self;
        vec![
            name.to_owned(),
            format!("{all:.0}"),
            format!("{delivery:.0}"),
            format!("{:.0}", figures.rate),
            format!("{:.0}", figures.all),
            format!("{:.0}", figures.delivery),
            (figures.ended.1 / SPANS).to_string(),
        ]
    }

    fn row_over(&self, theirs: &Self) -> Vec<String> {
        let (ours, sdk) = (&self.figures, &theirs.figures);
        let (counted, of_sdk) = (self.instructions, theirs.instructions);
        let ratios = [
            counted.0 / of_sdk.0,
            counted.1 / of_sdk.1,
            ours.rate / sdk.rate,
            ours.all / sdk.all,
            ours.delivery / sdk.delivery,
        ];
        let mut row = vec!["ours over theirs".to_owned()];
        row.extend(ratios.map(|ratio| format!("{ratio:.2}")));
        row.push(String::new());
        row
    }
}

/// All of them, in turn, as a table.
///
/// # Errors
///
/// When a process fails, or spans are missing.
pub fn report(program: &Path) -> Result<String, Error> {
    let mut receiver = Role::start(program, &[RECEIVE])?;
    let address = receiver.address().to_owned();
    let mut subjects = [&*address, NOWHERE].map(|to| {
        WHOSE.map(|whose| Subject {
            whose,
            to: to.to_owned(),
            rounds: Vec::new(),
        })
    });
    let mut arrived = || {
        let (spans, bytes) = receiver.ask()?;
        Ok((spans, bytes.parse()?))
    };
    for round in 0..ROUNDS {
        for pair in &mut subjects {
            // Each of the two is the first in its turn.
            for turn in 0..2 {
                pair[(round + turn) % 2].once(&mut arrived)?;
            }
        }
    }
    let mut rows = Vec::new();
    for (way, [ours, sdk]) in ["sent", "sent nowhere"].into_iter().zip(&subjects) {
        let (ours, sdk) = (ours.measured()?, sdk.measured()?);
        rows.push(ours.row(&format!("trace-pipeline, through a tail; {way}")));
        rows.push(sdk.row(&format!("opentelemetry_sdk, batch processor; {way}")));
        rows.push(ours.row_over(&sdk));
    }
    let heads = [
        "",
        "instructions a span",
        "of these for delivery",
        "spans/s on one core",
        "ns of CPU a span",
        "of these for delivery",
        "bytes a span",
    ];
    Ok(markdown::table(&heads, &rows))
}

/// For each span: of all threads, and of all but the one that makes the spans. Nothing where there is no valgrind.
fn instructions(whose: &str, to: &str) -> Result<(f64, f64), Error> {
    if valgrind().is_none() {
        return Ok((0.0, 0.0));
    }
    let count = |bursts: u64| {
        by_thread(|callgrind| {
            let work = [RUN, whose, to, &bursts.to_string()];
            again_under(callgrind.arg(COUNTED), &work).map(drop)
        })
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    let each = |few: u64, many: u64| to_f64(many.saturating_sub(few)) / to_f64(spans(MANY - FEW));
    let delivery = each(few.1, many.1);
    Ok((each(few.0, many.0) + delivery, delivery))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_back() {
        let figures = Figures {
            all: 450.5,
            delivery: 282.0,
            rate: 2e6,
            ended: (100_000, 25_400_000),
        };
        let text = figures.write();
        assert_eq!(Figures::read(&text).map(|read| read.write()), Some(text));
        assert!(Figures::read("1\t2\t3").is_none());
    }

    /// Both count what they have encoded, so that a span that is missing is seen.
    #[test]
    fn all_spans_end_nowhere() {
        for run in [ours::run, sdk::run] {
            let figures = run(Destination::Nowhere, 2).expect("a run");
            assert_eq!(figures.ended.0, spans(2));
        }
    }
}
