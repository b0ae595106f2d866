mod simulation;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased, Probability};
use tracing_core_ctx::{
    Clock, Context, IdGenerator, Sampler, Span, SpanId, SpanRecord, SpanSink, Timestamp, TraceId,
    Tracer, semconv,
};

use super::*;
use crate::sampling::Keep;
use crate::tail::Recorded;
use crate::tail::counts::TailStats;
use crate::tail::gate::Gate;

/// A tracer in virtual time whose spans go through a stage.
struct Bench {
    tracer: Tracer,
    ended: Arc<Ended>,
    ids: Arc<Ids>,
    clock: Arc<Hand>,
    gate: Arc<Gate>,
    stage: Stage,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Ended(Mutex<Vec<SpanRecord>>);

impl SpanSink for Ended {
    fn submit(&self, span: SpanRecord) {
        self.0.lock().unwrap().push(span);
    }
}

#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(1 + self.0.load(Ordering::Relaxed))
    }
}

/// Spans are counted; the next trace has the randomness that the test wants.
#[derive(Debug, Default)]
struct Ids {
    spans: AtomicU64,
    next: AtomicU64,
}

impl IdGenerator for Ids {
    fn trace_id(&self) -> TraceId {
        let high = 1 + self.spans.load(Ordering::Relaxed);
        let low = self.next.load(Ordering::Relaxed);
        TraceId::from_u128((u128::from(high) << 64) | u128::from(low)).unwrap()
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_u64(1 + self.spans.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    fn is_random(&self) -> bool {
        true
    }
}

/// A part of all randomness, from 0 to 1.
fn part(share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a number of 56 bits"
    )]
    let randomness = (share * ALL as f64) as u64;
    randomness.min(ALL - 1)
}

impl Bench {
    fn new(tail: Tail, head: impl Sampler + 'static) -> Self {
        let (ended, ids, clock) = (
            Arc::<Ended>::default(),
            Arc::<Ids>::default(),
            Arc::<Hand>::default(),
        );
        let gate = Arc::new(Gate::new(tail.thins()));
        let in_front = Arc::clone(&gate);
        let tracer = Tracer::builder()
            .sink(Arc::clone(&ended))
            .id_generator(Arc::clone(&ids))
            .clock(Arc::clone(&clock))
            .sampler(head)
            .map_sampler(|head| {
                Box::new(Recorded {
                    head,
                    gate: in_front,
                })
            });
        let counts = Arc::new(Counts::default());
        Self {
            tracer: tracer.build(),
            ended,
            ids,
            clock,
            stage: Stage::new(
                Arc::new(tail),
                Arc::clone(&counts),
                Arc::clone(&gate.forced),
            ),
            gate,
            counts,
        }
    }

    /// Nothing is kept by the head.
    fn tail_alone(tail: Tail) -> Self {
        Self::new(tail, ParentBased::new(AlwaysOff))
    }

    /// A local root whose trace has this part of all randomness.
    fn root(&self, name: &str, randomness: f64) -> Span {
        self.ids.next.store(part(randomness), Ordering::Relaxed);
        self.tracer.span(name).root().start()
    }

    fn wait(&mut self, time: Duration) {
        self.run();
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.clock.0.fetch_add(nanos, Ordering::Relaxed);
        let now = self.now();
        self.stage.tick(now);
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.0.load(Ordering::Relaxed))
    }

    /// Hands what has ended to the stage.
    fn run(&mut self) {
        let ended = std::mem::take(&mut *self.ended.0.lock().unwrap());
        for span in ended {
            self.counts.came(1);
            self.stage.take(span, self.now());
        }
    }

    /// What leaves: the name, the threshold and the reason of each.
    fn left(&mut self) -> Vec<(String, String, String)> {
        self.leave(usize::MAX)
    }

    /// The same of so many at most.
    fn leave(&mut self, most: usize) -> Vec<(String, String, String)> {
        self.run();
        let mut left = Vec::new();
        for span in self.stage.next(|spans, _| spans <= most).0 {
            self.counts.went(1);
            assert!(span.span_context().is_sampled());
            let threshold = Threshold::of(span.span_context().trace_state());
            let reason = span
                .attributes()
                .get("ctx.sampling.reason")
                .and_then(|reason| reason.as_str())
                .unwrap_or("-");
            left.push((
                span.name().to_owned(),
                threshold.map_or_else(|| "-".to_owned(), |threshold| threshold.to_string()),
                reason.to_owned(),
            ));
        }
        left
    }

    fn names(&mut self) -> Vec<String> {
        self.left().into_iter().map(|left| left.0).collect()
    }

    fn stats(&self) -> TailStats {
        self.counts.stats()
    }
}

