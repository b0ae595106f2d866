//! Logs that are sent by OTLP, read by the structs of opentelemetry-proto.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use log::Log as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use trace_bridge::TracingLayer;
use trace_bridge::logs::{OtlpLayer, OtlpLogger};
use trace_pipeline::logs::{LogPipeline, LogsConfig};
use trace_pipeline::otlp::OtlpConfig;
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{Context, Resource};
use tracing_subscriber::prelude::*;

const LIMIT: Duration = Duration::from_secs(30);

/// A back end for as many requests as there are statuses, and what it was sent.
fn back_end(statuses: &'static [u16]) -> (String, mpsc::Receiver<ExportLogsServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                // The connection is kept until the other side has no more to say.
                if stream.read_line(&mut line).unwrap_or_default() == 0 {
                    break;
                }
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(text) = line.strip_prefix("content-length: ") {
                    length = text.parse().unwrap();
                }
                if let Some(target) = line.strip_prefix("post ") {
                    assert_eq!(target, "/v1/logs http/1.1");
                }
                if line.is_empty() {
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    let request = ExportLogsServiceRequest::decode(&*body).unwrap();
                    let status = statuses.next().unwrap_or(&200);
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                    let _ = sender.send(request);
                }
            }
        }
    });
    (url, requests)
}

fn start(url: &str) -> LogPipeline {
    let config = LogsConfig::new(OtlpConfig::http().endpoint(url)).delay(LIMIT * 100);
    LogPipeline::start(config, &Resource::new("shop")).unwrap()
}

fn records(request: &ExportLogsServiceRequest) -> Vec<LogRecord> {
    let [resource] = &*request.resource_logs else {
        panic!("{request:?}");
    };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    let service = attributes.iter().find(|one| one.key == "service.name");
    let service = service.unwrap().value.clone().unwrap().value.unwrap();
    assert_eq!(service, Value::StringValue("shop".into()));
    let scopes = resource.scope_logs.iter();
    scopes.flat_map(|scope| scope.log_records.clone()).collect()
}

fn attribute(record: &LogRecord, key: &str) -> Option<Value> {
    let found = record.attributes.iter().find(|one| one.key == key)?;
    found.value.clone()?.value
}

fn body(record: &LogRecord) -> String {
    match record.body.clone().unwrap().value {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_whose_parent_is_given_has_the_ids_of_that_span() {
    let (url, requests) = back_end(&[]);
    let logs = start(&url);
    let recorder = SpanRecorder::new();
    let layer = TracingLayer::new(recorder.tracer("shop"));
    let plain = OtlpLayer::new(logs.sink());
    let subscriber = tracing_subscriber::registry()
        .with(plain.clone().spans_of(&layer))
        .with(plain)
        .with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let job = tracing::info_span!("job");
        tracing::info_span!("other").in_scope(|| tracing::info!(parent: &job, "done"));
    });
    logs.flush(LIMIT).unwrap();
    let records = records(&requests.recv_timeout(LIMIT).unwrap());
    let ids: Vec<_> = records.iter().map(|one| one.span_id.clone()).collect();
    let [job, other] = ["job", "other"].map(|name| recorder.take_named(name));
    assert_eq!(ids, [job, other].map(|span| span.span_id().to_bytes()));
}

