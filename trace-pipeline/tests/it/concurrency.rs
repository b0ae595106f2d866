//! Several requests on their way at once.

use std::time::Duration;

use trace_pipeline::Pipeline;
use trace_pipeline::otlp::OtlpConfig;

use crate::server::{Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger};

/// Batches of two spans.
fn pipeline(server: &Server, concurrent: usize) -> Pipeline {
    let config = OtlpConfig::http()
        .endpoint(server.url())
        .timeout(LONG)
        .concurrent_exports(concurrent);
    builder().otlp(config).batch_spans(2).build().unwrap()
}

#[test]
fn a_request_that_hangs_does_not_hold_up_those_behind_it() {
    let server = Server::start([Reply::Hang], Reply::status(200));
    let pipeline = pipeline(&server, 2);
    end_spans(&pipeline, 8);
    // The first hangs; all others come, though they were made after it.
    let _ = [(); 4].map(|()| server.request());
    let lost = pipeline.shutdown(Duration::from_secs(2)).unwrap_err();
    assert_eq!((lost.dropped.timed_out, lost.dropped.total()), (2, 2));
    assert_eq!(ledger(&pipeline).exported, 6);
}

#[test]
fn no_more_requests_are_on_their_way_than_allowed() {
    for (allowed, expected) in [(0, 1), (1, 1), (3, 3), (8, 5)] {
        let server = Server::start([], Reply::Hang);
        let pipeline = pipeline(&server, allowed);
        end_spans(&pipeline, 10);
        for _ in 0..expected {
            let _ = server.request();
        }
        let stats = ledger(&pipeline);
        assert_eq!(stats.exporting, 2 * expected, "{allowed}");
        assert_eq!(stats.queued, 10 - 2 * expected, "{allowed}");
        assert!(stats.in_flight_bytes > 0);
        assert_eq!(server.more_requests(), 0, "{allowed}");
        let lost = pipeline.shutdown(Duration::from_millis(200)).unwrap_err();
        assert_eq!((lost.dropped.total(), lost.in_flight), (10, 0));
        assert_eq!(ledger(&pipeline).in_flight_bytes, 0);
    }
}

#[test]
fn requests_under_way_are_bounded_by_their_bytes() {
    let server = Server::start([], Reply::Hang);
    let config = OtlpConfig::http().endpoint(server.url()).timeout(LONG);
    let pipeline = builder()
        .otlp(config.concurrent_exports(100))
        .build()
        .unwrap();
    // Each makes a batch of its own; the fourth passes 8 MiB.
    for _ in 0..6 {
        let span = pipeline.tracer().span("large").start();
        span.set("data", "x".repeat(5 << 19));
    }
    let _ = [(); 4].map(|()| server.request());
    let stats = ledger(&pipeline);
    assert_eq!((stats.exporting, stats.queued), (4, 2));
    assert!(stats.in_flight_bytes > 10 << 20, "{stats:?}");
    let _ = pipeline.shutdown(Duration::from_secs(1));
    assert_eq!(ledger(&pipeline).dropped.total(), 6);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_by_all_requests() {
    let server = Server::start(
        [Reply::with_headers(503, &[("retry-after", "1")])],
        Reply::status(200),
    );
    let pipeline = pipeline(&server, 4);
    end_spans(&pipeline, 2);
    let first = server.request();
    // The answer is there when its repetition is counted.
    while pipeline.stats().retries == 0 {
        std::thread::yield_now();
    }
    end_spans(&pipeline, 6);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    for _ in 0..4 {
        assert!(server.request().at - first.at >= Duration::from_secs(1));
    }
    assert_eq!(ledger(&pipeline).exported, 8);
}
