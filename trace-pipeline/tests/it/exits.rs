//! Flushing and shutting down, wherever one is.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use trace_pipeline::exporter::InMemory;
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline};

use crate::server::{Reply, Server};
use crate::support::{Gate, LONG, builder, end_spans, ledger};

/// A pipeline that sends to a server, by OTLP.
fn sending(server: &Server) -> Pipeline {
    builder()
        .otlp(OtlpConfig::http().endpoint(server.url()))
        .build()
        .unwrap()
}

fn flush_and_shut_down(server: &Server) {
    let pipeline = sending(server);
    end_spans(&pipeline, 2);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, stats.in_flight), (3, 0));
}

#[test]
fn it_works_without_a_runtime() {
    flush_and_shut_down(&Server::start([], Reply::status(200)));
}

#[test]
fn it_works_inside_a_current_thread_runtime() {
    let server = Server::start([], Reply::status(200));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { flush_and_shut_down(&server) });
}

#[test]
fn it_works_inside_a_multi_thread_runtime() {
    let server = Server::start([], Reply::status(200));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::spawn(async move { flush_and_shut_down(&server) })
            .await
            .unwrap();
    });
}

#[test]
fn it_works_after_the_runtime_is_gone() {
    let server = Server::start([], Reply::status(200));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pipeline = runtime.block_on(async {
        let pipeline = sending(&server);
        end_spans(&pipeline, 1);
        pipeline
    });
    drop(runtime);
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 2);
}

#[test]
fn a_shutdown_takes_no_longer_than_it_may_when_the_server_hangs() {
    let server = Server::start([], Reply::Hang);
    // A request alone could take ten seconds, and there are three of them, two at a time.
    let config = OtlpConfig::http().endpoint(server.url());
    let pipeline = builder()
        .otlp(config.concurrent_exports(2))
        .batch_spans(2)
        .build()
        .unwrap();
    end_spans(&pipeline, 6);
    // Now the exporter waits.
    let _ = (server.request(), server.request());
    let start = Instant::now();
    let lost = pipeline.shutdown(Duration::from_millis(500)).unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    // The exporter was told to give up, so nothing is left in the dark.
    assert_eq!(
        (lost.timed_out, lost.in_flight, lost.dropped.total()),
        (false, 0, 6),
        "{lost}"
    );
    let stats = ledger(&pipeline);
    assert_eq!((stats.dropped.timed_out, stats.dropped.shutdown), (4, 2));
}

#[test]
fn a_shutdown_does_not_wait_for_a_server_that_wants_to_be_left_alone() {
    let server = Server::start(
        [Reply::with_headers(503, &[("retry-after", "5")])],
        Reply::status(200),
    );
    let pipeline = sending(&server);
    end_spans(&pipeline, 2);
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| pipeline.flush(LONG));
        let _ = server.request();
        let start = Instant::now();
        let _ = pipeline.shutdown(Duration::from_millis(300));
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
        assert!(flush.join().unwrap().is_err());
    });
    assert_eq!(ledger(&pipeline).dropped.total(), 2);
}

#[test]
fn a_shutdown_leaves_an_exporter_behind_that_hears_nothing() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder().exporter(gate).batch_spans(2).build().unwrap();
    end_spans(&pipeline, 2);
    assert_eq!(keeper.wait().len(), 2);
    end_spans(&pipeline, 3);
    let lost = pipeline.shutdown(Duration::from_millis(100)).unwrap_err();
    assert_eq!(
        (lost.timed_out, lost.in_flight, lost.dropped.shutdown),
        (true, 2, 3)
    );
    assert!(lost.to_string().contains("2 still on their way"), "{lost}");
    let stats = ledger(&pipeline);
    assert_eq!((stats.in_flight, stats.dropped.shutdown), (2, 3));

    // It comes back after all. What was lost before is still said.
    let _ = keeper.open();
    let lost = pipeline.shutdown(LONG).unwrap_err();
    assert_eq!(
        (lost.timed_out, lost.in_flight, lost.dropped.total()),
        (false, 0, 3)
    );
    let stats = ledger(&pipeline);
    assert_eq!((stats.in_flight, stats.exported), (0, 2));
}

