//! Other tracing middleware, each as its documentation sets it up, with the same OTLP over HTTP to the same receiver.

use std::borrow::Cow;

use axum::Router;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use axum_tracing_opentelemetry::tracing_opentelemetry_instrumentation_sdk::TRACING_TARGET;
use fastrace_opentelemetry::OpenTelemetryReporter;
use fastrace_tower::FastraceServerLayer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, global};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, registry};

use super::middleware::{Middleware, Traced};
use crate::Error;

pub(crate) const MIDDLEWARES: &[Middleware] = &[
    Middleware::new("fastrace-tower", fastrace_tower),
    Middleware::new(
        "opentelemetry-instrumentation-tower",
        opentelemetry_instrumentation_tower,
    ),
    Middleware::new("axum-tracing-opentelemetry", axum_tracing_opentelemetry),
];

fn fastrace_tower(app: Router, receiver: &str) -> Result<Traced, Error> {
    let reporter = OpenTelemetryReporter::new(
        exporter(receiver)?,
        Cow::Owned(resource()),
        InstrumentationScope::builder("orders").build(),
    );
    fastrace::set_reporter(reporter, fastrace::collector::Config::default());
    Ok(Traced {
        app: app.layer(FastraceServerLayer::default()),
        flush: Box::new(|| {
            fastrace::flush();
            String::new()
        }),
    })
}

fn opentelemetry_instrumentation_tower(app: Router, receiver: &str) -> Result<Traced, Error> {
    let provider = provider(receiver)?;
    global::set_tracer_provider(provider.clone());
    let layer = LayerBuilder::builder().with_metrics(false).build()?;
    Ok(Traced {
        app: app.layer(layer),
        flush: flush(provider),
    })
}

fn axum_tracing_opentelemetry(app: Router, receiver: &str) -> Result<Traced, Error> {
    let provider = provider(receiver)?;
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    let filter = Targets::new().with_target(TRACING_TARGET, LevelFilter::TRACE);
    tracing::subscriber::set_global_default(registry().with(spans.with_filter(filter)))?;
    Ok(Traced {
        app: app.layer(OtelAxumLayer::default()),
        flush: flush(provider),
    })
}

/// The SDK with its defaults: the parent decides, and a queue of 2048 spans is sent 512 at a time.
fn provider(receiver: &str) -> Result<SdkTracerProvider, Error> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(exporter(receiver)?)
        .build())
}

fn exporter(receiver: &str) -> Result<SpanExporter, Error> {
    Ok(SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{receiver}/v1/traces"))
        .build()?)
}

fn resource() -> Resource {
    Resource::builder().with_service_name("orders").build()
}

/// The SDK counts what it drops, but tells nobody before its end.
fn flush(provider: SdkTracerProvider) -> Box<dyn FnMut() -> String + Send> {
    Box::new(move || match provider.force_flush() {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    })
}
