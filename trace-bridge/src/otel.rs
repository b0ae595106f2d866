//! The API of [OpenTelemetry](https://docs.rs/opentelemetry/0.33), release 0.33. Features `opentelemetry` and `opentelemetry-sdk`.
//!
//! Code of others that is instrumented with that API takes part in the same traces, in both directions:
//!
//! ```
//! use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
//! use tracing_core_ctx::{Context, Span, Tracer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tracer = Tracer::noop();
//! trace_bridge::otel::install(tracer.clone())?; // Once, at the start of the program.
//!
//! // In a request, a message, a span of ours ..
//! tracer.span("checkout").start().in_scope(|| {
//!     // .. what asks OpenTelemetry finds ours, and can describe it;
//!     opentelemetry::Context::current().span().set_attribute(opentelemetry::KeyValue::new("shop.items", 3));
//!     // .. its spans are children of ours, and go where ours go;
//!     opentelemetry::global::tracer("a-library").in_span("price", |_| {
//!         // .. and ours are children of its.
//!         Span::child("discount").end();
//!     });
//! });
//! # Ok(())
//! # }
//! ```
//!
//! | piece | for |
//! |---|---|
//! | [`install`] | all that follows, as the globals of OpenTelemetry |
//! | [`follow_current`] | one current context for both |
//! | [`TracerProvider`] | spans made by OpenTelemetry's API, in our pipeline |
//! | [`TextMap`], [`Foreign`] | our propagators for them, theirs for us |
//! | [`SdkExporter`] | our finished spans in an exporter of OpenTelemetry's SDK (feature `opentelemetry-sdk`) |

mod convert;
mod current;
#[cfg(feature = "opentelemetry-sdk")]
mod exporter;
mod open;
mod propagator;
mod provider;
mod scopes;
mod span;

use tracing_core_ctx::Tracer;
use tracing_core_ctx::context::NeighbourExists;

pub use current::follow_current;
#[cfg(feature = "opentelemetry-sdk")]
pub use exporter::SdkExporter;
pub use propagator::{Foreign, TextMap};
pub use provider::{BridgeTracer, TracerProvider};
pub use span::BridgeSpan;

/// Makes `tracer` and its propagator the globals of OpenTelemetry, and keeps one current context for both.
///
/// # Errors
///
/// If the current context of the process is [kept in step](tracing_core_ctx::context::set_neighbour) with another one already. Nothing is
/// changed then.
pub fn install(tracer: Tracer) -> Result<(), NeighbourExists> {
    follow_current()?;
    opentelemetry::global::set_text_map_propagator(TextMap::new(tracer.clone()));
    opentelemetry::global::set_tracer_provider(TracerProvider::new(tracer));
    Ok(())
}
