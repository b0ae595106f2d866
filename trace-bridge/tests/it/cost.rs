//! What the layer takes from the allocator: nothing, beyond what the registry takes without it.

use std::hint::black_box;

use allocation_counter::measure;
use trace_bridge::TracingLayer;
use tracing::{Dispatch, info_span};
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};
use tracing_core_ctx::{NoSink, SpanRecord, SpanSink, Tracer};
use tracing_subscriber::prelude::*;

use crate::support::now;

#[tracing::instrument]
async fn price(sku: &str, count: i64, price: f64, in_stock: bool) -> f64 {
    match in_stock {
        true => price * f64::from(u32::try_from(count).unwrap()),
        false => black_box(sku).len() as f64,
    }
}

/// Allocations of a hundred calls, when all memory that is used again is there.
fn of(dispatch: &Dispatch, tracer: &Tracer) -> u64 {
    tracing::dispatcher::with_default(dispatch, || {
        let request = tracer.span("request").start();
        request.in_scope(|| {
            let work = || {
                for _ in 0..100 {
                    black_box(now(price("AB-1234-XL", 3, 9.5, true)));
                }
            };
            work();
            measure(work).count_total
        })
    })
}

/// Takes spans and drops them.
#[derive(Debug)]
struct Drops;

impl SpanSink for Drops {
    fn submit(&self, span: SpanRecord) {
        drop(span);
    }
}

#[test]
fn an_instrumented_function_allocates_nothing_more_recorded_or_not() {
    let registry = Dispatch::new(tracing_subscriber::registry());
    let alone = of(&registry, &Tracer::noop());
    for (case, tracer) in [
        ("recorded", Tracer::builder().sink(Drops).sampler(AlwaysOn)),
        (
            "not sampled",
            Tracer::builder()
                .sink(Drops)
                .sampler(ParentBased::new(AlwaysOff)),
        ),
        ("off", Tracer::builder().sink(NoSink::default())),
    ] {
        let tracer = tracer.build();
        let dispatch =
            Dispatch::new(tracing_subscriber::registry().with(TracingLayer::new(tracer.clone())));
        assert_eq!(of(&dispatch, &tracer), alone, "{case}");
    }
}

#[test]
fn a_span_outside_of_any_trace_allocates_nothing_where_it_begins_none() {
    let layer = TracingLayer::new(Tracer::builder().sink(Drops).build()).roots(false);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let work = || {
            for _ in 0..100 {
                info_span!("job", rows = 3).in_scope(|| tracing::info!("fine"));
            }
        };
        work();
        assert_eq!(measure(work).count_total, 0);
    });
}
