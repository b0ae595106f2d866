//! Wall time: a witness. It depends on the machine and on whatever else runs there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{BATCH, Case, Collected, Error, Subject, run_batches, warm_up};

const WARM_UP: usize = 32;

/// One sample is as long as so many batches: over a thousand requests.
const BATCHES: usize = 16;
const SAMPLES: usize = 150;

/// Nanoseconds over bare, for each request.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct OverBare {
    /// The fastest sample with tracing less the fastest without.
    pub min: f64,
    /// The median of the differences between a sample with tracing and the one without right before it.
    pub median: f64,
}

/// Times a case: samples without and with tracing, in turn.
///
/// # Errors
///
/// When spans are missing.
pub fn over_bare(case: &Case) -> Result<OverBare, Error> {
    let mut bare = case.bare();
    let mut traced = case.traced(Arc::new(Collected::new()));
    warm_up(&mut *bare, WARM_UP);
    warm_up(&mut *traced, WARM_UP);
    let pairs: Vec<(f64, f64)> = (0..SAMPLES)
        .map(|_| (sample(&mut *bare), sample(&mut *traced)))
        .collect();
    case.check_delivery(&*traced, WARM_UP + SAMPLES * BATCHES)?;
    let fastest = |times: &mut dyn Iterator<Item = f64>| times.fold(f64::INFINITY, f64::min);
    Ok(OverBare {
        min: fastest(&mut pairs.iter().map(|pair| pair.1))
            - fastest(&mut pairs.iter().map(|pair| pair.0)),
        median: median(pairs.iter().map(|pair| pair.1 - pair.0).collect()),
    })
}

/// Nanoseconds for each request.
#[expect(clippy::cast_precision_loss, reason = "a batch is a small number")]
fn sample(subject: &mut dyn Subject) -> f64 {
    let mut time = Duration::ZERO;
    run_batches(subject, BATCHES, |measured| {
        let start = Instant::now();
        measured();
        time += start.elapsed();
    });
    time.as_secs_f64() * 1e9 / (BATCHES * BATCH) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_no_matter_of_order() {
        assert_eq!(median(vec![9.0, -1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
