//! The ledger as a page of OpenMetrics (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

mod component;
mod probe;

pub(crate) use component::Component;

use crate::metrics::ExchangeMetrics;
use crate::openmetrics::{Labels, Page};
use crate::pipeline::Pipeline;
use crate::stats::{Dropped, PipelineStats};

impl Pipeline {
    /// The content type of [`openmetrics`](Self::openmetrics).
    pub const OPENMETRICS: &str = ExchangeMetrics::OPENMETRICS;

    /// What became of all spans, and what that cost, as a page for Prometheus and others who read OpenMetrics.
    ///
    /// The names of `otel.sdk.*` are those of the semantic conventions (OpenTelemetry, "Semantic conventions for SDK metrics", in development), with `_` for
    /// `.`; those of `ctx.*` are ours:
    ///
    /// | name | what |
    /// |---|---|
    /// | `otel_sdk_span_started`, `otel_sdk_span_live` | spans that record, since the start and at present; with `otel_span_sampling_result="DROP"` those that a sampler dropped |
    /// | `otel_sdk_processor_span_queue_size`, `_capacity` | the queue |
    /// | `otel_sdk_processor_span_processed` | handed to the exporter; with `error_type` those that were not |
    /// | `otel_sdk_exporter_span_inflight`, `_exported` | with `error_type` those that were lost |
    /// | `otel_sdk_exporter_operation_duration_seconds` | how long an export takes, its retries included |
    /// | `ctx_span_creation_duration_seconds` | how long it takes to start and end a span with four attributes, measured on 64 of them for this page |
    /// | `ctx_pipeline_spans` | the ledger, by state: the sum of all is what was submitted and recovered |
    /// | `ctx_pipeline_tail_spans` | spans that wait in the [tail](crate::sampling::Tail), if there is one, before the queue |
    /// | `ctx_pipeline_buffer_bytes`, `ctx_pipeline_spool_bytes` | memory and disk that spans hold |
    /// | `ctx_pipeline_export_errors`, `ctx_pipeline_retries` | exports of which something was lost or put off, and requests repeated |
    /// | `ctx_pipeline_cpu_seconds` | time of the pipeline's threads on the processor |
    /// | `ctx_instrumentation_cpu_ratio` | the part of a core that tracing has used since the start: the pipeline's threads, and all spans at the duration above |
    /// | `ctx_sampling_budget_ratio` | the part that the [budget](crate::Budget) lets through, if there is one |
    ///
    /// ```
    /// # use trace_pipeline::exporter::InMemory;
    /// let pipeline = trace_pipeline::Pipeline::builder().service("orders").exporter(InMemory::default()).build()?;
    /// pipeline.tracer().span("reindex").start().end();
    /// let page = pipeline.openmetrics();
    /// assert!(page.contains("\notel_sdk_span_started_total 1\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn openmetrics(&self) -> String {
        let shared = &self.shared;
        let stats = self.stats();
        let component = &shared.component;
        let processor = component.processor();
        let exporter = component.exporter();
        let mut page = Page::default();

        let mut started = page.counter(
            "otel_sdk_span_started",
            "Spans that began to record, or were dropped by a sampler.",
        );
        started.value(&Labels::default(), stats.started);
        started.value(
            &Labels::default().with("otel_span_sampling_result", "DROP"),
            stats.not_recorded,
        );
        page.gauge(
            "otel_sdk_span_live",
            "Spans that record and have not ended.",
        )
        .value(&Labels::default(), stats.open());

        page.gauge(
            "otel_sdk_processor_span_queue_size",
            "Spans that wait to be sent.",
        )
        .value(&processor, shared.queue.len() as u64);
        page.gauge(
            "otel_sdk_processor_span_queue_capacity",
            "Spans that can wait.",
        )
        .value(&processor, shared.queue.bounds().spans as u64);
        let mut processed = page.counter(
            "otel_sdk_processor_span_processed",
            "Spans that were handed to the exporter, or were not.",
        );
        processed.value(&processor, handed_over(&stats));
        for (error, count) in refused(&stats.dropped) {
            processed.value(&processor.with("error_type", error), count);
        }