fn fail(span: Span) {
    span.end_with(|span| span.fail("timeout", ""));
}

fn child(of: &Span, name: &str) -> Span {
    of.in_scope(|| Span::child(name))
}

fn is(left: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let left: Vec<_> = left
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(left, expected);
}

#[test]
fn spans_wait_for_their_local_root_and_an_error_below_it_keeps_them_all() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()));
    let root = bench.root("root", 0.1);
    child(&root, "good").end();
    fail(child(&root, "bad"));
    assert!(bench.names().is_empty());
    assert_eq!(bench.stats().waiting_spans, 2);
    root.end();
    is(
        &bench.left(),
        &[
            ("good", "0", "error"),
            ("bad", "0", "error"),
            ("root", "0", "error"),
        ],
    );
    // One without an error goes, and is counted.
    bench.root("fine", 0.9).end();
    assert!(bench.names().is_empty());
    let stats = bench.stats();
    assert_eq!((stats.kept, stats.unwanted, stats.dropped_spans), (1, 1, 1));
    assert_eq!((stats.waiting_spans, bench.stage.held()), (0, 0));
}

#[test]
fn an_error_that_the_head_had_kept_counts_for_itself_too() {
    let mut bench = Bench::new(
        Tail::new().keep(Keep::errors()),
        ParentBased::new(Probability::new(0.5)),
    );
    fail(bench.root("kept by both", 0.9));
    fail(bench.root("kept by the tail", 0.1));
    bench.root("kept by the head", 0.9).end();
    bench.root("kept by none", 0.1).end();
    is(
        &bench.left(),
        &[
            ("kept by both", "0", "error"),
            ("kept by the tail", "0", "error"),
            ("kept by the head", "8", "-"),
        ],
    );
}

#[test]
fn what_this_process_alone_has_kept_says_so_at_its_root() {
    let mut bench = Bench::new(
        Tail::new().keep(Keep::errors()),
        ParentBased::new(Probability::new(0.5)),
    );
    let root = bench.root("tail", 0.1);
    child(&root, "below").end();
    fail(root);
    fail(bench.root("head", 0.9));
    bench.run();
    let mut partial = Vec::new();
    for span in bench.stage.next(|_, _| true).0 {
        if span.attributes().get("ctx.sampling.partial").is_some() {
            partial.push(span.name().to_owned());
        }
    }
    assert_eq!(partial, ["tail"]);
}

#[test]
fn a_head_of_unknown_probability_leaves_no_threshold() {
    let mut bench = Bench::new(
        Tail::new()
            .keep(Keep::errors())
            .keep(Keep::probability(0.25)),
        AlwaysOn,
    );
    bench.root("forced", 0.9).end();
    fail(bench.root("failed", 0.1));
    is(
        &bench.left(),
        &[("forced", "-", "probability"), ("failed", "0", "error")],
    );
}

#[test]
fn of_several_rules_the_one_that_keeps_most_likely_counts() {
    let tail = Tail::new()
        .keep(Keep::probability(0.25))
        .keep(Keep::endpoint("/pay/*").at(0.5))
        .keep(Keep::attribute("user.tier", "gold").because("vip"));
    let mut bench = Bench::tail_alone(tail);
    for randomness in [0.1, 0.6, 0.8] {
        bench.root("other", randomness).end();
        bench.root("/pay/card", randomness).end();
        let root = bench.root("gold", randomness);
        let below = child(&root, "below");
        below.set("user.tier", "gold");
        below.end();
        root.end();
    }
    is(
        &bench.left(),
        &[
            ("below", "0", "vip"),
            ("gold", "0", "vip"),
            ("/pay/card", "8", "endpoint"),
            ("below", "0", "vip"),
            ("gold", "0", "vip"),
            ("other", "c", "probability"),
            ("/pay/card", "8", "endpoint"),
            ("below", "0", "vip"),
            ("gold", "0", "vip"),
        ],
    );
}

