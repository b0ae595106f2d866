//! The queue and the thread behind it: when batches are made, and what happens when nobody takes them.

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use trace_pipeline::exporter::InMemory;
use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline};
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanSink as _, Tracer, diagnostics};

use crate::support::{Gate, LONG, builder, end_spans, ledger};

#[test]
fn a_full_batch_is_exported_without_waiting_for_the_delay() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder().exporter(gate).batch_spans(3).build().unwrap();
    end_spans(&pipeline, 2);
    assert!(!keeper.has_batch());
    end_spans(&pipeline, 1);
    assert_eq!(keeper.wait().len(), 3);
    let _ = keeper.open();
}

#[test]
fn few_spans_are_exported_when_the_delay_is_over() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .schedule_delay(Duration::from_millis(20))
        .build()
        .unwrap();
    end_spans(&pipeline, 1);
    assert_eq!(keeper.wait(), ["span 0"]);
    let _ = keeper.open();
}

#[test]
fn no_delay_at_all_is_a_very_short_one() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .schedule_delay(Duration::ZERO)
        .build()
        .unwrap();
    end_spans(&pipeline, 1);
    assert_eq!(keeper.wait(), ["span 0"]);
    let _ = keeper.open();
}

#[test]
fn a_span_beside_which_there_is_no_room_for_few_others_does_not_wait_for_their_delay() {
    const BYTES: usize = 64 << 10;
    for ending in [Pipeline::flush, Pipeline::shutdown] {
        let exported = InMemory::default();
        let pipeline = builder()
            .exporter(exported.clone())
            .queue_bytes(BYTES)
            .tail(Tail::new().keep(Keep::probability(1.0)))
            .build()
            .unwrap();
        // No batch by itself, neither by number nor by weight.
        end_spans(&pipeline, 1);
        let large = pipeline.tracer().span("large").start();
        large.set("shop.note", "x".repeat(BYTES));
        large.end();
        assert_eq!(ending(&pipeline, LONG), Ok(()));
        assert_eq!(exported.take().len(), 2);
        assert_eq!(ledger(&pipeline).exported, 2);
    }
}

#[test]
fn batches_have_at_most_their_size_and_keep_the_order() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder().exporter(gate).batch_spans(4).build().unwrap();
    let batches = keeper.open();
    end_spans(&pipeline, 10);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let batches: Vec<Vec<String>> = batches.try_iter().collect();
    assert!(
        batches.iter().all(|batch| (1..=4).contains(&batch.len())),
        "{batches:?}"
    );
    let names: Vec<String> = (0..10).map(|number| format!("span {number}")).collect();
    assert_eq!(batches.concat(), names);
    assert_eq!(ledger(&pipeline).exported, 10);
}

#[test]
fn four_threads_and_a_hung_exporter_fill_the_queue_and_no_more() {
    const EACH: usize = 5_000;
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .queue_spans(256)
        .batch_spans(64)
        .build()
        .unwrap();
    end_spans(&pipeline, 64);
    assert_eq!(keeper.wait().len(), 64);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| end_spans(&pipeline, EACH));
        }
    });
    let stats = ledger(&pipeline);
    assert_eq!(stats.submitted, 64 + 4 * EACH as u64);
    assert_eq!(stats.in_flight, 64 + 256);
    assert_eq!(stats.dropped.queue_full, 4 * EACH as u64 - 256);

    let _batches = keeper.open();
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.exported, stats.in_flight, stats.in_flight_bytes),
        (64 + 256, 0, 0)
    );
}

#[test]
fn four_threads_against_a_running_exporter_are_all_accounted_for() {
    const EACH: usize = 5_000;
    let memory = InMemory::default();
    let pipeline = builder()
        .exporter(memory.clone())
        .queue_spans(128)
        .batch_spans(32)
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| end_spans(&pipeline, EACH));
        }
    });
    let _ = pipeline.flush(LONG);
    let stats = ledger(&pipeline);
    assert_eq!((stats.submitted, stats.in_flight), (4 * EACH as u64, 0));
    assert_eq!(stats.exported, memory.len() as u64);
    assert_eq!(stats.exported + stats.dropped.queue_full, 4 * EACH as u64);
}

#[test]
fn large_spans_are_bounded_by_their_bytes() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .queue_bytes(1 << 20)
        .build()
        .unwrap();
    let text = "x".repeat(100_000);
    for _ in 0..100 {
        let span = pipeline.tracer().span("large").start();
        span.set("shop.text", &text);
        span.end();
    }
    let stats = ledger(&pipeline);
    assert!(stats.in_flight <= 10, "{stats:?}");
    assert!(stats.in_flight_bytes <= 1 << 20, "{stats:?}");
    assert_eq!(stats.dropped.queue_bytes, 100 - stats.in_flight);
    // The thread was woken although there is no full batch.
    assert!(!keeper.wait().is_empty());
    let _ = keeper.open();
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).in_flight_bytes, 0);
}

