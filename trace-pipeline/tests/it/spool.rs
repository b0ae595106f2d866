//! A pipeline whose batches lie on disk until they are delivered.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use trace_pipeline::otlp::{OtlpConfig, SpoolConfig, SpoolSync};
use trace_pipeline::{Pipeline, PipelineStats};

use tracing_core_ctx::Status;

use crate::server::{Received, Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger, quick};

/// A directory of its own, which goes with it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("trace-pipeline-it-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pipeline(server: &Server, directory: &Directory) -> Pipeline {
    let config = quick(OtlpConfig::http().endpoint(server.url())).concurrent_exports(1);
    let spool = SpoolConfig::new(&directory.0).sync(SpoolSync::Always);
    builder().otlp(config.spool(spool)).build().unwrap()
}

pub(crate) fn names(request: &Received) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
    request
        .resource_spans
        .into_iter()
        .inspect(|spans| assert!(spans.resource.is_some()))
        .flat_map(|spans| spans.scope_spans)
        .flat_map(|spans| spans.spans)
        .map(|span| span.name)
        .collect()
}

/// Waits until the numbers are as they should become.
fn until(pipeline: &Pipeline, done: impl Fn(&PipelineStats) -> bool) -> PipelineStats {
    let start = std::time::Instant::now();
    loop {
        let stats = pipeline.stats();
        assert!(stats.is_balanced(), "{stats:?}");
        if done(&stats) {
            return stats;
        }
        assert!(start.elapsed() < LONG, "{stats:?}");
        std::thread::yield_now();
    }
}

#[test]
fn spans_are_delivered_through_the_spool_and_leave_nothing_behind() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(names(&server.request()), ["span 0", "span 1", "span 2"]);
    end_spans(&pipeline, 2);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.exported, stats.spooled, stats.spool_bytes),
        (5, 0, 0)
    );
    assert_eq!((stats.spool_errors, stats.recovered), (0, 0));
    let left: Vec<_> = fs::read_dir(directory.0.join("0")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn spans_are_on_disk_soon_after_they_end_and_are_sent_together() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 1);
    let _ = until(&pipeline, |stats| stats.spooled == 1);
    end_spans(&pipeline, 2);
    let stats = until(&pipeline, |stats| stats.spooled == 3);
    assert_eq!((stats.in_flight, stats.exports), (0, 0));
    assert_eq!(pipeline.flush(LONG), Ok(()));
    // Two records, one request.
    assert_eq!(names(&server.request()), ["span 0", "span 0", "span 1"]);
    assert_eq!(server.more_requests(), 0);
}

#[test]
fn an_outage_costs_nothing_and_the_order_is_kept() {
    let server = Server::start(
        [Reply::Hang, Reply::Reset, Reply::status(503)],
        Reply::status(200),
    );
    let directory = Directory::new();
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 3);
    // Nobody loses anything by it.
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).spooled, 3);
    for _ in 0..4 {
        end_spans(&pipeline, 1);
        let _ = pipeline.flush(LONG);
    }
    let stats = until(&pipeline, |stats| stats.exported == 7);
    assert_eq!((stats.dropped.total(), stats.spooled), (0, 0));
    assert!(stats.export_errors > 0);
    // The first request that is answered has the oldest spans in front.
    let arrived = std::iter::from_fn(|| Some(names(&server.request())));
    let last: Vec<String> = arrived.take(3).last().unwrap();
    assert_eq!(last[..3], ["span 0", "span 1", "span 2"]);
}

#[test]
fn what_is_left_at_the_end_is_sent_by_the_next_process() {
    let directory = Directory::new();
    let down = Server::start([], Reply::status(503));
    let first = pipeline(&down, &directory);
    end_spans(&first, 600);
    assert_eq!(first.shutdown(Duration::from_secs(2)), Ok(()));
    let stats = ledger(&first);
    assert_eq!(
        (stats.exported, stats.dropped.total(), stats.spooled),
        (0, 0, 600)
    );
    assert!(stats.spool_bytes > 0);

    let up = Server::start([], Reply::status(200));
    let second = pipeline(&up, &directory);
    end_spans(&second, 5);
    let _ = second.flush(LONG);
    let stats = until(&second, |stats| stats.exported == 605);
    assert_eq!(
        (stats.recovered, stats.submitted, stats.spooled),
        (600, 5, 0)
    );
    let mut arrived = Vec::new();
    while arrived.len() < 605 {
        arrived.extend(names(&up.request()));
    }
    let expected = (0..600).chain(0..5).map(|number| format!("span {number}"));
    assert!(arrived.into_iter().eq(expected), "in another order");
}

