//! Requests through [`ClientTraceLayer`], sent below a span.

use std::sync::Arc;

use tower::Layer as _;
use tower_trace::ClientTraceLayer;
use tracing_core_ctx::{Context, SpanContext, SpanId, TraceFlags, TraceId, Tracer};

use crate::exchange::{Exchanges, inner};
use crate::request;
use crate::{Case, Collected, Subject};

pub(crate) const CASES: &[Case] = &[
    Case {
        group: "client",
        name: "sampled",
        records: true,
        bare: || bare(TraceFlags::SAMPLED),
        traced: |sink| traced(TraceFlags::SAMPLED, sink),
    },
    Case {
        group: "client",
        name: "unsampled",
        records: false,
        bare: || bare(TraceFlags::NONE),
        traced: |sink| traced(TraceFlags::NONE, sink),
    },
];

fn bare(flags: TraceFlags) -> Box<dyn Subject> {
    let exchanges = Exchanges::new(inner(), Arc::new(Collected::new()), request::to_be_sent);
    Box::new(exchanges.within(below(flags)))
}

fn traced(flags: TraceFlags, sink: Arc<Collected>) -> Box<dyn Subject> {
    let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
    let service = ClientTraceLayer::new(tracer).layer(inner());
    Box::new(Exchanges::new(service, sink, request::to_be_sent).within(below(flags)))
}

/// The context of a handler whose request came with a `tracestate`.
fn below(flags: TraceFlags) -> Context {
    let ids = (
        TraceId::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
        SpanId::from_u64(0x00f0_67aa_0ba9_02b7),
    );
    let (Some(trace_id), Some(span_id)) = ids else {
        return Context::new();
    };
    let state = request::TRACE_STATE.parse().unwrap_or_default();
    Context::new()
        .with_remote_span(SpanContext::new(trace_id, span_id, flags).with_trace_state(state))
}