#[test]
fn slow_and_rare_traces_are_kept() {
    let tail = Tail::new()
        .keep(Keep::slower_than(Duration::from_secs(1)))
        .keep(Keep::slowest(0.01))
        .keep(Keep::rare());
    let mut bench = Bench::tail_alone(tail);
    for _ in 0..300 {
        let root = bench.root("GET /a", 0.5);
        bench.wait(Duration::from_millis(10));
        root.end();
    }
    is(&bench.left(), &[("GET /a", "0", "rare")]);
    for (millis, status) in [(300, 200), (10, 200), (10, 503), (1000, 503)] {
        let root = bench.root("GET /a", 0.5);
        bench.wait(Duration::from_millis(millis));
        root.set("http.response.status_code", status);
        root.end();
    }
    is(
        &bench.left(),
        &[
            ("GET /a", "0", "slowest"),
            ("GET /a", "0", "rare"),
            ("GET /a", "0", "slow"),
        ],
    );
}

#[test]
fn a_trace_that_is_cut_is_slow_as_soon_as_it_lasts_too_long() {
    let tail = Tail::new()
        .keep(Keep::slower_than(Duration::from_millis(200)))
        .wait(Duration::from_millis(400));
    let mut bench = Bench::tail_alone(tail);
    let root = bench.root("root", 0.5);
    for _ in 0..5 {
        child(&root, "step").end();
        bench.wait(Duration::from_millis(700));
    }
    root.end();
    is(
        &bench.left(),
        &[
            ("step", "0", "slow"),
            ("step", "0", "slow"),
            ("step", "0", "slow"),
            ("step", "0", "slow"),
            ("step", "0", "slow"),
            ("root", "0", "slow"),
        ],
    );
}

#[test]
fn a_late_span_follows_the_decision() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()));
    let (kept, dropped) = (bench.root("kept", 0.1), bench.root("dropped", 0.9));
    let late = (child(&kept, "late"), child(&dropped, "late too"));
    fail(kept);
    dropped.end();
    assert_eq!(bench.names(), ["kept"]);
    late.0.end();
    fail(late.1);
    is(&bench.left(), &[("late", "0", "error")]);
    assert_eq!(bench.stats().late_spans, 2);
}

#[test]
fn the_limit_keeps_those_of_the_highest_randomness_and_never_one_more() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()).limit(2));
    for randomness in [0.5, 0.25, 0.75, 0.125] {
        fail(bench.root(&randomness.to_string(), randomness));
    }
    // They wait for the end of the second.
    assert!(bench.names().is_empty());
    bench.wait(Duration::from_secs(1));
    let mut left = bench.left();
    left.sort();
    // Just above the best one that had to go.
    is(
        &left,
        &[
            ("0.5", "40000000000001", "error"),
            ("0.75", "40000000000001", "error"),
        ],
    );
    assert_eq!(bench.stats().limited, 2);
    // In the next second there is room again.
    fail(bench.root("next", 0.1));
    bench.wait(Duration::from_secs(1));
    is(&bench.left(), &[("next", "0", "error")]);
    assert_eq!(bench.stage.held(), 0);
}

#[test]
fn two_local_traces_of_one_trace_leave_together_or_not_at_all() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()).limit(2));
    for randomness in [0.5, 0.25, 0.25] {
        fail(bench.root(&randomness.to_string(), randomness));
    }
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.names(), ["0.5"]);
}

#[test]
fn what_the_head_kept_takes_room_of_the_limit_and_shares_its_weight() {
    let mut bench = Bench::new(
        Tail::new().keep(Keep::errors()).limit(2),
        ParentBased::new(Probability::new(0.125)),
    );
    fail(bench.root("head failed", 0.9));
    fail(bench.root("0.75", 0.75));
    fail(bench.root("0.5", 0.5));
    bench.wait(Duration::from_secs(1));
    let mut left = bench.left();
    left.sort();
    is(
        &left,
        &[
            ("0.75", "80000000000001", "error"),
            ("head failed", "80000000000001", "error"),
        ],
    );
}

