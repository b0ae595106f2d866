//! fastrace-tower.
//!
//! No attribute, not even the answer's status; the name is the method; no tracestate. The span ends with the head of the answer.
//! Without a sampler, what is off is an unsampled context that its extractor makes up, or no span.

use fastrace::collector::SpanContext;
use fastrace_tower::FastraceServerLayer;
use tower::Layer as _;

use super::fastrace::set_up;
use crate::Error;
use crate::exchange::{Exchanges, Small, inner};
use crate::server::{ALL, BARE, Decision, requests};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "fastrace-tower",
    packages: &["fastrace_tower", "fastrace"],
    bare: BARE,
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
    name: "fastrace-tower, no span",
    traced: |decision| traced(decision, layer().with_span_context_extractor(|_| None)),
    cases: &[Decision::Off],
    ..SERVER
};

fn traced(decision: Decision, layer: FastraceServerLayer) -> Result<Traced, Error> {
    let delivery = set_up();
    let service = layer.layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

pub(crate) fn layer() -> FastraceServerLayer {
    FastraceServerLayer::default()
}
