//! The oracle is `opentelemetry-proto`: it reads from the JSON what was in the bytes.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

const TRACE: [u8; 16] = [0xab; 16];
const SPAN: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 0xf8];

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn attributes() -> Vec<KeyValue> {
    let list = [1, -1].map(|number| any(Value::IntValue(number)));
    let values = [
        Value::StringValue("\"quoted\"\\ \u{1}\n ü \u{1f600}".to_owned()),
        Value::StringValue(String::new()),
        Value::BoolValue(false),
        Value::IntValue(i64::MIN),
        Value::DoubleValue(-1.5e300),
        Value::DoubleValue(3.0),
        Value::BytesValue(vec![0, 255, 62]),
        Value::ArrayValue(ArrayValue {
            values: list.into(),
        }),
    ];
    let named = |(number, value)| KeyValue {
        key: format!("key.{number}"),
        value: Some(any(value)),
        ..KeyValue::default()
    };
    (0..).zip(values).map(named).collect()
}

fn resource() -> Option<Resource> {
    Some(Resource {
        attributes: attributes(),
        dropped_attributes_count: 2,
        ..Resource::default()
    })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "orders".to_owned(),
        version: "1.2".to_owned(),
        ..InstrumentationScope::default()
    })
}

fn traces() -> ExportTraceServiceRequest {
    let link = span::Link {
        trace_id: TRACE.into(),
        span_id: SPAN.into(),
        trace_state: "a=1".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
        flags: 0x301,
    };
    let event = span::Event {
        time_unix_nano: u64::MAX,
        name: "event".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
    };
    let full = Span {
        trace_id: TRACE.into(),
        span_id: SPAN.into(),
        trace_state: "ot=th:8".to_owned(),
        parent_span_id: SPAN.into(),
        flags: 0x101,
        name: "GET /orders/{id}".to_owned(),
        kind: span::SpanKind::Server.into(),
        start_time_unix_nano: 1_700_000_000_123_456_789,
        end_time_unix_nano: 1_700_000_000_123_456_790,
        attributes: attributes(),
        dropped_attributes_count: 1,
        events: vec![event.clone(), event],
        dropped_events_count: 2,
        links: vec![link.clone(), link],
        dropped_links_count: 3,
        status: Some(Status {
            message: "it failed".to_owned(),
            code: 2,
        }),
    };
    let spans = ResourceSpans {
        resource: resource(),
        scope_spans: vec![ScopeSpans {
            scope: scope(),
            spans: vec![full.clone(), Span::default(), full],
            schema_url: "https://opentelemetry.io/schemas/1.45.0".to_owned(),
        }],
        schema_url: "https://opentelemetry.io/schemas/1.45.0".to_owned(),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![spans],
    }
}

fn transcoded<T: serde::de::DeserializeOwned>(signal: Signal, message: &[u8]) -> T {
    let json = transcode(signal, message).unwrap();
    serde_json::from_slice(&json).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&json));
    })
}

#[test]
fn a_span_with_everything_is_read_as_it_was() {
    let request = traces();
    let read: ExportTraceServiceRequest = transcoded(Signal::Traces, &request.encode_to_vec());
    assert_eq!(read, request);
}

#[test]
fn requests_one_behind_the_other_are_one_as_in_the_spool() {
    let one = traces().encode_to_vec();
    let two = [one.clone(), one].concat();
    let read: ExportTraceServiceRequest = transcoded(Signal::Traces, &two);
    assert_eq!(read, ExportTraceServiceRequest::decode(&*two).unwrap());
    assert_eq!(read.resource_spans.len(), 2);
}

#[test]
fn histograms_and_sums_are_read_as_they_were() {
    let exemplar = metrics::Exemplar {
        time_unix_nano: 17,
        span_id: SPAN.into(),
        trace_id: TRACE.into(),
        value: Some(metrics::exemplar::Value::AsDouble(0.25)),
        ..metrics::Exemplar::default()
    };
    let histogram = metrics::Histogram {
        data_points: vec![metrics::HistogramDataPoint {
            attributes: attributes(),
            start_time_unix_nano: 5,
            time_unix_nano: 6,
            count: u64::MAX,
            sum: Some(1.5),
            bucket_counts: vec![0, 1, u64::MAX],
            explicit_bounds: vec![0.005, 10.0],
            exemplars: vec![exemplar],
            ..metrics::HistogramDataPoint::default()
        }],
        aggregation_temporality: 2,
    };
    let sum = metrics::Sum {
        data_points: vec![metrics::NumberDataPoint {
            attributes: attributes(),
            time_unix_nano: 6,
            value: Some(metrics::number_data_point::Value::AsInt(-7)),
            ..metrics::NumberDataPoint::default()
        }],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let data = [
        metrics::metric::Data::Histogram(histogram),
        metrics::metric::Data::Sum(sum),
    ];
    let metric = |data| metrics::Metric {
        name: "http.server.request.duration".to_owned(),
        unit: "s".to_owned(),
        data: Some(data),
        ..metrics::Metric::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![metrics::ResourceMetrics {
            resource: resource(),
            scope_metrics: vec![metrics::ScopeMetrics {
                scope: scope(),
                metrics: data.map(metric).into(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    let read: ExportMetricsServiceRequest = transcoded(Signal::Metrics, &request.encode_to_vec());
    assert_eq!(read, request);
}

#[test]
fn a_record_of_a_log_is_read_as_it_was() {
    let record = LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: 2,
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        body: Some(any(Value::StringValue("no \"luck\"".to_owned()))),
        attributes: attributes(),
        dropped_attributes_count: 1,
        flags: 1,
        trace_id: TRACE.into(),
        span_id: SPAN.into(),
        event_name: String::new(),
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource(),
            scope_logs: vec![ScopeLogs {
                scope: scope(),
                log_records: vec![record],
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    let read: ExportLogsServiceRequest = transcoded(Signal::Logs, &request.encode_to_vec());
    assert_eq!(read, request);
}

#[test]
fn ids_are_hexadecimal_long_numbers_are_texts_and_enumerations_are_numbers() {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![Span {
                    trace_id: TRACE.into(),
                    kind: 3,
                    end_time_unix_nano: 1_700_000_000_000_000_000,
                    attributes: vec![KeyValue {
                        key: "ratio".to_owned(),
                        value: Some(any(Value::DoubleValue(f64::NEG_INFINITY))),
                        ..KeyValue::default()
                    }],
                    ..Span::default()
                }],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let json = transcode(Signal::Traces, &request.encode_to_vec()).unwrap();
    assert_eq!(
        String::from_utf8(json).unwrap(),
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\
         \"traceId\":\"abababababababababababababababab\",\"kind\":3,\"endTimeUnixNano\":\"1700000000000000000\",\
         \"attributes\":[{\"key\":\"ratio\",\"value\":{\"doubleValue\":\"-Infinity\"}}]}]}]}]}"
    );
}

proptest! {
    #[test]
    fn what_is_no_message_is_none_and_no_panic(bytes: Vec<u8>, at in 0_usize..1000, byte: u8) {
        let _ = transcode(Signal::Traces, &bytes);
        let mut message = traces().encode_to_vec();
        let at = at % message.len();
        message[at] = byte;
        if let Some(json) = transcode(Signal::Traces, &message) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }
        prop_assert_eq!(transcode(Signal::Traces, &message[..1]), None);
    }

    #[test]
    fn any_text_is_read_as_it_was(original: String) {
        let mut json = String::new();
        text(&mut json, &original);
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), original);
    }
}
