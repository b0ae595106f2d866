//! axum and `#[instrument]`, by this project.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::axum_users::order;

pub(crate) fn main() -> TestResult {
    let logs = tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO);
    let pipeline = trace_pipeline::from_env().service("shop").build()?;
    let tracer = pipeline.tracer().clone();
    let spans = trace_bridge::TracingLayer::new(tracer.clone());
    tracing_subscriber::registry().with(logs).with(spans).init();

    let app = Router::new()
        .route("/orders/{id}", get(order)) // #[instrument] async fn order(..)
        .layer(tower_trace::TraceLayer::for_axum(tracer));

    tokio::runtime::Runtime::new()?.block_on(async {
        let request = Request::get("/orders/7").body(Body::empty())?;
        let answer = app.oneshot(request).await?;
        assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await?, "21");
        TestResult::Ok(())
    })?;
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}