#[test]
fn a_flush_that_takes_too_long_loses_nothing() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder().exporter(gate).build().unwrap();
    end_spans(&pipeline, 2);
    let lost = pipeline.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(
        (lost.timed_out, lost.in_flight, lost.dropped.total()),
        (true, 2, 0)
    );
    let _ = keeper.open();
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 2);
}

#[test]
fn spans_that_end_after_the_shutdown_are_counted() {
    let memory = InMemory::default();
    let pipeline = builder().exporter(memory.clone()).build().unwrap();
    let late = pipeline.tracer().span("late").start();
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    late.end();
    // This one does not even begin to record.
    end_spans(&pipeline, 1);
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.started, stats.submitted, stats.dropped.after_shutdown),
        (1, 1, 1)
    );
    assert!(memory.is_empty());
}

#[test]
fn the_second_shutdown_and_a_flush_after_it_return_at_once() {
    let pipeline = builder().exporter(InMemory::default()).build().unwrap();
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    assert_eq!(pipeline.shutdown(Duration::ZERO), Ok(()));
    assert_eq!(pipeline.flush(Duration::ZERO), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 1);
}

#[test]
fn many_threads_may_shut_down_and_flush_at_once() {
    let memory = InMemory::default();
    let pipeline = builder()
        .exporter(memory.clone())
        .batch_spans(8)
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let pipeline = &pipeline;
            scope.spawn(move || {
                end_spans(pipeline, 500);
                let _ = if number % 2 == 0 {
                    pipeline.shutdown(LONG)
                } else {
                    pipeline.flush(LONG)
                };
                end_spans(pipeline, 500);
            });
        }
    });
    let stats = ledger(&pipeline);
    assert_eq!(stats.in_flight, 0);
    assert_eq!(stats.started, stats.submitted);
    assert_eq!(stats.exported, memory.len() as u64);
}

#[test]
fn a_pipeline_that_is_dropped_sends_what_it_has() {
    let memory = InMemory::default();
    let pipeline = builder().exporter(memory.clone()).build().unwrap();
    let tracer = pipeline.tracer().clone();
    end_spans(&pipeline, 3);
    drop(pipeline);
    assert_eq!(memory.len(), 3);
    assert!(!tracer.is_enabled());
}

#[test]
fn dropping_a_pipeline_takes_no_longer_than_it_may() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .drop_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    end_spans(&pipeline, 1);
    let start = Instant::now();
    drop(pipeline);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let _ = keeper.open();
}

#[test]
fn an_exporter_that_flushes_its_own_pipeline_does_not_wait_for_itself() {
    struct Flushes(mpsc::Receiver<Arc<Pipeline>>, mpsc::Sender<Duration>);

    impl Exporter for Flushes {
        fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
            let pipeline = self.0.recv().unwrap();
            let start = Instant::now();
            let _ = pipeline.flush(LONG);
            let _ = pipeline.shutdown(LONG);
            self.1.send(start.elapsed()).unwrap();
            Ok(())
        }
    }

    let (sender, receiver) = mpsc::channel();
    let (took, taken) = mpsc::channel();
    let pipeline = Arc::new(builder().exporter(Flushes(receiver, took)).build().unwrap());
    sender.send(Arc::clone(&pipeline)).unwrap();
    end_spans(&pipeline, 1);
    let _ = pipeline.flush(LONG);
    assert!(taken.recv_timeout(LONG).unwrap() < LONG / 2);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 1);
}

#[test]
fn an_exporter_that_panics_at_the_end_does_not_hold_up_the_shutdown() {
    struct PanicsAtTheEnd;

    impl Exporter for PanicsAtTheEnd {
        fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
            Ok(())
        }

        fn shutdown(&mut self) {
            panic!("at the end");
        }
    }

    let pipeline = builder().exporter(PanicsAtTheEnd).build().unwrap();
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 1);
}

#[test]
fn an_exporter_of_otlp_says_so_when_it_is_used_inside_a_runtime() {
    let resource = Arc::new(tracing_core_ctx::Resource::new("orders"));
    let mut exporter = OtlpConfig::http().build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let outcome = exporter.export(&Batch::new(&resource, &[], LONG));
        drop(exporter);
        outcome
    });
    assert!(outcome.unwrap_err().to_string().contains("async runtime"));
}
