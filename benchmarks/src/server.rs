//! Requests through [`TraceLayer`].

use std::borrow::Cow;
use std::sync::Arc;

use tower::Layer as _;
use tower_trace::TraceLayer;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased, Sampler};

use crate::exchange::{Exchanges, inner};
use crate::request::{self, Caller, MatchedRoute, OrdersRequest};
use crate::{Case, Collected, Subject};

pub(crate) const CASES: &[Case] = &[
    Case {
        group: "server",
        name: "sampled parent",
        records: true,
        bare: || bare(Caller::Sampled),
        traced: |sink| traced(Caller::Sampled, ParentBased::new(AlwaysOn), sink),
    },
    Case {
        group: "server",
        name: "root",
        records: true,
        bare: || bare(Caller::Untraced),
        traced: |sink| traced(Caller::Untraced, ParentBased::new(AlwaysOn), sink),
    },
    Case {
        group: "server",
        name: "unsampled parent",
        records: false,
        bare: || bare(Caller::Unsampled),
        traced: |sink| traced(Caller::Unsampled, ParentBased::new(AlwaysOn), sink),
    },
    Case {
        group: "server",
        name: "off: sampler",
        records: false,
        bare: || bare(Caller::Untraced),
        traced: |sink| traced(Caller::Untraced, AlwaysOff, sink),
    },
    Case {
        group: "server",
        name: "off: no sink",
        records: false,
        bare: || bare(Caller::Untraced),
        traced: |sink| through(TraceLayer::new(Tracer::noop()), Caller::Untraced, sink),
    },
];

fn bare(caller: Caller) -> Box<dyn Subject> {
    Box::new(Exchanges::new(
        inner(),
        Arc::new(Collected::new()),
        requests(caller),
    ))
}

fn traced(
    caller: Caller,
    sampler: impl Sampler + 'static,
    sink: Arc<Collected>,
) -> Box<dyn Subject> {
    let tracer = Tracer::builder()
        .sampler(sampler)
        .sink(Arc::clone(&sink))
        .build();
    through(TraceLayer::new(tracer), caller, sink)
}

fn through(layer: TraceLayer, caller: Caller, sink: Arc<Collected>) -> Box<dyn Subject> {
    let layer = layer.route(|head| {
        head.extensions
            .get::<MatchedRoute>()
            .map(|route| Cow::Borrowed(&*route.0))
    });
    Box::new(Exchanges::new(layer.layer(inner()), sink, requests(caller)))
}

fn requests(caller: Caller) -> impl Fn() -> OrdersRequest {
    let route = MatchedRoute(request::ROUTE.into());
    move || request::received(caller, &route)
}
