//! The pipeline of OpenTelemetry's SDK, for code that uses its API and for `tracing`.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Runtime;
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::otel_users::checkout;

pub(crate) fn main() -> TestResult {
    let resource = Resource::builder().with_service_name("orders").build();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    opentelemetry::global::set_tracer_provider(provider.clone());
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Runtime::new()?.block_on(checkout());
    provider.shutdown()?;
    Ok(())
}

/// The same with settings from code, for `tracing`. Compiled alone: there is nothing at that place.
#[expect(dead_code, reason = "it is compiled, which is what is wanted")]
fn by_hand(url: &str) -> TestResult {
    use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};

    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            0.1,
        ))))
        .with_batch_exporter(
            SpanExporter::builder()
                .with_http()
                .with_endpoint(url)
                .build()?,
        )
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing_subscriber::registry().with(spans).init();
    provider.shutdown()?;
    Ok(())
}
