//! The ledger while everything happens at once.

use std::sync::atomic::{AtomicBool, Ordering};

use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Batch, ExportError, Exporter, PipelineStats};
use tracing_core_ctx::Span;
use tracing_core_ctx::sampler::{ParentBased, Probability};

use crate::support::{LONG, builder, ledger};

/// Delivers every other batch, rejects a part of some, fails with the rest, and now and then panics.
struct Moody(u32);

impl Exporter for Moody {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        self.0 += 1;
        match self.0 % 8 {
            1 => Err(ExportError::failed("away")),
            3 => Err(ExportError::Rejected {
                spans: batch.len().div_ceil(2),
                reason: "too old".to_owned(),
            }),
            5 if self.0 % 16 == 5 => panic!("broken"),
            _ => Ok(()),
        }
    }
}

/// All numbers that only grow.
fn settled(stats: &PipelineStats) -> [u64; 4] {
    let lost = stats.dropped.total();
    [
        stats.submitted,
        stats.exported,
        stats.not_sampled,
        lost + stats.spooled,
    ]
}

#[test]
fn at_any_moment_every_span_is_in_one_place_whoever_looks() {
    const THREADS: u64 = 3;
    const TRACES: u64 = 4000;
    // Far less than ends at once: the queue of the exporter is full most of the time, and so is that of the tail.
    const ROOM: usize = 256;

    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::probability(0.5));
    let pipeline = builder()
        .exporter(Moody(0))
        .queue_spans(ROOM)
        .batch_spans(32)
        .sampler(ParentBased::new(Probability::new(0.1)))
        .tail(tail.bytes(1 << 20))
        .build()
        .unwrap();
    let is_over = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut before, mut looks) = ([0; 4], 0_u64);
            while !is_over.load(Ordering::Relaxed) {
                let stats = pipeline.stats();
                assert!(stats.is_balanced(), "{stats:?}");
                let now = settled(&stats);
                let grows = before.iter().zip(&now).all(|(before, now)| before <= now);
                assert!(grows, "{before:?} {now:?}");
                before = now;
                looks += 1;
            }
            looks
        });
        let writers = (0..THREADS).map(|_| {
            scope.spawn(|| {
                for number in 0..TRACES {
                    let root = pipeline.tracer().span("request").start();
                    root.in_scope(|| Span::child("work")).end();
                    if number % 10 == 0 {
                        root.end_with(|span| span.fail("timeout", ""));
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let _ = pipeline.shutdown(LONG);
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(looks > 100, "{looks}");
    let stats = ledger(&pipeline);
    assert_eq!((stats.submitted, stats.in_flight), (stats.started, 0));
    // What was not even recorded is counted, too.
    let not_recorded = 2 * pipeline.tail_stats().unwrap().overloaded;
    assert!(stats.submitted + not_recorded >= 2 * THREADS * TRACES);
    // Of each kind there was something.
    let dropped = &stats.dropped;
    let kinds = [
        stats.exported,
        stats.not_sampled,
        dropped.export_failed,
        dropped.rejected,
        dropped.exporter_panicked,
    ];
    assert!(kinds.iter().all(|kind| *kind > 0), "{stats:?}");
}