        page.gauge(
            "otel_sdk_exporter_span_inflight",
            "Spans in the hands of the exporter.",
        )
        .value(&exporter, stats.exporting);
        let mut exported = page.counter(
            "otel_sdk_exporter_span_exported",
            "Spans that the exporter is done with.",
        );
        exported.value(&exporter, stats.exported);
        for (error, count) in failed(&stats.dropped) {
            exported.value(&exporter.with("error_type", error), count);
        }
        page.histogram(
            "otel_sdk_exporter_operation_duration_seconds",
            "How long an export takes, its retries included.",
        )
        .buckets(&exporter, &shared.counters.exports.durations.snapshot());
        self.own(&mut page, &stats);
        page.end()
    }

    /// What no convention names.
    fn own(&self, page: &mut Page, stats: &PipelineStats) {
        let shared = &self.shared;
        let none = Labels::default();
        let creation = probe::span_creation();
        page.unit_gauge(
            "ctx_span_creation_duration_seconds",
            "seconds",
            "How long it takes to start and end a span.",
        )
        .seconds(&none, creation);

        let mut spans = page.gauge("ctx_pipeline_spans", "What became of spans, or will.");
        let state = |state| Labels::default().with("state", state);
        spans.value(&state("exported"), stats.exported);
        spans.value(&state("not_sampled"), stats.not_sampled);
        spans.value(&state("spooled"), stats.spooled);
        spans.value(&state("in_flight"), stats.in_flight);
        for (reason, count) in stats.dropped.iter() {
            spans.value(&state("dropped").with("reason", reason), count);
        }
        if let Some(tail) = &shared.tail {
            page.gauge("ctx_pipeline_tail_spans", "Spans that wait in the tail.")
                .value(&none, tail.in_flight().0);
        }

        page.unit_gauge(
            "ctx_pipeline_buffer_bytes",
            "bytes",
            "Memory that spans hold on their way.",
        )
        .value(&none, stats.in_flight_bytes);
        page.unit_gauge(
            "ctx_pipeline_spool_bytes",
            "bytes",
            "The files of the spool.",
        )
        .value(&none, stats.spool_bytes);
        page.counter(
            "ctx_pipeline_export_errors",
            "Exports of which something was lost or put off.",
        )
        .value(&none, stats.export_errors);
        page.counter("ctx_pipeline_retries", "Requests that were repeated.")
            .value(&none, stats.retries);

        let cpu = shared.usage.cpu();
        page.unit_counter(
            "ctx_pipeline_cpu_seconds",
            "seconds",
            "Time of the pipeline's threads on the processor.",
        )
        .seconds(&none, cpu);
        let spans_cost = creation.as_secs_f64() * to_f64(stats.started);
        let lived = shared.started.elapsed().as_secs_f64();
        page.unit_gauge(
            "ctx_instrumentation_cpu_ratio",
            "ratio",
            "The part of a core that tracing has used.",
        )
        .number(
            &none,
            (cpu.as_secs_f64() + spans_cost) / lived.max(f64::MIN_POSITIVE),
        );
        if let Some(budget) = self.budget_stats() {
            page.unit_gauge(
                "ctx_sampling_budget_ratio",
                "ratio",
                "The part of the traces that the budget lets through.",
            )
            .number(&none, budget.rate);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for a share")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}

/// Spans that the processor has given to the exporter, whatever became of them there.
const fn handed_over(stats: &PipelineStats) -> u64 {
    let kept_back = stats.not_sampled
        + stats.queued
        + stats.dropped.queue_full
        + stats.dropped.queue_bytes
        + stats.dropped.after_shutdown
        + stats.dropped.no_exporter
        + stats.dropped.shutdown;
    stats.submitted.saturating_sub(kept_back)
}

/// Spans that never came to the exporter, by the `error.type` of the conventions where there is one.
fn refused(dropped: &Dropped) -> [(&'static str, u64); 4] {
    [
        ("queue_full", dropped.queue_full + dropped.queue_bytes),
        ("already_shutdown", dropped.after_shutdown),
        ("shutdown_timeout", dropped.shutdown),
        ("no_exporter", dropped.no_exporter),
    ]
}

fn failed(dropped: &Dropped) -> [(&'static str, u64); 8] {
    [
        ("rejected", dropped.rejected),
        ("timeout", dropped.timed_out),
        ("export_failed", dropped.export_failed),
        ("exporter_panicked", dropped.exporter_panicked),
        ("too_large", dropped.too_large),
        ("spool_damaged", dropped.spool_damaged),
        ("spool_expired", dropped.spool_expired),
        ("spool_full", dropped.spool_full),
    ]
}
