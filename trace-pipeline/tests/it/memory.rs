//! What a tail holds while local traces are open, as the operating system counts it.

use std::time::{Duration, Instant};

use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline};

use tracing_core_ctx::sampler::{AlwaysOff, ParentBased};
use tracing_core_ctx::{Context, Span, SpanContext, SpanId, TraceFlags, TraceId};

use crate::process::{Program, rest, say};
use crate::support::{LONG, builder, ledger};

const ROOM: usize = 64 << 20;
const TRACES: usize = 100_000;
const HUGE: usize = 50_000;

/// Takes spans and forgets them.
struct Nowhere;

impl Exporter for Nowhere {
    fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<usize>().unwrap() << 10
}

/// Waits until the tail has most of what has ended, and looks.
fn settle(pipeline: &Pipeline, most: &mut usize) {
    let until = Instant::now() + LONG;
    // In the queue before the tail, and in the one behind it, where they wait for a batch.
    let elsewhere = || {
        let waiting = pipeline.tail_stats().unwrap().waiting_spans;
        pipeline.stats().queued.saturating_sub(waiting)
    };
    while elsewhere() >= 1000 && Instant::now() < until {
        rest(Duration::from_millis(1));
    }
    *most = (*most).max(resident());
}

/// With a process of its own: nothing else takes memory, or gives it back.
#[test]
#[ignore = "a process of the other test"]
fn program() {
    let pipeline = builder()
        .exporter(Nowhere)
        .sampler(ParentBased::new(AlwaysOff))
        .tail(Tail::new().keep(Keep::errors()).bytes(ROOM))
        .build()
        .unwrap();
    let root = |name: &str| pipeline.tracer().span(name).root().start();
    let child = |root: &Span| {
        let child = root.in_scope(|| Span::child("child"));
        child.set("shop.item.sku", "sofa-17");
        child
    };
    let endless = root("endless");
    let open: Vec<Span> = (0..TRACES).map(|_| root("open")).collect();
    // What is open is not the pipeline's yet.
    let before = resident();
    let mut most = before;
    for (number, open) in open.iter().enumerate() {
        child(open).end();
        if number % 1000 == 0 {
            child(&endless).end();
            settle(&pipeline, &mut most);
        }
    }
    let waiting = pipeline.tail_stats().unwrap();
    // What the head has kept leaves whatever the room.
    let id = (TraceId::from_u128(7).unwrap(), SpanId::from_u64(7).unwrap());
    let caller = SpanContext::new(id.0, id.1, TraceFlags::SAMPLED).with_remote(true);
    let caller = Context::new().with_remote_span(caller);
    let huge = pipeline.tracer().span("huge").parent(&caller).start();
    for number in 0..HUGE {
        child(&huge).end();
        if number % 1000 == 0 {
            settle(&pipeline, &mut most);
        }
    }
    huge.end();
    settle(&pipeline, &mut most);
    assert!(pipeline.flush(LONG).is_ok());
    let stats = ledger(&pipeline);
    // Of the huge one everything has left, of the others nothing, and nothing was lost.
    assert_eq!(stats.dropped.total(), 0, "{stats:?}");
    let tail = pipeline.tail_stats().unwrap();
    assert!(tail.cut >= 49, "{tail:?}");
    say(&format!(
        "{} {} {} {}",
        most - before,
        waiting.waiting_bytes,
        waiting.overloaded,
        stats.exported
    ));
    std::process::exit(0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_open_traces_hold_no_more_than_the_room_of_the_tail_says() {
    let mut program = Program::start("memory::program", &[]);
    let said = program.line();
    assert!(program.end().success());
    let numbers: Vec<usize> = said.split(' ').map(|n| n.parse().unwrap()).collect();
    let [held, counted, overloaded, exported] = numbers[..] else {
        panic!("{said}")
    };
    // There was less room than all of it needs, so that it was used.
    assert!(overloaded > 0 && counted > ROOM / 2, "{said}");
    // A quarter more for what the allocator does with it, and the queues in front and behind, and the memory that is used again.
    assert!(held <= ROOM + ROOM / 4, "{said}");
    assert_eq!(exported, HUGE + 1, "{said}");
}
