//! axum-tracing-opentelemetry, on `tracing`.
//!
//! Eleven attributes, and eight that tracing-opentelemetry adds. The span ends with the head of the answer.

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use tower::Layer as _;

use super::opentelemetry::set_up_with_tracing;
use crate::Error;
use crate::exchange::{Exchanges, Small, inner};
use crate::server::{ALL, BARE, Decision, requests};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "axum-tracing-opentelemetry",
    packages: &[
        "axum_tracing_opentelemetry",
        "tracing_subscriber",
        "opentelemetry_sdk",
    ],
    bare: BARE,
    traced,
    cases: ALL,
};

fn traced(decision: Decision) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(decision != Decision::Off)?;
    let service = layer().layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

pub(crate) fn layer() -> OtelAxumLayer {
    OtelAxumLayer::default()
}