#[test]
fn a_flush_of_a_full_spool_waits_for_what_an_earlier_process_left_and_costs_nobody_a_span() {
    const QUEUE: u64 = 20;
    let directory = Directory::new();
    let down = Server::start([], Reply::status(503));
    let first = pipeline(&down, &directory);
    end_spans(&first, 20_000);
    let _ = first.shutdown(Duration::from_secs(2));
    let left = ledger(&first).spooled;
    assert!(left > 10 * QUEUE, "{left}");

    // It answers when far more than the queue holds went on to the disk.
    let (answers, may_answer) = std::sync::mpsc::channel::<()>();
    let up = Server::with_script(move || {
        // Again and again, once the test is done with it.
        let _ = may_answer.recv_timeout(LONG);
        Reply::status(200)
    });
    let config = OtlpConfig::http().endpoint(up.url()).timeout(LONG);
    let config = config.concurrent_exports(1);
    let second = builder()
        .otlp(config.spool(SpoolConfig::new(&directory.0)))
        .queue_spans(20)
        .batch_spans(5)
        .build()
        .unwrap();
    // The flush is asked for before the thread has looked into the spool.
    let ended = std::thread::scope(|scope| {
        let flush = scope.spawn(|| second.flush(LONG));
        let (mut answers, mut ended) = (Some(answers), 0);
        while !flush.is_finished() {
            if second.stats().queued < QUEUE / 2 {
                end_spans(&second, 1);
                ended += 1;
            }
            if ended > 5 * QUEUE {
                drop(answers.take());
            }
        }
        assert_eq!(flush.join().unwrap(), Ok(()));
        ended
    });
    let stats = second.stats();
    assert_eq!(stats.recovered, left);
    assert!(stats.exported >= left, "{stats:?}");
    assert!(ended > 5 * QUEUE, "{ended}");
    assert_eq!(stats.dropped.total(), 0, "{stats:?}");
}

#[test]
fn failures_are_written_before_everything_else() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    let tracer = pipeline.tracer();
    tracer.span("fine").start().end();
    let parent = tracer.span("parent of the failure").start();
    let child = tracer.span("failure").parent(&parent.context()).start();
    child.set_status(Status::error("broken"));
    child.end();
    parent.end();
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(
        names(&server.request()),
        ["failure", "parent of the failure", "fine"]
    );
}

#[test]
fn what_was_kept_for_a_reason_is_written_before_what_was_kept_by_chance() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    for (name, reason) in [("chance", "probability"), ("slow", "slow")] {
        let span = pipeline.tracer().span(name).start();
        span.set("ctx.sampling.reason", reason);
        span.end();
    }
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(names(&server.request()), ["slow", "chance"]);
}

#[test]
fn what_will_never_be_taken_does_not_stay() {
    let (server, directory) = (Server::start([], Reply::status(400)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.export_failed, 3);
    let stats = ledger(&pipeline);
    assert_eq!((stats.spooled, stats.spool_bytes), (0, 0));
}

#[test]
fn a_partial_success_is_counted_from_the_spool_too() {
    let server = Server::start([], Reply::partial_success(2, "too old"));
    let directory = Directory::new();
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.rejected, 2);
    assert_eq!(
        (ledger(&pipeline).exported, ledger(&pipeline).spooled),
        (1, 0)
    );
}

#[test]
fn spans_go_from_memory_where_the_disk_fails() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let pipeline = pipeline(&server, &directory);
    // The thread has opened the spool when it has exported.
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    fs::remove_dir_all(&directory.0).unwrap();
    end_spans(&pipeline, 2);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, stats.spooled), (3, 0));
    assert!(stats.spool_errors > 0, "{stats:?}");
}

