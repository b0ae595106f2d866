//! Other ways to trace, as their documentation says to set them up, and the same for a service with any of them.
//!
//! Each has a file, which says what it does not do. How it is set up (`set_up`, `layer`) is apart from what is done with it.
//!
//! Those of OpenTelemetry's SDK hand their spans to its batch processor, whose exporter counts them; those of fastrace to its collector,
//! whose reporter counts them. Neither makes bytes of them.

use crate::client::Above;
use crate::raw::Shape;
use crate::server::Decision;
use crate::subject::Entry;

pub(crate) mod axum_tracing_opentelemetry;
pub(crate) mod fastrace;
pub(crate) mod fastrace_axum;
pub(crate) mod fastrace_reqwest;
pub(crate) mod fastrace_tonic;
pub(crate) mod fastrace_tower;
pub(crate) mod opentelemetry;
pub(crate) mod opentelemetry_instrumentation_tower;
pub(crate) mod reqwest_tracing;
pub(crate) mod tonic_tracing_opentelemetry;
pub(crate) mod tower_http;
pub(crate) mod tower_otel;
pub(crate) mod tower_otel_grpc;
pub(crate) mod tracing_opentelemetry;

pub(crate) const SERVERS: &[Entry<Decision>] = &[
    tower_http::SERVER,
    axum_tracing_opentelemetry::SERVER,
    opentelemetry_instrumentation_tower::SERVER,
    tower_otel::SERVER,
    fastrace_tower::SERVER,
    fastrace_tower::SERVER_NO_SPAN,
    fastrace_axum::SERVER,
    fastrace_axum::SERVER_NO_SPAN,
];

pub(crate) const CLIENTS: &[Entry<Above>] = &[
    reqwest_tracing::CLIENT,
    tower_otel::CLIENT,
    fastrace_reqwest::CLIENT,
];

pub(crate) const GRPC_SERVERS: &[Entry<Above>] = &[
    tonic_tracing_opentelemetry::SERVER,
    tower_otel_grpc::SERVER,
    fastrace_tonic::SERVER,
];

pub(crate) const GRPC_CLIENTS: &[Entry<Above>] = &[
    tonic_tracing_opentelemetry::CLIENT,
    tower_otel_grpc::CLIENT,
    fastrace_tonic::CLIENT,
];

pub(crate) const SPANS: &[Entry<Shape>] = &[opentelemetry::SPANS, fastrace::SPANS];

pub(crate) const INSTRUMENTED: &[Entry<Above>] = &[tracing_opentelemetry::INSTRUMENTED];