#[test]
fn a_flush_in_the_middle_of_a_second_does_not_renew_its_budget() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()).limit(3));
    let mut kept = 0;
    for _ in 0..4 {
        fail(bench.root("failed", 0.5));
        fail(bench.root("failed", 0.75));
        bench.run();
        let now = bench.now();
        bench.stage.flush(now);
        kept += bench.names().len();
    }
    assert_eq!(kept, 3);
}

#[test]
fn a_thinning_rule_takes_from_what_the_head_has_kept() {
    let tail = Tail::new().keep(Keep::errors()).keep(Keep::thinned(0.25));
    let mut bench = Bench::new(tail, ParentBased::new(Probability::new(0.5)));
    bench.root("a", 0.1).end();
    bench.root("b", 0.6).end();
    bench.root("c", 0.8).end();
    fail(bench.root("d", 0.1));
    is(&bench.left(), &[("c", "c", "-"), ("d", "0", "error")]);

    // Of several the one that keeps least counts, in whatever order.
    let tail = Tail::new()
        .keep(Keep::thinned(0.25))
        .keep(Keep::thinned(0.5));
    let mut bench = Bench::new(tail, ParentBased::new(Probability::new(0.5)));
    bench.root("g", 0.6).end();
    bench.root("h", 0.8).end();
    is(&bench.left(), &[("h", "c", "-")]);

    // Where the head keeps less, that is what counts.
    let tail = Tail::new().keep(Keep::thinned(0.5));
    let mut bench = Bench::new(tail, ParentBased::new(Probability::new(0.25)));
    bench.root("e", 0.6).end();
    bench.root("f", 0.8).end();
    is(&bench.left(), &[("f", "c", "-")]);
}

#[test]
fn what_a_sampler_keeps_for_certain_and_a_rule_thins_says_what_it_stands_for() {
    let heads: [Arc<dyn Sampler>; 2] = [Arc::new(ParentBased::new(AlwaysOn)), Arc::new(AlwaysOn)];
    for head in heads {
        let tail = Tail::new().keep(Keep::errors()).keep(Keep::thinned(0.25));
        let mut bench = Bench::new(tail, head);
        for randomness in [0.1, 0.8] {
            let root = bench.root("root", randomness);
            child(&root, "child").end();
            root.end();
        }
        fail(bench.root("failed", 0.1));
        is(
            &bench.left(),
            &[
                ("child", "c", "-"),
                ("root", "c", "-"),
                ("failed", "0", "error"),
            ],
        );
    }
    // Where nothing is thinned, nothing is added to what goes to other services.
    let bench = Bench::new(Tail::new(), ParentBased::new(AlwaysOn));
    let root = bench.root("root", 0.5);
    assert!(root.span_context().unwrap().trace_state().is_empty());
}

#[test]
fn a_forced_trace_is_never_thinned_and_keeps_its_reason() {
    let tail = || Tail::new().keep(Keep::errors()).keep(Keep::thinned(0.1));
    for tail in [tail(), tail().limit(1)] {
        let mut bench = Bench::new(tail, ParentBased::new(AlwaysOn));
        let forced = Context::new().with_sampling_hint(SamplingHint::Forced);
        for name in ["a", "b"] {
            bench.ids.next.store(part(0.01), Ordering::Relaxed);
            let root = bench.tracer.span(name).parent(&forced).start();
            child(&root, "child").end();
            if name == "b" {
                fail(root);
            } else {
                root.end();
            }
        }
        bench.wait(Duration::from_secs(1));
        let mut left = bench.left();
        left.sort();
        // The errors are kept whatever their trace is, and so they count.
        is(
            &left,
            &[
                ("a", "-", "forced"),
                ("b", "0", "forced"),
                ("child", "-", "-"),
                ("child", "0", "error"),
            ],
        );
    }
}

