//! axum and `#[instrument]`, by tracing-opentelemetry.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower::ServiceExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::axum_users::order;

pub(crate) fn main() -> TestResult {
    let logs = tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO);
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("shop").build())
        .with_batch_exporter(exporter)
        .build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing_subscriber::registry().with(logs).with(spans).init();

    let app = Router::new()
        .route("/orders/{id}", get(order)) // #[instrument] async fn order(..)
        .layer(OtelInResponseLayer)
        .layer(OtelAxumLayer::default());

    tokio::runtime::Runtime::new()?.block_on(async {
        let request = Request::get("/orders/7").body(Body::empty())?;
        let answer = app.oneshot(request).await?;
        assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await?, "21");
        TestResult::Ok(())
    })?;
    provider.shutdown()?;
    Ok(())
}
