//! tracing-opentelemetry as it is by default: `#[instrument]` below the span of a handler.

use opentelemetry::trace::TracerProvider as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::opentelemetry::{handler, set_up};
use crate::Error;
use crate::client::{ALL, Above};
use crate::instrumented::{BARE, turns};
use crate::subject::{Entry, Traced};

pub(crate) const INSTRUMENTED: Entry<Above> = Entry {
    name: "tracing-opentelemetry",
    packages: &[
        "tracing_opentelemetry",
        "opentelemetry_sdk",
        "tracing_subscriber",
    ],
    bare: BARE,
    traced,
    cases: ALL,
};

fn traced(above: Above) -> Result<Traced, Error> {
    let delivery = set_up(true);
    let layer = tracing_opentelemetry::layer().with_tracer(delivery.provider.tracer("orders"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    let turns = turns().within(move || handler(above).entered());
    Ok(Traced::new(turns, delivery))
}
