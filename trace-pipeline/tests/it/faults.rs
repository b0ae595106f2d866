//! The fault matrix: what back ends do on bad days, on each kind of runtime, with one equal ledger.

use std::any::Any;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use tonic::{Code, Status};
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::{Dropped, Pipeline};

use crate::grpc::{Answer, Running, come_again_in_300_ms};
use crate::server::{Refuser, Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger, quick};

/// What a back end does, and what becomes of three spans.
struct Fault {
    name: &'static str,
    back_end: fn() -> BackEnd,
    exported: u64,
    dropped: fn(&Dropped) -> u64,
}

/// Where spans are sent; whoever is there is there as long as this lives.
struct BackEnd {
    config: OtlpConfig,
    _alive: Box<dyn Any>,
}

fn serving(first: impl IntoIterator<Item = Reply>, then: Reply) -> BackEnd {
    let server = Server::start(first, then);
    BackEnd {
        config: OtlpConfig::http().endpoint(server.url()),
        _alive: Box::new(server),
    }
}

/// A server of gRPC that gives these answers first, and then success.
fn calling(answers: Vec<Answer>) -> BackEnd {
    let server = Running::start(answers, None);
    nobody(OtlpConfig::grpc().endpoint(format!("http://{}", server.address)))
}

fn refusing(config: fn() -> OtlpConfig) -> BackEnd {
    let refuser = Refuser::new();
    BackEnd {
        config: config().endpoint(refuser.url()),
        _alive: Box::new(refuser),
    }
}

fn nobody(config: OtlpConfig) -> BackEnd {
    BackEnd {
        config,
        _alive: Box::new(()),
    }
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "refuses the connection",
        back_end: || refusing(OtlpConfig::http),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "refuses the connection of gRPC",
        back_end: || refusing(OtlpConfig::grpc),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "has a name that nobody knows",
        back_end: || nobody(OtlpConfig::http().endpoint("http://collector.invalid:4318")),
        exported: 0,
        // The resolver may need longer than there is time.
        dropped: |dropped| dropped.export_failed + dropped.timed_out,
    },
    Fault {
        name: "hangs",
        back_end: || serving([], Reply::Hang),
        exported: 0,
        dropped: |dropped| dropped.timed_out,
    },
    Fault {
        name: "lets its answer trickle",
        back_end: || serving([], Reply::Drip),
        exported: 0,
        dropped: |dropped| dropped.timed_out,
    },
    Fault {
        name: "is slow",
        back_end: || serving([], Reply::Late(Duration::from_millis(300))),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "resets the connection once",
        back_end: || serving([Reply::Reset], Reply::status(200)),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "always resets the connection",
        back_end: || serving([], Reply::Reset),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "breaks off its answer once",
        back_end: || serving([Reply::BreakOff], Reply::status(200)),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "always breaks off its answer",
        back_end: || serving([], Reply::BreakOff),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "closes without an answer once",
        back_end: || serving([Reply::Close], Reply::status(200)),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "is busy for a moment",
        back_end: || serving([Reply::status(503), Reply::status(429)], Reply::status(200)),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "is always busy",
        back_end: || serving([], Reply::status(503)),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "wants to be left alone for a moment",
        back_end: || {
            serving(
                [Reply::with_headers(429, &[("retry-after", "0")])],
                Reply::status(200),
            )
        },
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "wants to be left alone for an hour",
        back_end: || serving([], Reply::with_headers(503, &[("retry-after", "3600")])),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "names a date in the past",
        back_end: || {
            let date = &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")];
            serving([Reply::with_headers(503, date)], Reply::status(200))
        },
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "says something other than when",
        back_end: || {
            serving(
                [Reply::with_headers(503, &[("retry-after", "soon")])],
                Reply::status(200),
            )
        },
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "does not like the request",
        back_end: || serving([], Reply::status(400)),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "does not know us",
        back_end: || serving([], Reply::status(401)),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "fails",
        back_end: || serving([], Reply::status(500)),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "rejects some",
        back_end: || serving([], Reply::partial_success(2, "too old")),
        exported: 1,
        dropped: |dropped| dropped.rejected,
    },
    Fault {
        name: "rejects more than it got",
        back_end: || serving([], Reply::partial_success(i64::MAX, "")),
        exported: 0,
        dropped: |dropped| dropped.rejected,
    },
    Fault {
        name: "rejects fewer than none",
        back_end: || serving([], Reply::partial_success(-1, "what?")),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "sends us elsewhere",
        back_end: || {
            serving(
                [],
                Reply::with_headers(308, &[("location", "http://[::1]/")]),
            )
        },
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "answers garbage",
        back_end: || serving([], Reply::Raw(b"\x00\x01\x02\xff\xfe\r\n\r\n")),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "says yes and then garbage",
        back_end: || serving([], Reply::with_body(200, vec![0xff; 100])),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "answers endlessly",
        back_end: || serving([], Reply::with_body(200, vec![0; 8 << 20])),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "speaks no TLS",
        back_end: || {
            let server = Server::start([], Reply::status(200));
            let config = OtlpConfig::http().endpoint(server.url().replace("http:", "https:"));
            BackEnd {
                config: config.certificate(include_bytes!("certificates/ca.pem")),
                _alive: Box::new(server),
            }
        },
        exported: 0,
        // The server reads what it takes for a request, and may wait for the rest of it.
        dropped: |dropped| dropped.export_failed + dropped.timed_out,
    },
    Fault {
        name: "has a certificate that nobody vouches for",
        back_end: || nobody(OtlpConfig::http().endpoint(crate::tls::https(false))),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "is not available by gRPC for a moment",
        back_end: || calling(vec![Err(Status::unavailable("later"))]),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "says by gRPC when to come again",
        back_end: || calling(vec![Err(come_again_in_300_ms())]),
        exported: 3,
        dropped: Dropped::total,
    },
    Fault {
        name: "has no resources by gRPC, and does not say until when",
        back_end: || calling(vec![Err(Status::resource_exhausted("no"))]),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "does not like the call",
        back_end: || calling(vec![Err(Status::new(Code::InvalidArgument, "what?"))]),
        exported: 0,
        dropped: |dropped| dropped.export_failed,
    },
    Fault {
        name: "rejects some by gRPC",
        back_end: || {
            let partial_success = Some(ExportTracePartialSuccess {
                rejected_spans: 2,
                error_message: "too old".to_owned(),
            });
            calling(vec![Ok(ExportTraceServiceResponse { partial_success })])
        },
        exported: 1,
        dropped: |dropped| dropped.rejected,
    },
    Fault {
        name: "hangs behind gRPC",
        back_end: || {
            // A connection is made, and nobody reads.
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            BackEnd {
                config: OtlpConfig::grpc().endpoint(format!("http://{address}")),
                _alive: Box::new(listener),
            }
        },
        exported: 0,
        dropped: |dropped| dropped.timed_out,
    },
    Fault {
        name: "speaks no gRPC",
        back_end: || {
            let server = Server::start([], Reply::status(200));
            BackEnd {
                config: OtlpConfig::grpc().endpoint(server.url()),
                _alive: Box::new(server),
            }
        },
        exported: 0,
        dropped: |dropped| dropped.export_failed + dropped.timed_out,
    },
];