#[test]
fn a_threshold_that_rises_while_a_thinned_trace_waits_for_its_second_is_its_weight() {
    let tail = Tail::new()
        .keep(Keep::probability(0.5))
        .keep(Keep::thinned(0.25))
        .limit(100_000)
        .bytes(1 << 20);
    let mut bench = Bench::new(tail, ParentBased::new(AlwaysOn));
    for number in 0..8000 {
        bench
            .root("x", f64::from(number * 1597 % 8000) / 8000.0)
            .end();
        bench.run();
    }
    let floor = bench.stage.floor;
    assert!(floor > part(0.75), "there was room");
    let _ = bench.left();
    bench.wait(Duration::from_secs(1));
    let left = bench.left();
    assert!(left.len() > 100, "{}", left.len());
    for (_, threshold, _) in left {
        let threshold = Threshold::parse(&threshold).unwrap();
        assert!(threshold.to_bits() >= floor, "{threshold}");
    }
}

#[test]
fn a_huge_trace_is_sent_in_parts_under_one_decision() {
    let tail = Tail::new().keep(Keep::probability(0.5)).part_spans(10);
    let mut bench = Bench::tail_alone(tail);
    for (randomness, expected) in [(0.75, 26), (0.25, 0)] {
        let root = bench.root("root", randomness);
        let mut left = 0;
        for number in 0..25 {
            child(&root, "child").end();
            left += bench.names().len();
            assert!(bench.stats().waiting_spans < 10, "{number}");
        }
        root.end();
        left += bench.names().len();
        assert_eq!(left, expected);
    }
    assert_eq!(bench.stats().cut, 4);
}

#[test]
fn a_trace_that_was_cut_and_then_fails_is_kept_from_there_on() {
    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::probability(0.5))
        .part_spans(2);
    let mut bench = Bench::tail_alone(tail);
    for randomness in [0.75, 0.25] {
        let root = bench.root("root", randomness);
        for _ in 0..3 {
            child(&root, "child").end();
        }
        fail(root);
    }
    // The first two of the first trace had half a chance; everything after the error is certain.
    is(
        &bench.left(),
        &[
            ("child", "8", "probability"),
            ("child", "8", "probability"),
            ("child", "0", "error"),
            ("root", "0", "error"),
            ("child", "0", "error"),
            ("root", "0", "error"),
        ],
    );
}

#[test]
fn a_trace_that_never_ends_is_decided_when_it_has_waited_long_enough() {
    let tail = Tail::new()
        .keep(Keep::errors())
        .wait(Duration::from_secs(8));
    let mut bench = Bench::tail_alone(tail);
    let endless = bench.root("endless", 0.1);
    fail(child(&endless, "bad"));
    bench.run();
    bench.wait(Duration::from_secs(7));
    assert!(bench.names().is_empty());
    bench.wait(Duration::from_secs(2));
    is(&bench.left(), &[("bad", "0", "error")]);
    // What comes later is decided with it: the trace is kept.
    child(&endless, "good").end();
    bench.run();
    bench.wait(Duration::from_secs(9));
    is(&bench.left(), &[("good", "0", "-")]);
    drop(endless);
}

#[test]
fn new_rules_apply_to_what_is_decided_from_then_on() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::errors()));
    let root = bench.root("root", 0.5);
    child(&root, "child").end();
    bench.run();
    let now = bench.now();
    bench
        .stage
        .set_rules(Arc::new(Tail::new().keep(Keep::endpoint("ro*"))), now);
    root.end();
    assert_eq!(bench.names(), ["child", "root"]);
}

#[test]
fn below_what_the_head_drops_for_good_nothing_is_recorded() {
    #[derive(Debug)]
    struct Never;

    impl Sampler for Never {
        fn sample(
            &self,
            input: &tracing_core_ctx::sampler::SamplingInput<'_>,
        ) -> tracing_core_ctx::sampler::Sampling {
            let sampling = AlwaysOff.sample(input);
            if input.name() == "health" {
                sampling.finally()
            } else {
                sampling
            }
        }

        fn description(&self) -> Cow<'static, str> {
            "Never".into()
        }
    }

    let mut bench = Bench::new(Tail::new().keep(Keep::probability(1.0)), Never);
    let health = bench.root("health", 0.5);
    assert!(!health.is_recording());
    let below = bench.tracer.span("below").parent(&health.context()).start();
    assert!(!below.is_recording());
    bench.root("other", 0.5).end();
    assert_eq!(bench.names(), ["other"]);
}

