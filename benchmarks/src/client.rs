//! Requests through a layer on the side of the client, sent below a span.

use tower::Layer as _;
use tower_trace::ClientTraceLayer;
use tracing_core_ctx::sampler::{AlwaysOn, ParentBased};
use tracing_core_ctx::{Context, SpanContext, SpanId, TraceFlags, TraceId};

use crate::exchange::{Exchanges, Small, inner};
use crate::ours::{self, Way};
use crate::request;
use crate::subject::{Entry, Traced};
use crate::work::Size;
use crate::{Case, Error, Work, peers};

/// Whether the span is sampled below which requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    Sampled,
    Unsampled,
}

pub(crate) const ALL: &[Above] = &[Above::Sampled, Above::Unsampled];

pub(crate) const TRACE_ID: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
pub(crate) const SPAN_ID: u64 = 0x00f0_67aa_0ba9_02b7;

const SUBJECTS: &[Entry<Above>] = &[
    Entry {
        name: "tower-trace",
        packages: &["tower_trace", "tracing_core_ctx"],
        bare: BARE,
        traced: |above| traced(above, Way::Sink),
        cases: ALL,
    },
    Entry {
        name: "tower-trace, OTLP bytes",
        packages: &["tower_trace", "tracing_core_ctx", "trace_pipeline"],
        bare: BARE,
        traced: |above| traced(above, Way::Pipeline),
        cases: ALL,
    },
];

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        ("sampled", Above::Sampled, Size::BATCH),
        ("unsampled", Above::Unsampled, Size::BATCH.unrecorded()),
    ];
    all.into_iter()
        .map(|(name, above, size)| {
            Case::new("client", name, size, above, &[SUBJECTS, peers::CLIENTS])
        })
        .collect()
}

/// Without a layer.
pub(crate) const BARE: (&str, fn(Above) -> Box<dyn Work>) = ("service", |_| {
    Box::new(Exchanges::new(inner::<Small, Small>(), request::to_be_sent))
});

fn traced(above: Above, way: Way) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    let service = ClientTraceLayer::new(tracer).layer(inner::<Small, Small>());
    let context = handler(above);
    let exchanges = Exchanges::new(service, request::to_be_sent);
    Ok(Traced::new(
        exchanges.within(move || context.clone().attach()),
        delivery,
    ))
}

/// The context of a handler whose request came with a `tracestate`.
pub(crate) fn handler(above: Above) -> Context {
    let flags = match above {
        Above::Sampled => TraceFlags::SAMPLED,
        Above::Unsampled => TraceFlags::NONE,
    };
    let ids = (TraceId::from_u128(TRACE_ID), SpanId::from_u64(SPAN_ID));
    let (Some(trace_id), Some(span_id)) = ids else {
        return Context::new();
    };
    let state = request::TRACE_STATE.parse().unwrap_or_default();
    Context::new()
        .with_remote_span(SpanContext::new(trace_id, span_id, flags).with_trace_state(state))
}
