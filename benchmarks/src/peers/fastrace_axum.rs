//! fastrace-axum.
//!
//! Four attributes, as strings; no tracestate. The span ends with the head of the answer. Without a sampler, what is off is an unsampled
//! context that its extractor makes up, or no span.

use axum::body::Body;
use fastrace::collector::SpanContext;
use fastrace_axum::FastraceLayer;
use tower::Layer as _;

use super::fastrace::set_up;
use crate::Error;
use crate::exchange::{Exchanges, inner};
use crate::server::{ALL, BARE_AXUM, Decision, axum_requests};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "fastrace-axum",
    packages: &["fastrace_axum", "fastrace"],
    bare: BARE_AXUM,
    traced: |decision| match decision {
        Decision::Off => traced(
            decision,
            layer().with_span_context_extractor(|_| Some(SpanContext::random().sampled(false))),
        ),
        _ => traced(decision, layer()),
    },
    cases: ALL,
};

pub(crate) const SERVER_NO_SPAN: Entry<Decision> = Entry {
    name: "fastrace-axum, no span",
    traced: |decision| traced(decision, layer().with_span_context_extractor(|_| None)),
    cases: &[Decision::Off],
    ..SERVER
};

fn traced(decision: Decision, layer: FastraceLayer) -> Result<Traced, Error> {
    let delivery = set_up();
    let service = layer.layer(inner::<Body, Body>());
    Ok(Traced::new(
        Exchanges::new(service, axum_requests(decision)),
        delivery,
    ))
}

pub(crate) fn layer() -> FastraceLayer {
    FastraceLayer::default()
}
