//! Tails and rules in a pipeline that runs: threads, room, shutdown, and files that change.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use trace_pipeline::exporter::{ExportedSpan, InMemory};
use trace_pipeline::sampling::{Adaptive, Keep, Rule, Rules, Tail};
use trace_pipeline::{Pipeline, PipelineBuilder};
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{AlwaysOff, ParentBased, Probability};
use tracing_core_ctx::{Clock, Span, SpanKind, Timestamp, Tracer, semconv};

use crate::support::{Gate, LONG, builder, ledger};

fn errors() -> Tail {
    Tail::new().keep(Keep::errors())
}

fn with_tail(tail: Tail) -> (Pipeline, InMemory) {
    let spans = InMemory::default();
    let pipeline = builder()
        .exporter(spans.clone())
        .sampler(ParentBased::new(AlwaysOff))
        .tail(tail)
        .build()
        .unwrap();
    (pipeline, spans)
}

/// A request with a span below its root.
fn serve(tracer: &Tracer, fails: bool) {
    let root = tracer.span("request").root().start();
    root.in_scope(|| Span::child("work")).end();
    if fails {
        root.end_with(|span| span.fail("timeout", ""));
    }
}

#[test]
fn a_flush_sends_what_is_decided_and_leaves_what_runs() {
    let (pipeline, spans) = with_tail(errors().limit(100));
    let running = pipeline.tracer().span("running").root().start();
    running.in_scope(|| Span::child("part")).end();
    for number in 0..10 {
        serve(pipeline.tracer(), number % 5 == 0);
    }
    pipeline.flush(LONG).unwrap();
    assert_eq!(spans.len(), 4);
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.exported, stats.not_sampled, stats.in_flight),
        (4, 16, 1)
    );
    running.end_with(|span| span.fail("timeout", ""));
    pipeline.flush(LONG).unwrap();
    let names: Vec<_> = spans
        .take()
        .iter()
        .map(|s| s.record.name().to_owned())
        .collect();
    assert_eq!(names[4..], ["part", "running"]);
    let tail = pipeline.tail_stats().unwrap();
    assert_eq!((tail.kept, tail.unwanted, tail.waiting_spans), (3, 8, 0));
}

#[test]
fn a_shutdown_decides_what_waits_and_counts_all() {
    let (pipeline, spans) = with_tail(errors().limit(100));
    let running = pipeline.tracer().span("running").root().start();
    running
        .in_scope(|| Span::child("part"))
        .end_with(|span| span.fail("timeout", ""));
    serve(pipeline.tracer(), true);
    serve(pipeline.tracer(), false);
    pipeline.shutdown(LONG).unwrap();
    assert_eq!(spans.len(), 3);
    let stats = ledger(&pipeline);
    assert_eq!(
        (stats.exported, stats.not_sampled, stats.in_flight),
        (3, 2, 0)
    );
    running.end();
    assert_eq!(ledger(&pipeline).dropped.after_shutdown, 1);
}

#[test]
fn more_than_the_queue_takes_waits_for_room_and_nothing_is_lost() {
    let spans = InMemory::default();
    let pipeline = builder()
        .exporter(spans.clone())
        .queue_spans(64)
        .batch_spans(32)
        .tail(Tail::new())
        .build()
        .unwrap();
    for _ in 0..2000 {
        serve(pipeline.tracer(), false);
    }
    pipeline.flush(LONG).unwrap();
    assert_eq!(spans.len(), 4000);
    assert_eq!(ledger(&pipeline).dropped.total(), 0);
}

#[test]
fn behind_a_hung_exporter_room_is_bounded_and_shutdown_ends() {
    let (gate, keeper) = Gate::new();
    let pipeline = builder()
        .exporter(gate)
        .queue_spans(64)
        .batch_spans(32)
        .sampler(ParentBased::new(Probability::new(0.5)))
        .tail(Tail::new().keep(Keep::probability(1.0)).bytes(1 << 20))
        .build()
        .unwrap();
    let submitted = || pipeline.stats().submitted;
    while submitted() < 20_000 {
        serve(pipeline.tracer(), false);
    }
    assert_eq!(keeper.wait().len(), 32);
    let stats = pipeline.stats();
    assert!(stats.in_flight_bytes < 34 << 20, "{stats:?}");
    assert!(pipeline.shutdown(Duration::from_millis(300)).is_err());
    drop(keeper);
    // The exporter goes on, and so does the count.
    let until = Instant::now() + LONG;
    while !(pipeline.stats().is_balanced() && pipeline.stats().in_flight == 0) {
        assert!(Instant::now() < until, "{:?}", pipeline.stats());
        std::thread::yield_now();
    }
}

/// What requests there were of an endpoint.
#[derive(Clone, Copy, Default)]
struct Served {
    all: f64,
    failed: f64,
    slow: f64,
}

impl Served {
    fn add(&mut self, number: u32, weight: f64) -> (bool, bool) {
        let (fails, is_slow) = (number % 50 == 7, number % 100 == 3);
        self.all += weight;
        self.failed += if fails { weight } else { 0.0 };
        self.slow += if is_slow { weight } else { 0.0 };
        (fails, is_slow)
    }
}