#[test]
fn without_room_the_lowest_randomness_goes_and_the_weights_of_the_rest_say_so() {
    let tail = Tail::new().keep(Keep::probability(1.0)).bytes(1 << 20);
    let mut bench = Bench::tail_alone(tail);
    let roots: Vec<Span> = (0..4000)
        .map(|number| {
            // In no order.
            let root = bench.root("root", f64::from(number * 1597 % 4000) / 4000.0);
            child(&root, "child").end();
            root
        })
        .collect();
    bench.run();
    assert!(bench.stage.held() <= 1 << 20, "{}", bench.stage.held());
    let waiting = bench.stats().waiting_spans;
    assert!((100..4000).contains(&waiting), "{waiting}");
    // What is decided leaves, and needs no room any more.
    let mut left = Vec::new();
    for root in roots {
        root.end();
        left.append(&mut bench.left());
    }
    let roots: Vec<_> = left.iter().filter(|left| left.0 == "root").collect();
    // Each kept trace stands for those that had to go: together for all.
    let counted: f64 = roots
        .iter()
        .map(|left| Threshold::parse(&left.1).unwrap().adjusted_count())
        .sum();
    assert!((counted / 4000.0 - 1.0).abs() < 0.1, "{counted}");
    let stats = bench.stats();
    assert!(stats.overloaded > 0, "{stats:?}");
    assert_eq!(
        stats.waiting_spans + stats.dropped_spans + left.len() as u64,
        8000
    );
    // When there is room again, all are kept again.
    for _ in 0..20 {
        bench.wait(Duration::from_secs(1));
    }
    bench.root("later", 0.0).end();
    is(&bench.left(), &[("later", "0", "probability")]);
}

#[test]
fn a_hundred_thousand_open_traces_a_huge_one_and_an_endless_one_share_the_room() {
    const ROOM: usize = 256 << 20;

    let tail = Tail::new().keep(Keep::errors()).bytes(ROOM);
    let mut bench = Bench::tail_alone(tail);
    let endless = bench.root("endless", 0.5);
    let neighbours: Vec<Span> = (0..100_000)
        .map(|number| {
            let root = bench.root("neighbour", f64::from(number) / 100_000.0);
            child(&root, "child").end();
            root
        })
        .collect();
    let mut most = 0;
    let huge = bench.root("huge", 0.9);
    let mut left = 0;
    for number in 0..50_000 {
        let part = child(&huge, "part");
        if number == 0 {
            fail(part);
        } else {
            part.end();
        }
        if number % 1000 == 0 {
            child(&endless, "more").end();
            left += bench.names().len();
            most = most.max(bench.stage.held());
        }
    }
    huge.end();
    left += bench.names().len();
    // The huge trace has failed in its first part, and comes whole.
    assert_eq!(left, 50_001);
    assert!(most <= ROOM, "{most}");
    assert!(bench.stats().cut >= 49, "{:?}", bench.stats());
    assert_eq!(bench.stats().overloaded, 0);
    // The neighbours did not suffer: those that fail are kept whole.
    for (number, root) in neighbours.into_iter().enumerate() {
        if number % 1000 == 0 {
            fail(root);
        } else {
            root.end();
        }
    }
    assert_eq!(bench.names().len(), 200);
    // Of the endless one nothing has failed.
    bench.wait(Duration::from_secs(31));
    assert!(bench.names().is_empty());
    assert_eq!((bench.stats().waiting_spans, bench.stage.held()), (0, 0));
    drop(endless);
}

#[test]
fn with_less_room_than_they_need_open_traces_stay_within_it() {
    const ROOM: usize = 8 << 20;

    let tail = Tail::new().keep(Keep::probability(1.0)).bytes(ROOM);
    let mut bench = Bench::tail_alone(tail);
    let mut open = Vec::new();
    for number in 0..50_000 {
        let root = bench.root("root", f64::from(number * 1597 % 50_000) / 50_000.0);
        child(&root, "child").end();
        open.push(root);
        bench.run();
        assert!(bench.stage.held() <= ROOM, "{number}");
    }
    assert!(bench.stats().overloaded > 0);
}

