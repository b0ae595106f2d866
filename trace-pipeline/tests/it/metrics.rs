//! The ledger as a page for Prometheus.

use std::collections::{HashMap, HashSet};

use trace_pipeline::exporter::InMemory;
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Budget, Pipeline};
use tracing_core_ctx::sampler::AlwaysOff;

use crate::server::{Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger};

/// The values of a page, by name and labels; the page is well-formed.
fn values(page: &str) -> HashMap<String, f64> {
    let mut families: HashMap<&str, &str> = HashMap::new();
    let mut values = HashMap::new();
    let mut named = HashSet::new();
    let body = page.strip_suffix("# EOF\n").unwrap();
    let mut current = "";
    for line in body.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            assert!(families.insert(name, kind).is_none(), "{name} twice");
            current = name;
            continue;
        }
        if let Some(about) = line
            .strip_prefix("# UNIT ")
            .or_else(|| line.strip_prefix("# HELP "))
        {
            let (name, text) = about.split_once(' ').unwrap();
            assert_eq!(name, current);
            assert!(
                !line.starts_with("# UNIT ") || name.ends_with(text),
                "{line}"
            );
            continue;
        }
        let (metric, value) = line.rsplit_once(' ').unwrap();
        let name = metric.split('{').next().unwrap();
        let suffix = name.strip_prefix(current).unwrap();
        let allowed: &[&str] = match families[current] {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            kind => panic!("{kind}"),
        };
        assert!(allowed.contains(&suffix), "{line}");
        assert!(named.insert(metric), "{metric} twice");
        values.insert(metric.to_owned(), value.parse().unwrap());
    }
    values
}

/// The sum over all labels that contain `label`.
fn sum(values: &HashMap<String, f64>, name: &str, label: &str) -> f64 {
    let of_name = values
        .iter()
        .filter(|(metric, _)| metric.split('{').next() == Some(name) && metric.contains(label));
    of_name.map(|(_, value)| value).sum()
}

fn page_of(pipeline: &Pipeline) -> HashMap<String, f64> {
    values(&pipeline.openmetrics())
}

#[test]
#[expect(clippy::float_cmp, reason = "counts")]
fn the_page_says_what_the_ledger_says() {
    let server = Server::start([Reply::partial_success(2, "too old")], Reply::status(200));
    let pipeline = builder()
        .otlp(OtlpConfig::http().endpoint(server.url()))
        .queue_spans(8)
        .batch_spans(8)
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    let _ = pipeline.flush(LONG);
    let open = pipeline.tracer().span("open").start();
    end_spans(&pipeline, 5);
    let page = page_of(&pipeline);
    assert_eq!(sum(&page, "otel_sdk_span_started_total", ""), 9.0);
    assert_eq!(sum(&page, "otel_sdk_span_live", ""), 1.0);
    assert_eq!(sum(&page, "otel_sdk_processor_span_queue_size", ""), 5.0);
    assert_eq!(
        sum(&page, "otel_sdk_processor_span_queue_capacity", ""),
        8.0
    );
    assert_eq!(
        sum(&page, "otel_sdk_processor_span_processed_total", ""),
        3.0
    );
    let exporter = "otel_component_type=\"otlp_http_span_exporter\"";
    let exported = "otel_sdk_exporter_span_exported_total";
    assert_eq!(sum(&page, exported, exporter), 3.0);
    assert_eq!(sum(&page, exported, "error_type=\"rejected\""), 2.0);
    assert_eq!(sum(&page, "ctx_pipeline_export_errors_total", ""), 1.0);
    let port = format!(
        "server_port=\"{}\"",
        server.url().rsplit(':').next().unwrap()
    );
    assert_eq!(
        sum(
            &page,
            "otel_sdk_exporter_operation_duration_seconds_count",
            &port
        ),
        1.0
    );
    assert!(
        sum(
            &page,
            "otel_sdk_exporter_operation_duration_seconds_sum",
            ""
        ) > 0.0
    );
    assert_eq!(
        sum(
            &page,
            "otel_sdk_exporter_operation_duration_seconds_bucket",
            "+Inf"
        ),
        1.0
    );
    assert!(sum(&page, "ctx_span_creation_duration_seconds", "") > 0.0);
    assert!(sum(&page, "ctx_instrumentation_cpu_ratio", "") > 0.0);
    // The ledger, whole.
    assert_eq!(sum(&page, "ctx_pipeline_spans", ""), 8.0);
    assert_eq!(sum(&page, "ctx_pipeline_spans", "state=\"in_flight\""), 5.0);
    assert!(sum(&page, "ctx_pipeline_buffer_bytes", "") > 0.0);

    open.end();
    pipeline.shutdown(LONG).unwrap_err();
    end_spans(&pipeline, 1);
    let page = page_of(&pipeline);
    assert_eq!(sum(&page, "otel_sdk_span_live", ""), 0.0);
    assert_eq!(sum(&page, exported, ""), 9.0);
    assert_eq!(sum(&page, "ctx_pipeline_spans", "state=\"exported\""), 7.0);
    assert!(sum(&page, "ctx_pipeline_cpu_seconds_total", "") > 0.0);
    assert_eq!(ledger(&pipeline).exported, 7);
}

#[test]
#[expect(clippy::float_cmp, reason = "counts")]
fn a_page_with_everything_is_well_formed() {
    let pipeline = builder()
        .budget(Budget::new())
        .tail(Tail::new().keep(Keep::errors()))
        .build()
        .unwrap();
    let page = page_of(&pipeline);
    assert_eq!(sum(&page, "ctx_sampling_budget_ratio", ""), 1.0);
    // Each pipeline of the process has a name of its own.
    let other = builder().build().unwrap().openmetrics();
    let name = |page: &str| {
        let (_, rest) = page.split_once("otel_component_name=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_ne!(name(&other), name(&pipeline.openmetrics()));
}

#[test]
#[expect(clippy::float_cmp, reason = "counts")]
fn what_waits_in_a_tail_is_not_in_the_queue() {
    let pipeline = builder()
        .exporter(InMemory::default())
        .queue_spans(8)
        .tail(Tail::new())
        .build()
        .unwrap();
    let root = pipeline.tracer().span("root").start();
    let context = root.context();
    for _ in 0..20 {
        pipeline
            .tracer()
            .span("child")
            .parent(&context)
            .start()
            .end();
    }
    pipeline.flush(LONG).unwrap();
    let page = page_of(&pipeline);
    assert_eq!(sum(&page, "otel_sdk_processor_span_queue_size", ""), 0.0);
    assert_eq!(sum(&page, "ctx_pipeline_tail_spans", ""), 20.0);
    assert_eq!(
        sum(&page, "otel_sdk_processor_span_processed_total", ""),
        0.0
    );
}

#[test]
#[expect(clippy::float_cmp, reason = "counts")]
fn what_the_head_drops_is_counted_too() {
    let pipeline = builder()
        .exporter(InMemory::default())
        .sampler(AlwaysOff)
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.not_recorded, stats.started, stats.submitted),
        (3, 0, 0)
    );
    let page = page_of(&pipeline);
    let started = "otel_sdk_span_started_total";
    let dropped = "otel_span_sampling_result=\"DROP\"";
    assert_eq!(sum(&page, started, dropped), 3.0);
    assert_eq!(sum(&page, started, ""), 3.0);
}