#[test]
fn a_slow_server_costs_no_span_where_the_disk_fails() {
    let reply = Reply::Late(Duration::from_millis(50));
    let (server, directory) = (Server::start([], reply), Directory::new());
    let config = OtlpConfig::http().endpoint(server.url()).timeout(LONG);
    let pipeline = builder()
        .otlp(
            config
                .concurrent_exports(1)
                .spool(SpoolConfig::new(&directory.0)),
        )
        .batch_spans(10)
        .build()
        .unwrap();
    // Where files would be made there is one.
    until(&pipeline, |_| directory.0.join("0").is_dir());
    fs::remove_dir_all(&directory.0).unwrap();
    fs::write(&directory.0, b"").unwrap();
    let tracer = pipeline.tracer();
    for number in 0..100 {
        let span = tracer.span("span").start();
        if number % 2 == 0 {
            // Of another rank, so that each batch is written in two parts.
            span.set_status(Status::error("broken"));
        }
        span.end();
    }
    let flushed = pipeline.flush(LONG);
    fs::remove_file(&directory.0).unwrap();
    assert_eq!(flushed, Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, stats.spooled), (100, 0));
    assert!(stats.spool_errors > 0, "{stats:?}");
}

#[test]
fn a_part_of_the_directory_that_can_not_be_had_is_left_to_who_has_it() {
    let directory = Directory::new();
    // What an earlier process of somebody else may have left, and what ours did.
    fs::create_dir_all(directory.0.join("0").join("lock")).unwrap();
    let down = Server::start([], Reply::status(503));
    let first = pipeline(&down, &directory);
    end_spans(&first, 3);
    let _ = first.shutdown(Duration::from_secs(2));
    assert_eq!(ledger(&first).spooled, 3);
    fs::rename(directory.0.join("1"), directory.0.join("2")).unwrap();

    let up = Server::start([], Reply::status(200));
    let second = pipeline(&up, &directory);
    assert_eq!(second.flush(LONG), Ok(()));
    let stats = ledger(&second);
    assert_eq!((stats.recovered, stats.exported), (3, 3));
    assert!(stats.spool_errors > 0, "{stats:?}");
}

#[test]
fn spans_go_from_memory_where_there_can_be_no_spool() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    fs::write(&directory.0, b"").unwrap();
    let pipeline = pipeline(&server, &directory);
    end_spans(&pipeline, 3);
    let flushed = pipeline.flush(LONG);
    fs::remove_file(&directory.0).unwrap();
    assert_eq!(flushed, Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.exported, stats.spool_errors), (3, 1));
}

#[test]
fn a_delay_without_end_stops_no_spool() {
    let (server, directory) = (Server::start([], Reply::status(200)), Directory::new());
    let config = OtlpConfig::http().endpoint(server.url());
    let pipeline = builder()
        .schedule_delay(Duration::MAX)
        .otlp(config.spool(SpoolConfig::new(&directory.0)))
        .build()
        .unwrap();
    end_spans(&pipeline, 5);
    // They wait for company.
    let _ = until(&pipeline, |stats| stats.spooled == 5);
    end_spans(&pipeline, 5);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 10);
}

#[test]
fn a_hung_server_does_not_hold_up_the_end_and_costs_nothing() {
    let (server, directory) = (Server::start([], Reply::Hang), Directory::new());
    let config = OtlpConfig::http().endpoint(server.url()).timeout(LONG);
    let pipeline = builder()
        .otlp(config.spool(SpoolConfig::new(&directory.0)))
        .build()
        .unwrap();
    end_spans(&pipeline, 1000);
    let start = std::time::Instant::now();
    assert_eq!(pipeline.shutdown(LONG / 15), Ok(()));
    assert!(start.elapsed() < LONG / 2);
    let stats = ledger(&pipeline);
    assert_eq!((stats.spooled, stats.dropped.total()), (1000, 0));
}

#[test]
fn a_pipeline_that_is_switched_off_takes_no_spool_and_needs_no_rules() {
    let directory = Directory::new();
    let off =
        || trace_pipeline::from_vars(|name| (name == "OTEL_SDK_DISABLED").then(|| "true".into()));
    let config = OtlpConfig::http().spool(SpoolConfig::new(&directory.0));
    let pipeline = off().otlp(config).build().unwrap();
    assert!(!directory.0.exists());
    assert!(!pipeline.tracer().is_enabled());
    let pipeline = off().rules_file(directory.0.join("none.toml")).build();
    assert!(!pipeline.unwrap().tracer().is_enabled());
}
