//! The cost of a span in traces of more and more spans.

use std::sync::Arc;
use std::time::Instant;

use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::{Span, Tracer};

use super::requests::Counted;
use crate::Error;
use crate::instructions::{KEPT, per_unit, total_of};
use crate::run::RUN;

pub(super) const NAME: &str = "traces";

/// The function in which all the work is, as callgrind knows it.
const MEASURED: &str = "*benchmarks::scaling::traces::measured*";

/// Spans that are made in all, in as many traces as it takes.
const SPANS: usize = 10_000;

const SAMPLES: usize = 40;
const STEP: Key<i64> = Key::new("job.step");

/// `traces flat|deep <spans in a trace> [once]`: the least nanoseconds for each span. `once`: for callgrind.
pub(super) fn work(arguments: &[&str]) -> Result<Vec<f64>, Error> {
    let (trace, size, samples) = match *arguments {
        ["flat", size] => (flat as fn(&Tracer, usize), size, SAMPLES),
        ["deep", size] => (deep as _, size, SAMPLES),
        ["flat", size, "once"] => (flat as _, size, 1),
        ["deep", size, "once"] => (deep as _, size, 1),
        _ => return Err("`flat` or `deep`, and how many spans?".into()),
    };
    let size: usize = size.parse()?;
    let sink = Arc::new(Counted::default());
    let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
    trace(&tracer, size);
    let mut least = f64::INFINITY;
    for _ in 0..samples {
        let start = Instant::now();
        measured(trace, &tracer, size);
        least = least.min(start.elapsed().as_secs_f64());
    }
    let expected = samples * (SPANS / size) * size + size;
    if sink.spans() != expected as u64 {
        return Err(format!("{} spans of {expected}", sink.spans()).into());
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    Ok(vec![least * 1e9 / SPANS as f64])
}

/// Instructions for each span of traces of a shape, by callgrind.
pub(super) fn instructions(shape: &str, size: &str) -> Result<f64, Error> {
    let option = format!("--toggle-collect={MEASURED}");
    let total = total_of(KEPT, &option, &[RUN, NAME, shape, size, "once"])?;
    Ok(per_unit(total, SPANS))
}

#[inline(never)]
fn measured(trace: fn(&Tracer, usize), tracer: &Tracer, size: usize) {
    for _ in 0..SPANS / size {
        trace(tracer, size);
    }
    // Without something behind it the last call would be a jump, and callgrind would see no return.
    std::hint::black_box(tracer);
}

/// A root with children, one after the other.
fn flat(tracer: &Tracer, size: usize) {
    let root = tracer.span("job").root().start();
    root.in_scope(|| {
        for step in 1..size {
            let span = Span::child("step");
            span.set(STEP, step);
            span.end();
        }
    });
    root.end();
}

/// Each span within the one before; all are open, then they end from the inside out.
fn deep(tracer: &Tracer, size: usize) {
    let mut spans = vec![tracer.span("job").root().start()];
    for step in 1..size {
        let above = spans.last().map(|span| span.context()).unwrap_or_default();
        let span = tracer.span("step").parent(&above).start();
        span.set(STEP, step);
        spans.push(span);
    }
    while let Some(span) = spans.pop() {
        span.end();
    }
}