#[test]
fn head_and_tail_together_keep_what_matters_and_stand_for_all() {
    const SLOW: Duration = Duration::from_secs(2);
    const EACH: u32 = 10_000;
    // Of the endpoint: its share at the head, of which a tenth is left.
    const ENDPOINTS: [(&str, f64); 3] = [("/errors", 1.0), ("/payment", 0.5), ("/list", 0.01)];

    let spans = InMemory::with_limit(1 << 20);
    let rule = |route, share| Rule::new().route(route).probability(share);
    let pipeline = builder()
        .exporter(spans.clone())
        .rules(
            Rules::new()
                .rule(rule("/errors", 1.0))
                .rule(rule("/payment", 0.5))
                .otherwise(0.01),
        )
        .tail(
            Tail::new()
                .keep(Keep::errors())
                .keep(Keep::slower_than(SLOW))
                .keep(Keep::thinned(0.1)),
        )
        .build()
        .unwrap();
    let start = Timestamp::from_unix_nanos(1_000_000_000_000_000_000);
    let mut truth = Served::default();
    for number in 0..EACH {
        let (fails, is_slow) = truth.add(number, 1.0);
        for (route, _) in ENDPOINTS {
            let span = pipeline.tracer().span(route).kind(SpanKind::Server);
            let span = span.attribute(semconv::HTTP_ROUTE, route);
            let span = span.start_time(start).start();
            span.set("number", i64::from(number));
            if fails {
                span.fail("timeout", "");
            }
            span.end_at(start.after(if is_slow { SLOW } else { SLOW / 100 }));
        }
        if number % 500 == 0 {
            pipeline.flush(LONG).unwrap();
        }
    }
    pipeline.flush(LONG).unwrap();
    assert_eq!(ledger(&pipeline).dropped.total(), 0);

    let spans = spans.take();
    for (route, head) in ENDPOINTS {
        let kept = spans.iter().filter(|span| span.record.name() == route);
        let (mut counted, mut exact, mut others) = (Served::default(), Served::default(), 0.0);
        for ExportedSpan { record, .. } in kept {
            let number = record.attributes().get("number").unwrap().as_i64().unwrap();
            let number = u32::try_from(number).unwrap();
            let weight = Threshold::of(record.span_context().trace_state()).unwrap();
            counted.add(number, weight.adjusted_count());
            let (fails, is_slow) = exact.add(number, 1.0);
            others += f64::from(u8::from(!fails && !is_slow));
        }
        // None of these is missing, and each stands for itself.
        for served in [counted, exact] {
            assert_eq!((served.failed, served.slow), (truth.failed, truth.slow));
        }
        let rest = truth.all - truth.failed - truth.slow;
        // What is left of the others is a tenth of all where the head keeps as much or more, and what the head has kept where that is less.
        let share = head.min(0.1);
        let sigma = (rest * share * (1.0 - share)).sqrt();
        assert!(
            (others - rest * share).abs() < 5.0 * sigma,
            "{route}: {others}"
        );
        let off = (counted.all - truth.all).abs();
        assert!(off < 5.0 * sigma / share, "{route}: {}", counted.all);
    }
}

#[test]
fn without_an_exporter_there_is_no_tail() {
    let pipeline = trace_pipeline::from_vars(|name| {
        (name == "OTEL_TRACES_EXPORTER").then(|| "none".to_owned())
    })
    .tail(errors())
    .build()
    .unwrap();
    assert_eq!(pipeline.tail_stats(), None);
    serve(pipeline.tracer(), true);
    pipeline.shutdown(LONG).unwrap();
    assert!(ledger(&pipeline).submitted > 0);
}

#[test]
fn rules_that_adapt_hear_how_roots_end() {
    let kept = |is_error: bool| {
        let clock = Arc::new(Hand::default());
        let adaptive = Adaptive::per_second(10.0)
            .after_deployment(1.0, Duration::ZERO)
            .clock(Arc::clone(&clock));
        let pipeline = builder()
            .exporter(InMemory::default())
            .rules(Rules::new().rule(Rule::new().adaptive(adaptive)))
            .build()
            .unwrap();
        let mut kept = 0;
        for request in 0..3000_u32 {
            clock.0.fetch_add(10_000_000, Ordering::Relaxed);
            let span = pipeline.tracer().span("GET /").root().start();
            // When the first seconds are over.
            kept += u32::from(span.is_recording() && request >= 1000);
            if is_error {
                span.fail("timeout", "");
            }
        }
        kept
    };
    // In 20 seconds: ten in each, and four times as many while requests fail.
    let (healthy, failing) = (kept(false), kept(true));
    assert!((100..350).contains(&healthy), "{healthy}");
    assert!(failing > 450, "{failing}");
}

