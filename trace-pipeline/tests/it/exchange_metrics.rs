//! Metrics that are sent by OTLP, read by the structs of opentelemetry-proto.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, exemplar, metric, number_data_point,
};
use prost::Message as _;
use trace_pipeline::Pipeline;
use trace_pipeline::exporter::InMemory;
use trace_pipeline::metrics::{ExchangeMetrics, PushConfig};
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::sampling::{Keep, Rule, Rules, Tail};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::observer::{Arrived, Ended, ExchangeObserver as _, Started};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{Clock as _, SpanKind, SystemClock};

use crate::server::{Reply, Server};
use crate::support::{LONG, builder};

struct Facts(&'static [(&'static str, ValueRef<'static>)]);

impl AttributeSource for Facts {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.0
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| *value)
    }
}

const START: Facts = Facts(&[
    ("http.request.method", ValueRef::Str("GET")),
    ("server.address", ValueRef::Str("api.example")),
    ("server.port", ValueRef::I64(443)),
]);
const END: Facts = Facts(&[("http.response.status_code", ValueRef::I64(200))]);

fn find<'a>(metrics: &'a [Metric], name: &str) -> &'a metric::Data {
    let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
    metric.data.as_ref().unwrap()
}

#[test]
fn what_is_measured_arrives_with_its_exemplar() {
    let server = Server::start([], Reply::status(200));
    let metrics = ExchangeMetrics::new();
    let pipeline = Pipeline::builder()
        .service("shop")
        .exporter(InMemory::default())
        .build()
        .unwrap();
    let config = PushConfig::new(OtlpConfig::http().endpoint(server.url()));
    let push = metrics.push(config, pipeline.tracer().resource()).unwrap();

    let span = pipeline.tracer().span("GET").kind(SpanKind::Client).start();
    let context = span.span_context().unwrap().clone();
    let ended = metrics.started(&Started::new(SpanKind::Client, &START));
    let _under_way = metrics.started(&Started::new(SpanKind::Client, &START));
    let now = SystemClock::new().now();
    let end = Ended::new(now, Duration::from_millis(30), &END).with_span(Some(&context));
    ended.unwrap().ended(&end);
    push.flush(LONG).unwrap();
    assert_eq!((push.sent(), push.failed()), (1, 0));

    let received = server.request();
    assert_eq!(received.line, "POST /v1/metrics HTTP/1.1");
    let request = ExportMetricsServiceRequest::decode(&*received.body).unwrap();
    let [resource] = &*request.resource_metrics else {
        panic!("{request:?}");
    };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(attributes.iter().any(|one| one.key == "service.name"));
    let [scope] = &*resource.scope_metrics else {
        panic!("{request:?}");
    };
    assert_eq!(scope.scope.as_ref().unwrap().name, "trace-pipeline");
    assert_eq!(scope.metrics.len(), 2);

    let metric::Data::Histogram(histogram) = find(&scope.metrics, "http.client.request.duration")
    else {
        panic!("{request:?}");
    };
    let cumulative = AggregationTemporality::Cumulative as i32;
    assert_eq!(histogram.aggregation_temporality, cumulative);
    let [point] = &*histogram.data_points else {
        panic!("{request:?}");
    };
    assert_eq!((point.count, point.sum), (1, Some(0.03)));
    assert_eq!(point.explicit_bounds.len(), 14);
    assert_eq!(point.bucket_counts.len(), 15);
    assert_eq!(point.bucket_counts[3], 1);
    assert!(point.start_time_unix_nano <= point.time_unix_nano);
    let attributes: Vec<_> = point
        .attributes
        .iter()
        .map(|one| (&*one.key, one.value.clone().unwrap().value.unwrap()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("http.request.method", Value::StringValue("GET".into())),
            ("http.response.status_code", Value::IntValue(200)),
            ("server.address", Value::StringValue("api.example".into())),
            ("server.port", Value::IntValue(443)),
        ]
    );
    let [exemplar] = &*point.exemplars else {
        panic!("{request:?}");
    };
    assert_eq!(exemplar.trace_id, context.trace_id().to_bytes());
    assert_eq!(exemplar.span_id, context.span_id().to_bytes());
    assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(0.03)));
    assert_eq!(exemplar.time_unix_nano, now.as_unix_nanos());

    let metric::Data::Sum(sum) = find(&scope.metrics, "http.client.active_requests") else {
        panic!("{request:?}");
    };
    assert!(!sum.is_monotonic);
    let value = sum.data_points[0].value;
    assert_eq!(value, Some(number_data_point::Value::AsInt(1)));
}

#[test]
fn a_back_end_that_is_away_loses_no_count() {
    let server = Server::start([Reply::status(400)], Reply::status(200));
    let metrics = ExchangeMetrics::new();
    let config = PushConfig::new(OtlpConfig::http().endpoint(server.url()));
    let pipeline = Pipeline::builder()
        .exporter(InMemory::default())
        .build()
        .unwrap();
    let push = metrics.push(config, pipeline.tracer().resource()).unwrap();
    let measure = || {
        let exchange = metrics.started(&Started::new(SpanKind::Server, &START));
        let end = Ended::new(SystemClock::new().now(), Duration::ZERO, &END);
        exchange.unwrap().ended(&end);
    };
    measure();
    let error = push.flush(LONG).unwrap_err().to_string();
    assert!(error.contains("400"), "{error}");
    measure();
    // The last push, which a shutdown waits for.
    push.shutdown(LONG).unwrap();
    assert_eq!((push.sent(), push.failed()), (1, 1));
    drop(server.request());
    let request = ExportMetricsServiceRequest::decode(&*server.request().body).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let metric::Data::Histogram(histogram) = find(metrics, "http.server.request.duration") else {
        panic!("{request:?}");
    };
    assert_eq!(histogram.data_points[0].count, 2);
}

