//! Requests through a layer on the side of the server.

use std::cell::Cell;

use axum::body::Body;
use tower::Layer as _;
use tower_trace::TraceLayer;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};

use crate::exchange::{Exchanges, MorePolls, Small, inner};
use crate::ours::{self, Way};
use crate::request::{Caller, OrdersRequest, received, received_from, stranger};
use crate::subject::{Entry, Traced};
use crate::work::Size;
use crate::{Case, Collected, Error, Work, peers};

/// Why a request is recorded, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The caller traces, and samples.
    Sampled,
    /// There is no caller's trace: one begins.
    Root,
    /// The caller traces, and does not sample.
    Unsampled,
    /// No caller's trace, and nothing is to be recorded.
    Off,
    /// As sampled, and the service is polled in vain [`MORE_POLLS`] times before it answers.
    Polled,
    /// As sampled, and no two requests are of one client.
    Strangers,
}

const MORE_POLLS: usize = 16;

pub(crate) const ALL: &[Decision] = &[
    Decision::Sampled,
    Decision::Root,
    Decision::Unsampled,
    Decision::Off,
];

/// Those of ours. In vain polled is nobody else: fastrace hands over a command for each poll, and drops what its ring has no room for. And nobody
/// else keeps what requests have in common.
const ALL_OF_OURS: &[Decision] = &[
    Decision::Sampled,
    Decision::Root,
    Decision::Unsampled,
    Decision::Off,
    Decision::Polled,
    Decision::Strangers,
];

impl Decision {
    pub(crate) const fn size(self) -> Size {
        match self {
            Self::Sampled | Self::Root | Self::Polled | Self::Strangers => Size::BATCH,
            Self::Unsampled | Self::Off => Size::BATCH.unrecorded(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sampled => "sampled parent",
            Self::Root => "root",
            Self::Unsampled => "unsampled parent",
            Self::Off => "off",
            Self::Polled => "sampled parent, 16 polls more",
            Self::Strangers => "sampled parent, strangers",
        }
    }

    const fn caller(self) -> Caller {
        match self {
            Self::Sampled | Self::Polled | Self::Strangers => Caller::Sampled,
            Self::Unsampled => Caller::Unsampled,
            Self::Root | Self::Off => Caller::Untraced,
        }
    }
}

const OURS: &[&str] = &["tower_trace", "tracing_core_ctx"];

const SUBJECTS: &[Entry<Decision>] = &[
    Entry {
        name: "tower-trace",
        packages: OURS,
        bare: BARE,
        traced: |decision| traced(decision, Way::Sink),
        cases: ALL_OF_OURS,
    },
    Entry {
        name: "tower-trace, OTLP bytes",
        packages: &["tower_trace", "tracing_core_ctx", "trace_pipeline"],
        bare: BARE,
        traced: |decision| traced(decision, Way::Pipeline),
        cases: ALL_OF_OURS,
    },
    Entry {
        name: "tower-trace, no sink",
        packages: OURS,
        bare: BARE,
        traced: |decision| {
            let service = TraceLayer::for_axum(Tracer::noop()).layer(inner::<Small, Small>());
            let sink = std::sync::Arc::new(Collected::new());
            Ok(Traced::new(
                Exchanges::new(service, requests(decision)),
                sink,
            ))
        },
        cases: &[Decision::Off],
    },
];

pub(crate) fn cases() -> Vec<Case> {
    let case = |decision: &Decision| {
        Case::new(
            "server",
            decision.name(),
            decision.size(),
            *decision,
            &[SUBJECTS, peers::SERVERS],
        )
    };
    ALL_OF_OURS.iter().map(case).collect()
}

/// Without a layer, for subjects that are in no need of axum's bodies.
pub(crate) const BARE: (&str, fn(Decision) -> Box<dyn Work>) = ("service", |decision| {
    Box::new(Exchanges::new(inner::<Small, Small>(), requests(decision)))
});

/// Without a layer, for those that take nothing but axum's bodies.
pub(crate) const BARE_AXUM: (&str, fn(Decision) -> Box<dyn Work>) = ("axum service", |decision| {
    Box::new(Exchanges::new(
        inner::<Body, Body>(),
        axum_requests(decision),
    ))
});

pub(crate) fn requests(decision: Decision) -> impl Fn() -> OrdersRequest {
    let met = Cell::new(0_u32);
    move || {
        if decision == Decision::Strangers {
            met.set(met.get() + 1);
            let (program, trace_state) = stranger(met.get());
            return received_from(decision.caller(), &program, &trace_state);
        }
        let mut request = received(decision.caller());
        if decision == Decision::Polled {
            request.extensions_mut().insert(MorePolls(MORE_POLLS));
        }
        request
    }
}

pub(crate) fn axum_requests(decision: Decision) -> impl Fn() -> axum::extract::Request {
    let make = requests(decision);
    move || make().map(Body::new)
}

fn traced(decision: Decision, way: Way) -> Result<Traced, Error> {
    let (tracer, delivery) = match decision {
        Decision::Off => ours::set_up(way, AlwaysOff)?,
        _ => ours::set_up(way, ParentBased::new(AlwaysOn))?,
    };
    let service = TraceLayer::for_axum(tracer).layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

/// The work of ours with spans that can be looked at.
#[must_use]
pub fn recorded(sink: std::sync::Arc<Collected>) -> Box<dyn Work> {
    let tracer = Tracer::builder().sink(sink).build();
    let service = TraceLayer::for_axum(tracer).layer(inner::<Small, Small>());
    Box::new(Exchanges::new(service, requests(Decision::Sampled)))
}