#[test]
fn what_a_budget_leaves_says_what_it_stands_for() {
    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::probability(0.5));
    let mut bench = Bench::tail_alone(tail);
    bench.stage.set_budget(part(0.75));
    for number in 0..100 {
        let span = bench.root("x", f64::from(number) / 100.0);
        if number % 2 == 0 {
            fail(span);
        } else {
            span.end();
        }
    }
    let left = bench.left();
    // A quarter of all: the errors, and of the rest those that its rule keeps as well.
    assert_eq!(left.len(), 25);
    assert!(
        left.iter().all(|(_, threshold, _)| threshold == "c"),
        "{left:?}"
    );
    assert_eq!((bench.stats().kept, bench.stats().overloaded), (25, 75));
    // When there is room again, everything is as before.
    bench.stage.set_budget(0);
    fail(bench.root("y", 0.1));
    is(&bench.left(), &[("y", "0", "error")]);
}

#[test]
fn below_the_floor_of_the_gate_nothing_is_recorded_and_the_rest_says_what_it_stands_for() {
    let tail = Tail::new().keep(Keep::errors());
    let mut bench = Bench::new(tail, ParentBased::new(Probability::new(0.125)));
    // It began before.
    let early = bench.root("early", 0.1);
    bench.gate.set_floor(part(0.75));
    bench.stage.set_gate(part(0.75));
    let low = bench.root("low", 0.7);
    assert!(!low.is_recording() && !child(&low, "child").is_recording());
    drop(low);
    fail(bench.root("failed", 0.8));
    fail(bench.root("failed and sampled", 0.9));
    bench.root("sampled", 0.9).end();
    bench.root("neither", 0.8).end();
    fail(early);
    is(
        &bench.left(),
        &[
            ("failed", "c", "error"),
            ("failed and sampled", "c", "error"),
            ("sampled", "e", "-"),
        ],
    );
    assert_eq!((bench.gate.refused(), bench.stats().overloaded), (1, 1));
    // What is sampled by more than is let in is sampled by as much as is let in.
    bench.gate.set_floor(part(0.9375));
    bench.stage.set_gate(part(0.9375));
    bench.root("sampled", 0.9).end();
    bench.root("sampled", 0.95).end();
    is(&bench.left(), &[("sampled", "f", "-")]);
    assert_eq!(bench.gate.refused(), 2);
}

#[test]
fn samplers_that_decide_for_each_span_alone_leave_whole_traces_with_the_weight_of_their_roots() {
    let heads: [(Arc<dyn Sampler>, &str); 2] = [
        (Arc::new(AlwaysOn), "c"),
        (Arc::new(Probability::new(0.5)), "c"),
    ];
    for (head, threshold) in heads {
        let mut bench = Bench::new(Tail::new().keep(Keep::errors()), head);
        bench.gate.set_floor(part(0.75));
        bench.stage.set_gate(part(0.75));
        let refused = bench.root("refused", 0.7);
        assert!(!child(&refused, "child").is_recording());
        let root = bench.root("root", 0.8);
        // There is time again.
        bench.gate.set_floor(0);
        assert!(!child(&refused, "child").is_recording());
        child(&root, "child").end();
        root.end();
        is(
            &bench.left(),
            &[("child", threshold, "-"), ("root", threshold, "-")],
        );
        assert_eq!(bench.gate.refused(), 1);
    }
}

#[test]
fn what_somebody_forces_below_a_trace_that_was_not_let_in_is_recorded() {
    let mut bench = Bench::new(Tail::new(), ParentBased::new(AlwaysOn));
    bench.gate.set_floor(part(0.75));
    let refused = bench.root("refused", 0.7);
    let forced = refused.context().with_sampling_hint(SamplingHint::Forced);
    bench.tracer.span("forced").parent(&forced).start().end();
    is(&bench.left(), &[("forced", "-", "forced")]);
}