#[test]
fn a_server_that_hangs_holds_up_a_shutdown_no_longer_than_it_says() {
    let server = Server::start([], Reply::Hang);
    let metrics = ExchangeMetrics::new();
    let config = PushConfig::new(OtlpConfig::http().endpoint(server.url()));
    let pipeline = Pipeline::builder()
        .exporter(InMemory::default())
        .build()
        .unwrap();
    let push = metrics.push(config, pipeline.tracer().resource()).unwrap();
    let start = Instant::now();
    assert!(push.shutdown(Duration::from_millis(100)).is_err());
    assert!(start.elapsed() < LONG / 2);
}

const MESSAGE: Facts = Facts(&[
    ("messaging.destination.name", ValueRef::Str("orders")),
    ("messaging.operation.name", ValueRef::Str("send")),
    ("messaging.operation.type", ValueRef::Str("send")),
    ("messaging.system.name", ValueRef::Str("kafka")),
]);

#[test]
fn messages_that_come_and_go_arrive() {
    let server = Server::start([], Reply::status(200));
    let metrics = ExchangeMetrics::new();
    let config = PushConfig::new(OtlpConfig::http().endpoint(server.url()));
    let pipeline = Pipeline::builder()
        .exporter(InMemory::default())
        .build()
        .unwrap();
    let push = metrics.push(config, pipeline.tracer().resource()).unwrap();
    let sent = metrics.started(&Started::new(SpanKind::Producer, &MESSAGE));
    let end = Ended::new(SystemClock::new().now(), Duration::ZERO, &Facts(&[]));
    sent.unwrap().ended(&end);
    let arrived = Arrived::new(&MESSAGE)
        .with_queue_time(Some(Duration::from_secs(2)))
        .with_lag(Some(42));
    metrics.arrived(&arrived);
    push.flush(LONG).unwrap();
    let request = ExportMetricsServiceRequest::decode(&*server.request().body).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    assert_eq!(metrics.len(), 5);
    for name in [
        "messaging.client.sent.messages",
        "messaging.client.consumed.messages",
    ] {
        let metric::Data::Sum(sum) = find(metrics, name) else {
            panic!("{request:?}");
        };
        assert!(sum.is_monotonic);
        let cumulative = AggregationTemporality::Cumulative as i32;
        assert_eq!(sum.aggregation_temporality, cumulative);
        let [point] = &*sum.data_points else {
            panic!("{request:?}");
        };
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(1)));
        assert_eq!(point.attributes.len(), 3);
    }
    let metric::Data::Gauge(lag) = find(metrics, "ctx.messaging.consumer.lag") else {
        panic!("{request:?}");
    };
    let value = lag.data_points[0].value;
    assert_eq!(value, Some(number_data_point::Value::AsInt(42)));
    let metric::Data::Histogram(times) = find(metrics, "ctx.messaging.queue.duration") else {
        panic!("{request:?}");
    };
    let [point] = &*times.data_points else {
        panic!("{request:?}");
    };
    assert_eq!((point.count, point.sum), (1, Some(2.0)));
    assert_eq!(point.explicit_bounds.last(), Some(&86_400.0));
}

/// A request that is measured, and its span.
fn serve(metrics: &ExchangeMetrics, pipeline: &Pipeline, name: &str, fails: bool) {
    let exchange = metrics.started(&Started::new(SpanKind::Client, &START));
    let span = pipeline.tracer().span(name).kind(SpanKind::Client).start();
    if fails {
        span.fail("timeout", "");
    }
    let context = span.span_context().cloned();
    let duration = Duration::from_millis(if fails { 7000 } else { 3 });
    let end = Ended::new(SystemClock::new().now(), duration, &END).with_span(context.as_ref());
    exchange.unwrap().ended(&end);
    span.end();
}

fn exemplars(metrics: &ExchangeMetrics) -> usize {
    metrics.openmetrics().matches("trace_id").count()
}

#[test]
fn a_failure_that_a_tail_keeps_is_pointed_to_however_many_others_follow_before_it_leaves() {
    let metrics = ExchangeMetrics::new();
    let pipeline = builder()
        .exporter(InMemory::default())
        .exemplars(&metrics)
        .rules(Rules::new().otherwise(0.0))
        .tail(Tail::new().keep(Keep::errors()))
        .build()
        .unwrap();
    serve(&metrics, &pipeline, "GET", true);
    let until = Instant::now() + LONG;
    let is_decided = || {
        let tail = pipeline.tail_stats().unwrap();
        (tail.kept, tail.waiting_spans) == (1, 0)
    };
    while !is_decided() {
        assert!(Instant::now() < until, "{:?}", pipeline.tail_stats());
        std::thread::yield_now();
    }
    // It has not left yet.
    assert_eq!(pipeline.stats().exported, 0);
    for _ in 0..5000 {
        serve(&metrics, &pipeline, "GET", false);
    }
    pipeline.flush(LONG).unwrap();
    assert_eq!(exemplars(&metrics), 1);
}

#[test]
fn without_a_tail_what_is_not_sampled_takes_no_exemplar_its_place() {
    let metrics = ExchangeMetrics::new();
    let pipeline = builder()
        .exporter(InMemory::default())
        .exemplars(&metrics)
        .rules(
            Rules::new()
                .rule(Rule::new().name("sampled").probability(1.0))
                .otherwise(0.0),
        )
        .build()
        .unwrap();
    serve(&metrics, &pipeline, "sampled", true);
    for _ in 0..5000 {
        serve(&metrics, &pipeline, "other", false);
    }
    pipeline.flush(LONG).unwrap();
    assert_eq!(exemplars(&metrics), 1);
}
