//! The peers, set up as in the comparison, but with the same OTLP over HTTP to the same receiver in place of an exporter that counts.

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::middleware::{Middleware, Traced};
use crate::Error;
use crate::peers::opentelemetry::{install, resource, subscribe};
use crate::peers::{
    axum_tracing_opentelemetry, fastrace, fastrace_tower, opentelemetry_instrumentation_tower,
    tower_http,
};

pub(super) const MIDDLEWARES: &[Middleware] = &[
    Middleware::peer(&fastrace_tower::SERVER, |app, receiver| {
        fastrace::install(OpenTelemetryReporter::new(
            exporter(receiver)?,
            Cow::Owned(resource()),
            InstrumentationScope::builder("orders").build(),
        ));
        Ok(Traced {
            app: app.layer(fastrace_tower::layer()),
            flush: Box::new(|| {
                ::fastrace::flush();
                String::new()
            }),
        })
    }),
    Middleware::peer(
        &opentelemetry_instrumentation_tower::SERVER,
        |app, receiver| {
            let provider = install(exporter(receiver)?, true);
            let layer = opentelemetry_instrumentation_tower::layer()?;
            Ok(on_sdk(app.layer(layer), provider))
        },
    ),
    Middleware::peer(&axum_tracing_opentelemetry::SERVER, |app, receiver| {
        let provider = with_tracing(receiver)?;
        Ok(on_sdk(
            app.layer(axum_tracing_opentelemetry::layer()),
            provider,
        ))
    }),
    Middleware::peer(&tower_http::SERVER, |app, receiver| {
        let provider = with_tracing(receiver)?;
        Ok(on_sdk(
            app.layer(tower_http::layer::<Body, Body>()),
            provider,
        ))
    }),
];

fn exporter(receiver: &str) -> Result<SpanExporter, Error> {
    Ok(SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{receiver}/v1/traces"))
        .build()?)
}

fn with_tracing(receiver: &str) -> Result<SdkTracerProvider, Error> {
    let provider = install(exporter(receiver)?, true);
    subscribe(&provider)?;
    Ok(provider)
}

/// The SDK counts what it drops, but tells nobody before its end.
fn on_sdk(app: Router, provider: SdkTracerProvider) -> Traced {
    Traced {
        app,
        flush: Box::new(move || match provider.force_flush() {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }),
    }
}
