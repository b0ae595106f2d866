use std::fmt::Write as _;
use std::str;

use super::{concurrent, open, threads, traces};
use crate::Error;
use crate::run::{RUN, again};
use crate::time::median;

/// Does something with arguments from the command line, and returns its figures.
type Work = fn(&[&str]) -> Result<Vec<f64>, Error>;

const WORKS: [(&str, Work); 4] = [
    (concurrent::NAME, concurrent::work),
    (open::NAME, open::work),
    (threads::NAME, threads::work),
    (traces::NAME, traces::work),
];

/// Does a work, and returns the line to print: its figures with tabs between.
///
/// # Errors
///
/// When there is no such work, or spans are missing.
pub fn run(arguments: &[&str]) -> Result<String, Error> {
    let (name, rest) = arguments.split_first().ok_or("no work was named")?;
    let (_, work) = WORKS
        .iter()
        .find(|work| work.0 == *name)
        .ok_or_else(|| format!("there is no work `{name}`"))?;
    let mut line = String::new();
    for figure in work(rest)? {
        write!(line, "{figure}\t")?;
    }
    Ok(line)
}

/// The figures of a work that a process of its own does.
pub(super) fn figures<const N: usize>(arguments: &[&str]) -> Result<[f64; N], Error> {
    let output = again(&[&[RUN], arguments].concat())?;
    let figures: Vec<f64> = str::from_utf8(&output.stdout)?
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    figures
        .try_into()
        .map_err(|figures| format!("{arguments:?}: {figures:?}").into())
}

/// The median of so many runs of a work, figure by figure.
pub(super) fn medians<const N: usize>(arguments: &[&str], runs: usize) -> Result<[f64; N], Error> {
    let runs: Vec<[f64; N]> = (0..runs)
        .map(|_| figures(arguments))
        .collect::<Result<_, _>>()?;
    Ok(std::array::from_fn(|figure| {
        median(runs.iter().map(|run| run[figure]).collect())
    }))
}
