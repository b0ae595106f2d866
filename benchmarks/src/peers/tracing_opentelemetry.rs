//! tracing-opentelemetry as it is by default: `#[instrument]` below the span of a handler.

use super::opentelemetry::{handler, set_up_with_tracing};
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
    let provider = set_up_with_tracing(true)?;
    let turns = turns().within(move || handler(above).entered());
    Ok(Traced::new(turns, provider))
}
