//! The requests of these measurements, and the layer that they go through.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use tower_trace::TraceLayer;
use trace_pipeline::{Batch, ExportError, Exporter};
use tracing_core_ctx::{SpanRecord, SpanSink, Tracer};

use crate::request::{self, Caller, MatchedRoute, OrdersRequest};

/// Sampled by their caller, through a router, from a known peer: their spans have the full set of attributes.
pub(super) fn requests() -> impl Fn() -> OrdersRequest {
    let route = MatchedRoute(request::ROUTE.into());
    move || request::received(Caller::Sampled, &route)
}

pub(super) fn layer(tracer: Tracer) -> TraceLayer {
    TraceLayer::new(tracer).route(|head| {
        head.extensions
            .get::<MatchedRoute>()
            .map(|route| Cow::Borrowed(&*route.0))
    })
}

/// Counts spans and frees them at once: the least that a sink can do.
#[derive(Debug, Default)]
pub(super) struct Counted(AtomicU64);

impl Counted {
    pub(super) fn spans(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl SpanSink for Counted {
    fn submit(&self, _span: Box<SpanRecord>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A back end that takes everything at once.
#[derive(Debug)]
pub(super) struct Discard;

impl Exporter for Discard {
    fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}
