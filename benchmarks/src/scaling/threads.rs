//! Spans in a second, on one thread and on several.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::ClockId;
use tower::Layer as _;
use trace_pipeline::Pipeline;
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::{Span, Tracer};

use super::requests::{Counted, Discard, begin, inner, layer, read, requests};
use crate::Error;
use crate::time::cpu;

pub(super) const NAME: &str = "threads";

const TIME: Duration = Duration::from_millis(1000);
const SKU: Key<str> = Key::new("shop.item.sku");
const COUNT: Key<i64> = Key::new("shop.item.count");

/// `threads spans|requests|bare <threads> counted|pipeline`: how many in a second, processor time of the threads for each in nanoseconds,
/// and which share of the spans was delivered.
///
/// A span is a child with two attributes. A request is made, goes through `TraceLayer` (or not, with `bare`), and is answered.
pub(super) fn work(arguments: &[&str]) -> Result<Vec<f64>, Error> {
    let [what, threads, sink] = *arguments else {
        return Err("what, on how many threads, and where to?".into());
    };
    let make: fn(&Tracer, Instant) -> u64 = match what {
        "spans" => spans,
        "requests" => traced_requests,
        "bare" => bare_requests,
        _ => return Err(format!("`{what}` is not known").into()),
    };
    let threads: usize = threads.parse()?;
    let (Made { count, cpu }, delivered) = match sink {
        "counted" => {
            let sink = Arc::new(Counted::default());
            let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
            (on(threads, &tracer, make)?, sink.spans())
        }
        "pipeline" => {
            let pipeline = Pipeline::builder().exporter(Discard).build()?;
            let made = on(threads, pipeline.tracer(), make)?;
            // What was lost is what is to be found out.
            let _ = pipeline.flush(Duration::from_secs(60));
            (made, pipeline.stats().exported)
        }
        _ => return Err(format!("`{sink}` is not known").into()),
    };
    #[expect(clippy::cast_precision_loss, reason = "the work of a second")]
    let (made, delivered) = (count as f64, delivered as f64);
    let nanos = cpu.as_secs_f64() * 1e9;
    Ok(vec![
        made / TIME.as_secs_f64(),
        nanos / made,
        delivered / made,
    ])
}

/// What threads have made together, and the processor time that it took them.
struct Made {
    count: u64,
    cpu: Duration,
}

/// Runs `make` on so many threads from the same moment on.
fn on(threads: usize, tracer: &Tracer, make: fn(&Tracer, Instant) -> u64) -> Result<Made, Error> {
    let barrier = Barrier::new(threads);
    let run = || {
        barrier.wait();
        let before = cpu(ClockId::ThreadCPUTime);
        let count = make(tracer, Instant::now() + TIME);
        (count, cpu(ClockId::ThreadCPUTime).saturating_sub(before))
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let mut made = Made {
            count: 0,
            cpu: Duration::ZERO,
        };
        for thread in running {
            let (count, cpu) = thread.join().map_err(|_| "a thread failed")?;
            made.count += count;
            made.cpu += cpu;
        }
        Ok(made)
    })
}

fn spans(tracer: &Tracer, until: Instant) -> u64 {
    let root = tracer.span("job").root().start();
    let made = root.in_scope(|| {
        repeat(until, || {
            let span = Span::child("price");
            span.set(SKU, "AB-1234-XL");
            span.set(COUNT, 3);
            span.end();
        })
    });
    root.end();
    made + 1
}

fn traced_requests(tracer: &Tracer, until: Instant) -> u64 {
    let mut service = layer(tracer.clone()).layer(inner());
    let make = requests();
    repeat(until, || {
        if let Some(body) = begin(&mut service, make()) {
            read(body);
        }
    })
}

fn bare_requests(_: &Tracer, until: Instant) -> u64 {
    let mut service = inner();
    let make = requests();
    repeat(until, || {
        if let Some(body) = begin(&mut service, make()) {
            read(body);
        }
    })
}

fn repeat(until: Instant, mut work: impl FnMut()) -> u64 {
    // The clock is not what is to be measured.
    const BETWEEN_LOOKS: u64 = 64;

    let mut made = 0;
    while Instant::now() < until {
        (0..BETWEEN_LOOKS).for_each(|_| work());
        made += BETWEEN_LOOKS;
    }
    made
}
