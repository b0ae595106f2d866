//! opentelemetry-instrumentation-tower, which speaks to OpenTelemetry's SDK without `tracing` in between.
//!
//! Seven attributes. The span ends with the head of the answer. Its metrics are off; it still makes their attributes.

use opentelemetry_instrumentation_tower::http::server::{Layer, LayerBuilder};
use tower::Layer as _;

use super::opentelemetry::set_up;
use crate::Error;
use crate::exchange::{Exchanges, Small, inner};
use crate::server::{ALL, BARE, Decision, requests};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "opentelemetry-instrumentation-tower",
    packages: &["opentelemetry_instrumentation_tower", "opentelemetry_sdk"],
    bare: BARE,
    traced,
    cases: ALL,
};

fn traced(decision: Decision) -> Result<Traced, Error> {
    let delivery = set_up(decision != Decision::Off);
    let service = layer()?.layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

/// A layer for the provider that is set up.
pub(crate) fn layer() -> Result<Layer, Error> {
    LayerBuilder::builder()
        .with_metrics(false)
        .build()
        .map_err(|error| error.to_string().into())
}
