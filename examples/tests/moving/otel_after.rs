//! The same code that uses OpenTelemetry's API, and `tracing`, in a pipeline of this project.

use std::time::Duration;

use tokio::runtime::Runtime;
use trace_pipeline::otlp::OtlpConfig;
use tracing_core_ctx::sampler::{ParentBased, Probability};
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::otel_users::checkout;

pub(crate) fn main() -> TestResult {
    let pipeline = trace_pipeline::from_env().service("orders").install()?;
    trace_bridge::otel::install(pipeline.tracer().clone())?;
    Runtime::new()?.block_on(checkout());
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}

/// The same with settings from code, for `tracing`. Compiled alone: there is nothing at that place.
#[expect(dead_code, reason = "it is compiled, which is what is wanted")]
fn by_hand(url: &str) -> TestResult {
    let pipeline = trace_pipeline::from_env()
        .service("shop")
        .sampler(ParentBased::new(Probability::new(0.1)))
        .otlp(OtlpConfig::from_env().endpoint(url))
        .build()?;
    let spans = trace_bridge::TracingLayer::new(pipeline.tracer().clone());
    tracing_subscriber::registry().with(spans).init();
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}
