//! The SDK's spans: through its batch processor and its exporter.

use std::future::ready;

use futures_util::future::BoxFuture;
use opentelemetry::trace::{
    Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::nowhere::Nowhere;
use super::{CHILDREN, Destination, Figures, TRACES, measure};
use crate::Error;

/// Through the batch processor, without a decision.
pub(super) fn run(to: Destination<'_>, bursts: u64) -> Result<Figures, Error> {
    let nowhere = Nowhere::default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary);
    let exporter = match to {
        Destination::Receiver(address) => {
            exporter.with_endpoint(format!("http://{address}/v1/traces"))
        }
        Destination::Nowhere => exporter
            .with_endpoint("http://nowhere.invalid/v1/traces")
            .with_http_client(nowhere.clone()),
    }
    .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("orders").build())
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer("orders");
    let figures = measure(bursts, || {
        for number in 0..TRACES {
            trace(&tracer, number);
        }
        Ok(provider.force_flush()?)
    })?;
    provider.shutdown()?;
    Ok(figures.with(&nowhere))
}

/// The exporter's client that answers at once and sends nothing.
impl HttpClient for Nowhere {
    // As `async_trait` writes it.
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> BoxFuture<'async_trait, Result<Response<Bytes>, HttpError>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let taken = self.take(request.body());
        Box::pin(ready(match taken {
            Ok(()) => Ok(Response::new(Bytes::new())),
            Err(error) => Err(error.into()),
        }))
    }
}

fn trace(tracer: &SdkTracer, number: u64) {
    let number = i64::try_from(number).unwrap_or_default();
    let mut root = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(SpanKind::Server)
        .start(tracer);
    root.set_attribute(KeyValue::new("http.request.method", "GET"));
    root.set_attribute(KeyValue::new("url.scheme", "http"));
    root.set_attribute(KeyValue::new("url.path", "/orders/17"));
    root.set_attribute(KeyValue::new("http.route", "/orders/{id}"));
    root.set_attribute(KeyValue::new("server.address", "shop.example"));
    root.set_attribute(KeyValue::new("server.port", 8080));
    root.set_attribute(KeyValue::new(
        "user_agent.original",
        "Mozilla/5.0 (X11; Linux x86_64)",
    ));
    root.set_attribute(KeyValue::new("http.response.status_code", 200));
    let context = Context::new().with_span(root);
    for _ in 0..CHILDREN {
        let mut child = tracer.start_with_context("reserve", &context);
        child.set_attribute(KeyValue::new("shop.item.sku", "sofa-17"));
        child.set_attribute(KeyValue::new("shop.item.count", number));
        child.set_attribute(KeyValue::new("shop.warehouse", "north"));
        child.set_attribute(KeyValue::new("shop.reserved", true));
        child.end();
    }
    context.span().end();
}