/// Moved by hand.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A file of its own for each test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("trace-pipeline-{}-{name}.toml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    /// As editors do: beside it, and then in its place.
    fn write(&self, text: &str) {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, &self.0).unwrap();
    }

    fn build(&self, builder: PipelineBuilder) -> Pipeline {
        builder
            .rules_file_every(&self.0, Duration::from_millis(10))
            .build()
            .unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn is_recorded(pipeline: &Pipeline) -> bool {
    pipeline
        .tracer()
        .span("GET /")
        .root()
        .start()
        .is_recording()
}

fn wait_until(what: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !what() {
        assert!(Instant::now() < until, "it did not come");
        std::thread::yield_now();
    }
}

#[test]
fn a_rules_file_is_followed_and_a_broken_one_is_not() {
    let file = File::new("followed", "otherwise = 0.0");
    let pipeline = file.build(builder().exporter(InMemory::default()));
    assert!(!is_recorded(&pipeline));
    file.write("otherwise = 1.0");
    wait_until(|| is_recorded(&pipeline));
    // The last good one stays.
    file.write("otherwise = 0.0\nrules = 7");
    std::thread::park_timeout(Duration::from_millis(100));
    assert!(is_recorded(&pipeline));
    file.write("[[rule]]\nname = \"GET *\"\nkeep = \"never\"");
    wait_until(|| !is_recorded(&pipeline));
}

#[test]
fn the_tail_of_a_rules_file_is_followed_too() {
    let text = |when: &str| format!("otherwise = 0.0\n[[tail.keep]]\nwhen = \"{when}\"");
    let file = File::new("tail", &text("error"));
    let spans = InMemory::default();
    let pipeline = file.build(builder().exporter(spans.clone()));
    serve(pipeline.tracer(), false);
    serve(pipeline.tracer(), true);
    pipeline.flush(LONG).unwrap();
    assert_eq!(spans.take().len(), 2);
    file.write(&text("always"));
    wait_until(|| {
        serve(pipeline.tracer(), false);
        pipeline.flush(LONG).unwrap();
        !spans.take().is_empty()
    });
}

#[test]
fn a_broken_rules_file_at_the_start_is_an_error() {
    let file = File::new("broken", "[[rule]]\nkeep = 7");
    let error = Pipeline::builder()
        .exporter(InMemory::default())
        .rules_file(&file.0)
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("sampling rules: "), "{error}");
    assert!(
        error.contains("broken.toml: rule 1: `keep` is 7"),
        "{error}"
    );
    let error = Pipeline::builder()
        .exporter(InMemory::default())
        .rules_file("/nowhere/rules.toml")
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/rules.toml: "), "{error}");
}

/// Goes back an hour and forward a day by turns.
#[derive(Debug, Default)]
struct Jumping(AtomicU64);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;
        let reading = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_unix_nanos(match reading % 3 {
            0 => 20_000 * DAY,
            1 => 20_000 * DAY - DAY / 24,
            _ => 20_001 * DAY,
        })
    }
}

#[test]
fn a_clock_that_jumps_costs_no_span() {
    let spans = InMemory::default();
    let pipeline = builder()
        .exporter(spans.clone())
        .tracer(|tracer| tracer.clock(Jumping::default()))
        .tail(
            Tail::new()
                .keep(Keep::slowest(0.01))
                .keep(Keep::probability(1.0)),
        )
        .build()
        .unwrap();
    for number in 0..500 {
        serve(pipeline.tracer(), number % 7 == 0);
    }
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let stats = ledger(&pipeline);
    assert_eq!((stats.submitted, stats.exported), (1000, 1000));
    assert_eq!(spans.len(), 1000);
    assert_eq!(pipeline.shutdown(LONG), Ok(()));
}

#[test]
fn a_tail_that_cannot_keep_up_keeps_fewer_traces_whole_and_counts_them_for_all() {
    const THREADS: usize = 4;
    const REQUESTS: usize = 500_000;

    let spans = InMemory::with_limit(1 << 20);
    let pipeline = builder()
        .exporter(spans.clone())
        .queue_spans(1 << 16)
        .sampler(ParentBased::new(AlwaysOff))
        .tail(errors())
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for number in 0..REQUESTS {
                    serve(pipeline.tracer(), number % 100 == 0);
                }
            });
        }
    });
    // Some spans may have been dropped one by one, before the tail had looked.
    let _ = pipeline.flush(LONG);
    let stats = ledger(&pipeline);
    assert!(pipeline.tail_stats().unwrap().overloaded > 0, "{stats:?}");
    let kept = spans.take();
    let is_root = |span: &&ExportedSpan| span.record.name() == "request";
    let counted: f64 = kept
        .iter()
        .filter(is_root)
        .filter_map(|span| Threshold::of(span.record.span_context().trace_state()))
        .map(Threshold::adjusted_count)
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let share = counted / (THREADS * REQUESTS / 100) as f64;
    assert!((0.3..2.0).contains(&share), "{share} counted, {stats:?}");
    let roots = kept.iter().filter(is_root).count();
    let broken = (2 * roots).abs_diff(kept.len());
    assert!(broken < roots / 10, "{broken} of {roots}");
}