#[test]
fn a_forced_trace_that_is_cut_is_never_thinned_either() {
    let tail = Tail::new().keep(Keep::thinned(0.1)).part_spans(3);
    let mut bench = Bench::new(tail, ParentBased::new(AlwaysOn));
    let forced = Context::new().with_sampling_hint(SamplingHint::Forced);
    bench.ids.next.store(part(0.01), Ordering::Relaxed);
    let root = bench.tracer.span("root").parent(&forced).start();
    // Neither the rule nor a lack of time takes from it.
    bench.stage.set_gate(part(0.75));
    for _ in 0..5 {
        child(&root, "child").end();
    }
    root.end();
    bench.root("other", 0.01).end();
    let left = bench.left();
    assert_eq!(left.len(), 6, "{left:?}");
    assert!(left.iter().all(|left| left.1 == "-"), "{left:?}");
}

#[test]
fn a_forced_trace_of_which_that_was_forgotten_is_kept_from_its_root_on() {
    let tail = Tail::new().keep(Keep::thinned(0.1)).part_spans(3);
    let mut bench = Bench::new(tail, ParentBased::new(AlwaysOn));
    let forced = Context::new().with_sampling_hint(SamplingHint::Forced);
    bench.ids.next.store(part(0.01), Ordering::Relaxed);
    let root = bench.tracer.span("root").parent(&forced).start();
    // It is remembered in the same place.
    bench.tracer.span("later").parent(&forced).start().end();
    for _ in 0..5 {
        child(&root, "child").end();
    }
    root.end();
    is(
        &bench.left(),
        &[
            ("later", "-", "forced"),
            ("child", "-", "-"),
            ("child", "-", "-"),
            ("root", "-", "forced"),
        ],
    );
}

#[test]
fn a_status_of_a_call_that_was_not_seen_before_is_rare() {
    let mut bench = Bench::tail_alone(Tail::new().keep(Keep::rare()));
    for status in ["OK", "OK", "NOT_FOUND", "OK"] {
        let root = bench.root("shop.Stock/Get", 0.5);
        root.set(semconv::RPC_STATUS_CODE, status);
        root.end();
    }
    bench.run();
    let statuses: Vec<_> = bench.stage.next(|_, _| true).0.collect();
    let status = |span: &SpanRecord| {
        let status = span.attributes().get("rpc.status_code").unwrap();
        status.as_str().unwrap().to_owned()
    };
    let statuses: Vec<_> = statuses.iter().map(status).collect();
    assert_eq!(statuses, ["OK", "NOT_FOUND"]);
}

#[test]
fn where_more_is_kept_than_can_leave_less_is_kept_and_stands_for_all() {
    const TRACES: u32 = 8000;

    let heads: [Arc<dyn Sampler>; 3] = [
        Arc::new(ParentBased::new(AlwaysOff)),
        Arc::new(ParentBased::new(AlwaysOn)),
        Arc::new(AlwaysOn),
    ];
    for head in heads {
        let tail = Tail::new().keep(Keep::probability(1.0)).bytes(1 << 21);
        let mut bench = Bench::new(tail, head);
        let mut left = Vec::new();
        for number in 0..TRACES {
            let randomness = f64::from(number * 1597 % TRACES) / f64::from(TRACES);
            let root = bench.root("root", randomness);
            child(&root, "child").end();
            root.end();
            // A quarter of them can leave.
            left.append(&mut bench.leave(usize::from(number % 2 == 0)));
            bench.gate.set_backlog(bench.stage.backlog());
            assert!(!bench.stage.is_clogged(), "{number}");
        }
        left.append(&mut bench.left());
        for name in ["root", "child"] {
            let of_name = left.iter().filter(|left| left.0 == name);
            let weight = |left: &(String, String, String)| match &*left.1 {
                "-" => 1.0,
                threshold => Threshold::parse(threshold).unwrap().adjusted_count(),
            };
            let counted: f64 = of_name.map(weight).sum();
            let share = counted / f64::from(TRACES);
            assert!((0.9..1.1).contains(&share), "{name}: {share}");
        }
        assert_eq!(bench.gate.refused(), 0);
        assert!(bench.stats().overloaded > 1000, "{:?}", bench.stats());
        // When there is room again, all are kept again.
        bench.gate.set_backlog(bench.stage.backlog());
        bench.root("later", 0.0).end();
        assert_eq!(bench.names(), ["later"]);
    }
}