#[test]
fn an_exporter_that_panics_loses_its_batch_and_no_other() {
    struct Panics(u32);

    impl Exporter for Panics {
        fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
            self.0 += 1;
            assert!(self.0.is_multiple_of(2), "as it does every other time");
            Ok(())
        }
    }

    let pipeline = builder().exporter(Panics(0)).build().unwrap();
    for _ in 0..4 {
        end_spans(&pipeline, 3);
        let _ = pipeline.flush(LONG);
    }
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, stats.dropped.exporter_panicked), (6, 6));
    assert_eq!(pipeline.shutdown(LONG).unwrap_err().dropped, stats.dropped);
}

#[test]
fn every_kind_of_failure_has_its_own_count() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder().exporter(gate).build().unwrap();
    let rejected = ExportError::Rejected {
        spans: 1,
        reason: "too old".to_owned(),
    };
    let too_large = ExportError::TooLarge { bytes: 2, limit: 1 };
    for outcome in [
        Ok(()),
        Err(ExportError::failed("down")),
        Err(rejected),
        Err(ExportError::timed_out("slow")),
        Err(too_large),
    ] {
        end_spans(&pipeline, 3);
        keeper.answer(outcome);
        let _ = pipeline.flush(LONG);
    }
    let stats = ledger(&pipeline);
    assert_eq!((stats.submitted, stats.exported), (15, 3 + 2));
    let dropped = stats.dropped;
    assert_eq!(
        (
            dropped.export_failed,
            dropped.rejected,
            dropped.timed_out,
            dropped.too_large
        ),
        (3, 1, 3, 3)
    );
}

#[test]
fn spans_that_are_not_sampled_are_counted_and_not_exported() {
    #[derive(Debug)]
    struct RecordOnly;

    impl Sampler for RecordOnly {
        fn sample(&self, _input: &SamplingInput<'_>) -> Sampling {
            Sampling::new(Decision::RecordOnly)
        }

        fn description(&self) -> std::borrow::Cow<'static, str> {
            "RecordOnly".into()
        }
    }

    let memory = InMemory::default();
    let pipeline = builder()
        .sampler(RecordOnly)
        .exporter(memory.clone())
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.submitted, stats.not_sampled, stats.exported),
        (3, 3, 0)
    );
    assert!(memory.is_empty());
}

#[test]
fn an_exporter_does_not_trace_itself() {
    struct Traced(mpsc::Receiver<Tracer>);

    impl Exporter for Traced {
        fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
            let tracer = self.0.recv().unwrap();
            let span = tracer.span("export").start();
            assert!(!span.is_recording());
            Ok(())
        }
    }

    let (sender, tracers) = mpsc::channel();
    let pipeline = builder().exporter(Traced(tracers)).build().unwrap();
    sender.send(pipeline.tracer().clone()).unwrap();
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.started, stats.exported), (1, 1));
}

#[test]
fn pipelines_live_side_by_side() {
    let memory = InMemory::default();
    let pipelines: Vec<Pipeline> = ["gateway", "orders", "payment"]
        .into_iter()
        .map(|service| {
            builder()
                .service(service)
                .exporter(memory.clone())
                .build()
                .unwrap()
        })
        .collect();
    for pipeline in &pipelines {
        end_spans(pipeline, 2);
        assert_eq!(pipeline.flush(LONG), Ok(()));
    }
    let services: Vec<String> = memory
        .take()
        .iter()
        .map(|span| span.resource.service_name().to_owned())
        .collect();
    assert_eq!(
        services,
        [
            "gateway", "gateway", "orders", "orders", "payment", "payment"
        ]
    );
}

#[test]
fn a_full_memory_rejects_what_is_too_much() {
    let memory = InMemory::with_limit(2);
    let pipeline = builder().exporter(memory.clone()).build().unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.rejected, 1);
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, memory.len()), (2, 2));
}

#[test]
fn a_tracer_of_ones_own_can_use_the_sink() {
    let memory = InMemory::default();
    let pipeline = builder().exporter(memory.clone()).build().unwrap();
    let tracer = Tracer::builder().sink(pipeline.sink()).build();
    assert!(pipeline.sink().is_enabled());
    tracer.span("own").start().end();
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(memory.take()[0].record.name(), "own");
}

#[test]
fn a_queue_that_takes_nothing_is_told_though_nothing_is_sent() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    diagnostics::set_handler(|_, line| LINES.lock().unwrap().push(line.to_owned()));
    let pipeline = Pipeline::builder()
        .exporter(InMemory::default())
        .queue_bytes(1)
        .schedule_delay(Duration::from_millis(10))
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    let until = Instant::now() + LONG;
    while LINES.lock().unwrap().is_empty() {
        assert!(Instant::now() < until, "nothing is told");
        std::thread::yield_now();
    }
    let line = LINES.lock().unwrap()[0].clone();
    assert!(line.contains("queue_bytes"), "{line}");
}

#[test]
fn a_tail_has_room_for_some_spans_however_little_it_is_given() {
    let spans = InMemory::default();
    let pipeline = builder()
        .exporter(spans.clone())
        .tail(Tail::new().bytes(0))
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(spans.len(), 3);
}