/// Each fault at once, and the end of a program after it: bounded, and nothing forgotten.
fn all_faults() {
    std::thread::scope(|scope| {
        for fault in FAULTS {
            scope.spawn(|| run(fault));
        }
    });
}

fn run(fault: &Fault) {
    let Fault { name, exported, .. } = fault;
    let back_end = (fault.back_end)();
    let pipeline = start(&back_end);
    end_spans(&pipeline, 3);
    let start = Instant::now();
    let outcome = pipeline.shutdown(LONG);
    assert!(start.elapsed() < LONG / 2, "{name}: {:?}", start.elapsed());
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.submitted, stats.exported, stats.in_flight),
        (3, *exported, 0),
        "{name}: {stats:?}"
    );
    assert_eq!(
        (fault.dropped)(&stats.dropped),
        3 - exported,
        "{name}: {stats:?}"
    );
    assert_eq!(outcome.is_ok(), *exported == 3, "{name}: {outcome:?}");
    assert_eq!(stats.in_flight_bytes, 0, "{name}");
}

fn start(back_end: &BackEnd) -> Pipeline {
    let config = quick(back_end.config.clone()).timeout(Duration::from_secs(2));
    builder().otlp(config).build().unwrap()
}

#[test]
fn every_fault_is_survived_without_a_runtime() {
    all_faults();
}

#[test]
fn every_fault_is_survived_on_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for fault in FAULTS {
        runtime.block_on(async { run(fault) });
    }
}

#[test]
fn every_fault_is_survived_on_a_multi_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(FAULTS.len())
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let faults: Vec<_> = FAULTS
            .iter()
            .map(|fault| tokio::spawn(async move { run(fault) }))
            .collect();
        for fault in faults {
            fault.await.unwrap();
        }
    });
}

#[test]
fn every_fault_leaves_the_time_of_a_shutdown_as_it_is() {
    const TIME: Duration = Duration::from_secs(1);
    std::thread::scope(|scope| {
        for fault in FAULTS {
            scope.spawn(|| {
                let back_end = (fault.back_end)();
                let config = back_end.config.timeout(LONG);
                let pipeline = builder().otlp(config).build().unwrap();
                end_spans(&pipeline, 3);
                let start = Instant::now();
                let _ = pipeline.shutdown(TIME);
                let took = start.elapsed();
                assert!(took < TIME * 2, "{}: {took:?}", fault.name);
                let stats = ledger(&pipeline);
                assert_eq!(stats.in_flight, 0, "{}: {stats:?}", fault.name);
            });
        }
    });
}
