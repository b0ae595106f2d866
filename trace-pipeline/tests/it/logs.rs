//! Logs that are sent by OTLP.

use std::sync::{Mutex, mpsc};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use trace_pipeline::logs::{LogPipeline, LogRecord, LogsConfig, Severity};
use trace_pipeline::otlp::OtlpConfig;
use tracing_core_ctx::{Resource, diagnostics};

use crate::server::{Received, Reply, Server};
use crate::support::LONG;

fn pipeline(server: &Server) -> LogPipeline {
    let otlp = OtlpConfig::http().endpoint(server.url()).timeout(LONG);
    // Sent when it is told to, not by time.
    let config = LogsConfig::new(otlp).delay(LONG * 100).timeout(LONG);
    LogPipeline::start(config, &Resource::new("shop")).unwrap()
}

fn records(request: &Received) -> usize {
    let request = ExportLogsServiceRequest::decode(&*request.body).unwrap();
    let scopes = request
        .resource_logs
        .iter()
        .flat_map(|logs| &logs.scope_logs);
    scopes.map(|logs| logs.log_records.len()).sum()
}

#[test]
fn large_records_go_in_requests_that_servers_take() {
    // Many servers of gRPC take no message over 4 MiB.
    const LIMIT: usize = 4 << 20;

    let server = Server::start([], Reply::status(200));
    let logs = pipeline(&server);
    let sink = logs.sink();
    for _ in 0..500 {
        sink.submit(LogRecord::new(Severity::Error, "x".repeat(20_000)));
    }
    logs.flush(LONG).unwrap();
    let mut arrived = 0;
    while arrived < 500 {
        let request = server.request();
        assert!(request.body.len() <= LIMIT, "{}", request.body.len());
        arrived += records(&request);
    }
    let stats = logs.stats();
    assert_eq!((stats.exported, stats.failed, stats.dropped), (500, 0, 0));
}

#[test]
fn a_queue_without_end_is_as_large_as_there_is_room() {
    let server = Server::start([], Reply::status(200));
    let otlp = OtlpConfig::http().endpoint(server.url());
    let config = LogsConfig::new(otlp).queue(usize::MAX).batch(usize::MAX);
    let logs = LogPipeline::start(config.delay(LONG * 100), &Resource::new("shop")).unwrap();
    for _ in 0..3000 {
        let record = LogRecord::new(Severity::Info, "one of many");
        logs.sink().submit(record);
    }
    logs.flush(LONG).unwrap();
    let stats = logs.stats();
    assert_eq!((stats.exported, stats.dropped), (3000, 0));
}

#[test]
fn records_that_are_lost_later_are_told_too() {
    let (tell, lines) = mpsc::channel();
    let tell = Mutex::new(tell);
    // Others report as well.
    diagnostics::set_handler(move |_, text| {
        if text.starts_with("logs ") {
            let _ = tell.lock().unwrap().send(text.to_owned());
        }
    });
    let first = [400, 200].map(Reply::status);
    let server = Server::start(first, Reply::status(400));
    let logs = pipeline(&server);
    for fails in [true, false, true, true] {
        let record = LogRecord::new(Severity::Error, "broken");
        logs.sink().submit(record);
        assert_eq!(logs.flush(LONG).is_err(), fails);
    }
    logs.shutdown(LONG).unwrap();
    diagnostics::reset_handler();
    let lines: Vec<String> = lines.try_iter().collect();
    let [failed, again, end] = &*lines else {
        panic!("{lines:?}")
    };
    assert!(failed.starts_with("logs could not be sent: "), "{failed}");
    assert!(failed.ends_with("; lost: 1"), "{failed}");
    assert_eq!(again, "logs are sent again");
    assert_eq!(end, "logs are shut down; lost: 2");
}