#[test]
fn an_event_is_a_record_with_the_ids_of_its_span_and_fields_of_their_types() {
    let (url, requests) = back_end(&[]);
    let logs = start(&url);
    let recorder = SpanRecorder::new();
    let span = recorder.tracer("shop").span("GET /orders/{id}").start();
    let context = span.span_context().unwrap().clone();
    let subscriber = tracing_subscriber::registry().with(OtlpLayer::new(logs.sink()));
    tracing::subscriber::with_default(subscriber, || {
        span.in_scope(|| {
            tracing::warn!(items = 3, total = 9.5, paid = true, who = ?Some(1), "priced {}", "high");
        });
        tracing::error!("nobody's");
        // What somebody chose not to trace is logged all the same.
        Context::new()
            .untraced()
            .scope(|| tracing::error!("of a probe"));
        // What telemetry does is not logged by itself.
        let _suppressed = Context::new().suppressed().attach();
        tracing::error!("of telemetry");
    });
    span.end();
    logs.flush(LIMIT).unwrap();
    let stats = logs.stats();
    assert_eq!((stats.submitted, stats.exported), (3, 3));

    let records = records(&requests.recv_timeout(LIMIT).unwrap());
    let [priced, nobodys, of_a_probe] = &*records else {
        panic!("{records:?}");
    };
    assert_eq!(body(priced), "priced high");
    assert_eq!(body(of_a_probe), "of a probe");
    assert_eq!(
        (priced.severity_number, &*priced.severity_text),
        (13, "WARN")
    );
    assert_eq!(priced.trace_id, context.trace_id().to_bytes());
    assert_eq!(priced.span_id, context.span_id().to_bytes());
    assert_eq!(priced.flags, u32::from(context.flags().bits()));
    assert!(priced.time_unix_nano > 0);
    assert_eq!(priced.observed_time_unix_nano, priced.time_unix_nano);
    assert_eq!(attribute(priced, "items"), Some(Value::IntValue(3)));
    assert_eq!(attribute(priced, "total"), Some(Value::DoubleValue(9.5)));
    assert_eq!(attribute(priced, "paid"), Some(Value::BoolValue(true)));
    let who = Value::StringValue("Some(1)".into());
    assert_eq!(attribute(priced, "who"), Some(who));
    let target = Value::StringValue("otlp_logs".into());
    assert_eq!(attribute(priced, "target"), Some(target));
    assert_eq!(attribute(priced, "message"), None);
    assert!(nobodys.trace_id.is_empty() && nobodys.span_id.is_empty());
    assert_eq!(nobodys.severity_number, 17);
    drop(recorder.take_one());
}

#[derive(Debug)]
struct Quiet;

impl log::Log for Quiet {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

#[test]
fn a_line_of_the_log_crate_is_a_record_where_its_logger_writes_it() {
    let (url, requests) = back_end(&[]);
    let logs = start(&url);
    let logger = OtlpLogger::new(logs.sink(), Quiet);
    let pairs: &[(&str, i64)] = &[("items", 3)];
    for level in [log::Level::Info, log::Level::Debug] {
        let record = log::Record::builder()
            .level(level)
            .target("shop::orders")
            .args(format_args!("priced"))
            .key_values(&pairs)
            .build();
        logger.log(&record);
    }
    // The last that leave do so at the end.
    logs.shutdown(LIMIT).unwrap();
    let records = records(&requests.recv_timeout(LIMIT).unwrap());
    let [record] = &*records else {
        panic!("{records:?}");
    };
    assert_eq!((body(record), record.severity_number), ("priced".into(), 9));
    assert_eq!(attribute(record, "items"), Some(Value::IntValue(3)));
    let target = Value::StringValue("shop::orders".into());
    assert_eq!(attribute(record, "target"), Some(target));
}

#[test]
fn a_full_batch_leaves_at_once_and_every_record_is_accounted_for() {
    let (url, requests) = back_end(&[400]);
    let config = LogsConfig::new(OtlpConfig::http().endpoint(&url))
        .delay(LIMIT * 100)
        .queue(8)
        .batch(4);
    let logs = LogPipeline::start(config, &Resource::new("shop")).unwrap();
    let subscriber = tracing_subscriber::registry().with(OtlpLayer::new(logs.sink()));
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..4 {
            tracing::info!(number, "one");
        }
        // Nobody asked for it.
        assert_eq!(records(&requests.recv_timeout(LIMIT).unwrap()).len(), 4);
        // The first answer was a refusal.
        let _ = logs.flush(LIMIT);
        for number in 0..100 {
            tracing::info!(number, "many");
        }
    });
    let _ = logs.shutdown(LIMIT);
    let stats = logs.stats();
    assert_eq!(stats.submitted, 104);
    assert_eq!(stats.failed, 4);
    let all = stats.exported + stats.dropped + stats.failed;
    assert_eq!(all, stats.submitted, "{stats:?}");
    let received: usize = requests.try_iter().map(|one| records(&one).len()).sum();
    assert_eq!(received as u64, stats.exported);
}
