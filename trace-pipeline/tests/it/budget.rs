//! A pipeline that may cost next to nothing.

use std::time::Instant;

use trace_pipeline::exporter::InMemory;
use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Budget, Pipeline};
use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::sampler::threshold::Threshold;

use crate::support::{LONG, builder, end_spans, ledger};

/// Ends spans until the budget has been seen to.
fn until_throttled(pipeline: &Pipeline, is_seen: impl Fn(&Pipeline) -> bool) {
    let start = Instant::now();
    while !is_seen(pipeline) {
        end_spans(pipeline, 200);
        assert!(start.elapsed() < LONG, "{:?}", pipeline.budget_stats());
    }
}

#[test]
fn a_pipeline_that_costs_too_much_keeps_less_and_says_what_that_stands_for() {
    let spans = InMemory::with_limit(1 << 20);
    let pipeline = builder()
        .exporter(spans.clone())
        .budget(Budget::new().cpu(1e-6))
        .build()
        .unwrap();
    until_throttled(&pipeline, |pipeline| {
        let stats = pipeline.budget_stats().unwrap();
        stats.rate < 0.01 && stats.throttled > 100
    });
    let stats = pipeline.budget_stats().unwrap();
    assert!(stats.cpu > 0.0 && !stats.cpu_time.is_zero(), "{stats:?}");
    assert_eq!(
        pipeline.flush(LONG).map_err(|lost| lost.dropped.queue_full),
        Ok(())
    );
    let _ = spans.take();
    // What is left now carries what it stands for; what somebody forces is left in any case.
    end_spans(&pipeline, 20_000);
    let forced = tracing_core_ctx::Context::new().with_sampling_hint(SamplingHint::Forced);
    pipeline
        .tracer()
        .span("forced")
        .parent(&forced)
        .start()
        .end();
    let _ = pipeline.flush(LONG);
    let spans = spans.take();
    assert!(spans.iter().any(|span| span.record.name() == "forced"));
    assert!(spans.len() < 2000, "{}", spans.len());
    for span in spans.iter().filter(|span| span.record.name() != "forced") {
        let threshold = Threshold::of(span.record.span_context().trace_state());
        assert!(threshold.is_some_and(|threshold| threshold.probability() < 0.1));
    }
    let _ = ledger(&pipeline);
}

#[test]
fn a_tail_that_costs_too_much_keeps_less_of_its_errors() {
    let pipeline = builder()
        .exporter(InMemory::with_limit(1 << 20))
        .budget(Budget::new().cpu(1e-6))
        .tail(Tail::new().keep(Keep::probability(1.0)))
        .build()
        .unwrap();
    until_throttled(&pipeline, |pipeline| pipeline.stats().not_sampled > 1000);
    let _ = pipeline.shutdown(LONG);
    let stats = ledger(&pipeline);
    assert!(stats.not_sampled > 1000, "{stats:?}");
}

#[test]
fn without_a_budget_there_is_nothing_to_say_of_it() {
    let pipeline = builder().exporter(InMemory::default()).build().unwrap();
    assert_eq!(pipeline.budget_stats(), None);
}
