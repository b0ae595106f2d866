use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use opentelemetry::trace as otel;
use opentelemetry::{InstrumentationScope as OtelScope, KeyValue};
use opentelemetry_sdk::Resource as OtelResource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use trace_pipeline::{Batch, ExportError, Exporter};
use tracing_core_ctx::span::Status;
use tracing_core_ctx::{Resource, SpanKind, SpanRecord};

use super::convert;

/// An exporter of OpenTelemetry's SDK at the end of our pipeline.
///
/// ```
/// use opentelemetry_sdk::trace::InMemorySpanExporter;
/// use trace_bridge::otel::SdkExporter;
/// use trace_pipeline::Pipeline;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exporter = InMemorySpanExporter::default(); // Any that you have.
/// let pipeline = Pipeline::builder()
///     .service("orders")
///     .exporter(SdkExporter::new(exporter.clone()))
///     .build()?;
/// pipeline.tracer().span("checkout").start().end();
/// pipeline.flush(std::time::Duration::from_secs(5))?;
/// assert_eq!(exporter.get_finished_spans()?[0].name, "checkout");
/// # Ok(())
/// # }
/// ```
///
/// It runs on the pipeline's thread, which waits for it without a runtime, as the batch processor of the SDK does: one that needs tokio must bring its
/// own, or use a blocking client. How long an export may take is up to it.
pub struct SdkExporter<E> {
    exporter: E,
    /// The resource that the exporter was told, which does not change.
    has_resource: bool,
}

impl<E: SpanExporter> SdkExporter<E> {
    /// Sends by `exporter`.
    #[must_use]
    pub const fn new(exporter: E) -> Self {
        Self {
            exporter,
            has_resource: false,
        }
    }
}

impl<E: SpanExporter + 'static> Exporter for SdkExporter<E> {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        if !self.has_resource {
            self.exporter.set_resource(&resource(batch.resource()));
            self.has_resource = true;
        }
        let spans = batch.spans().map(span).collect();
        futures_executor::block_on(self.exporter.export(spans)).map_err(|error| match error {
            OTelSdkError::Timeout(limit) => ExportError::timed_out(format!("{limit:?}")),
            error => ExportError::failed(error.to_string()),
        })
    }

    fn shutdown(&mut self) {
        // Our pipeline has counted what was not taken before.
        let _ = self.exporter.shutdown_with_timeout(Duration::from_secs(5));
    }
}

fn resource(ours: &Resource) -> OtelResource {
    OtelResource::builder_empty()
        .with_attributes(convert::key_values(ours.attributes()))
        .build()
}

fn span(ours: &SpanRecord) -> SpanData {
    let mut events = SpanEvents::default();
    events.events = ours.events().iter().map(event).collect();
    events.dropped_count = ours.dropped_events();
    let mut links = SpanLinks::default();
    links.links = ours.links().iter().map(link).collect();
    links.dropped_count = ours.dropped_links();
    SpanData {
        span_context: convert::to_otel(ours.span_context()),
        parent_span_id: ours
            .parent()
            .map_or(otel::SpanId::INVALID, convert::to_otel_id),
        parent_span_is_remote: ours.parent_is_remote(),
        span_kind: kind(ours.kind()),
        name: Cow::Owned(ours.name().to_owned()),
        start_time: convert::system_time(ours.start()),
        end_time: convert::system_time(ours.end()),
        attributes: convert::key_values(ours.attributes()),
        dropped_attributes_count: ours.attributes().dropped(),
        events,
        links,
        status: status(ours.status()),
        instrumentation_scope: scope(ours),
    }
}

fn scope(ours: &SpanRecord) -> OtelScope {
    let scope = ours.scope();
    let mut builder = OtelScope::builder(scope.name);
    if !scope.version.is_empty() {
        builder = builder.with_version(scope.version);
    }
    if !scope.schema_url.is_empty() {
        builder = builder.with_schema_url(scope.schema_url);
    }
    builder.build()
}

fn event(ours: &tracing_core_ctx::span::Event) -> otel::Event {
    let attributes: Vec<KeyValue> = convert::key_values(&ours.attributes);
    let time = convert::system_time(ours.time);
    otel::Event::new(
        ours.name.clone(),
        time,
        attributes,
        ours.attributes.dropped(),
    )
}

fn link(ours: &tracing_core_ctx::span::Link) -> otel::Link {
    otel::Link::new(
        convert::to_otel(&ours.span_context),
        convert::key_values(&ours.attributes),
        ours.attributes.dropped(),
    )
}

const fn kind(ours: SpanKind) -> otel::SpanKind {
    match ours {
        SpanKind::Client => otel::SpanKind::Client,
        SpanKind::Server => otel::SpanKind::Server,
        SpanKind::Producer => otel::SpanKind::Producer,
        SpanKind::Consumer => otel::SpanKind::Consumer,
        SpanKind::Internal => otel::SpanKind::Internal,
    }
}

fn status(ours: &Status) -> otel::Status {
    match ours {
        Status::Error { description } => otel::Status::error(description.clone()),
        Status::Ok => otel::Status::Ok,
        _ => otel::Status::Unset,
    }
}

impl<E: fmt::Debug> fmt::Debug for SdkExporter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkExporter")
            .field("exporter", &self.exporter)
            .finish_non_exhaustive()
    }
}
