use std::env;
use std::io::{self, Write as _};

use super::instructions::{self, Instructions};
use super::middleware::{Middleware, middlewares};
use super::process::{RECEIVE, Role, SERVE};
use super::wrk::{Seen, Wrk};
use crate::Error;
use crate::instructions::valgrind;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Plan {
    /// How many times each middleware is measured.
    pub rounds: usize,
    /// How long each time, after a second to warm up.
    pub seconds: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rounds: 9,
            seconds: 3,
        }
    }
}

/// A server in one round, and the bare one right before it.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) middleware: &'static Middleware,
    pub(crate) bare: Measured,
    pub(crate) traced: Measured,
}

/// All that was measured.
#[derive(Debug)]
pub struct Results {
    pub(crate) rounds: Vec<Round>,
    /// By name; none without valgrind.
    pub(crate) instructions: Vec<(&'static str, Instructions)>,
}

/// One server from its start to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) seen: Seen,
    /// Processor time of the server for each request, in microseconds, up to the arrival of the last span.
    pub(crate) cpu: f64,
    /// The part of the thread that serves.
    pub(crate) serving_cpu: f64,
    pub(crate) served: u64,
    /// Spans at the receiver.
    pub(crate) arrived: u64,
    pub(crate) arrived_bytes: u64,
    /// What the middleware says about the others.
    pub(crate) lost: String,
}

/// Measures every middleware that is built in and whose name holds `filter`.
///
/// # Errors
///
/// When there is no wrk, or a server fails.
pub fn run(plan: Plan, filter: &str) -> Result<Results, Error> {
    let wrk = Wrk::prepare()?;
    let mut traced: Vec<&Middleware> = middlewares()
        .skip(1)
        .filter(|middleware| middleware.name().contains(filter))
        .collect();
    let mut rounds = Vec::new();
    for round in 1..=plan.rounds {
        for &middleware in &traced {
            report(format_args!(
                "round {round} of {}: {} .. ",
                plan.rounds,
                middleware.name()
            ))?;
            let bare = measure(&wrk, Middleware::BARE, plan.seconds)?;
            let traced = measure(&wrk, middleware, plan.seconds)?;
            report(format_args!(
                "{:.0} requests/s, bare {:.0}\n",
                traced.seen.rate, bare.seen.rate
            ))?;
            rounds.push(Round {
                middleware,
                bare,
                traced,
            });
        }
        if !traced.is_empty() {
            traced.rotate_left(1);
        }
    }
    Ok(Results {
        rounds,
        instructions: count(&traced)?,
    })
}

fn count(traced: &[&'static Middleware]) -> Result<Vec<(&'static str, Instructions)>, Error> {
    if valgrind().is_none() {
        report(format_args!("no valgrind, so no instructions\n"))?;
        return Ok(Vec::new());
    }
    [Middleware::BARE]
        .iter()
        .chain(traced)
        .map(|middleware| {
            report(format_args!("instructions: {}\n", middleware.name()))?;
            Ok((middleware.name(), instructions::count(middleware)?))
        })
        .collect()
}

fn measure(wrk: &Wrk, middleware: &Middleware, seconds: u32) -> Result<Measured, Error> {
    let program = env::current_exe()?;
    let mut receiver = Role::start(&program, &[RECEIVE])?;
    let mut server = Role::start(&program, &[SERVE, middleware.name(), receiver.address()])?;
    wrk.run(server.address(), 1)?;
    let (served_before, _) = server.ask()?;
    let cpu_before = server.cpu()?;
    let seen = wrk.run(server.address(), seconds)?;
    let (served, lost) = server.ask()?;
    let cpu = server.cpu()?.since(cpu_before);
    let (arrived, arrived_bytes) = receiver.ask()?;
    #[expect(clippy::cast_precision_loss, reason = "the totals of a short run")]
    let per_request =
        |cpu: std::time::Duration| cpu.as_secs_f64() * 1e6 / (served - served_before) as f64;
    Ok(Measured {
        seen,
        cpu: per_request(cpu.all),
        serving_cpu: per_request(cpu.first),
        served,
        arrived,
        arrived_bytes: arrived_bytes.parse()?,
        lost,
    })
}

fn report(line: std::fmt::Arguments<'_>) -> io::Result<()> {
    let mut err = io::stderr();
    err.write_fmt(line)?;
    err.flush()
}
