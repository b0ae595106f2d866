//! What other bridges between `tracing` and traces get wrong and what their users complain about, each a test.
//!
//! The names are modules of these tests.
//!
//! # Time and parents
//!
//! | trap | test |
//! |---|---|
//! | a span starts when it is first entered, not when it is made | `traps::a_span_starts_where_it_is_made` |
//! | its end is the last exit: what only holds it adds nothing | `traps::a_body_that_holds_the_span_counts` |
//! | a span lasts as long as the longest task that it spawned | `spans::a_span_that_is_left_while_spans_below_it_are_open_ends_there` |
//! | a parent that is set after the start is lost without a word | `traps::the_caller_is_the_parent_because_it_is_there_first` |
//! | who asks for the context before the parent is set, loses the parent | `traps::asking_for_the_context_changes_nothing` |
//! | the exported span has another id than the one that was sent | `traps::what_is_sent_is_what_is_recorded` |
//! | a filtered span takes the propagation with it | `traps::a_filtered_span_passes_on_what_is_current` |
//! | a filtered parent is a panic, or the end of the tree | `layers::a_parent_that_the_layer_does_not_see_tells_nothing` |
//! | the context of a span does not follow it into a worker (tower's `Buffer`) | `context::a_span_goes_along_with_a_task_on_another_thread` |
//! | a guard across an `.await` leaks into other tasks | `context::a_guard_held_across_an_await_does_not_leak_into_other_tasks` |
//! | guards that are dropped in another order leave the wrong one current | `context::leaving_in_another_order_leaves_the_right_one_current` |
//! | a task of an unsampled request begins a trace | `spans::below_a_span_that_does_not_record_nothing_is_recorded_and_its_identity_is_passed_on` |
//! | spans of interleaved requests change their trace | `context::requests_that_take_turns_on_two_threads_keep_their_spans` |
//!
//! # Locks
//!
//! | trap | test |
//! |---|---|
//! | an exporter that logs waits for itself | `traps::a_sink_that_logs_does_not_wait_for_itself` |
//! | a `Debug` that logs waits for itself, or for another layer's extensions | `traps::a_debug_that_logs_and_opens_spans_does_not_wait_for_itself` |
//! | a sampler that logs waits for itself | `traps::a_sampler_that_logs_does_not_wait_for_itself` |
//! | an exporter traces itself | `spans::suppressed_work_is_not_recorded` |
//! | two spans that follow from each other wait for each other | `traps::spans_that_follow_from_each_other_on_two_threads_do_not_wait` |
//!
//! # Fields and events
//!
//! | trap | test |
//! |---|---|
//! | `u64`, `u16` and `i128` are texts | `fields::fields_keep_their_names_and_types` |
//! | fields that were not declared are dropped silently | `fields::what_was_not_declared_is_set_on_the_span_itself` |
//! | `otel.name` does nothing once the span was entered | `traps::a_name_that_comes_late_counts` |
//! | a status without description takes the description away | `traps::the_description_of_a_failure_stays`, `traps::a_status_code_without_description_leaves_the_description` |
//! | the causes of an error are called its stack trace, as a list | `fields::a_field_that_is_an_error_fails_the_span_with_its_causes` |
//! | attributes of no convention (`code.module.name`) | `fields::the_place_in_the_code_is_told_by_the_names_of_the_conventions` |
//! | a long span keeps its events without end | `traps::a_span_that_lasts_holds_a_bounded_number_of_events` |
//! | events outside of a `tracing` span are lost, also in a request | `events::an_event_is_told_on_the_span_that_is_current` |
//! | a `Debug` that panics takes the request with it | `fields::a_debug_that_panics_or_gives_up_costs_its_field_and_no_more` |
//!
//! # Cost
//!
//! | trap | test |
//! |---|---|
//! | a span allocates a dozen times, sampled or not | `cost::an_instrumented_function_allocates_nothing_more_recorded_or_not` |
//! | events are put into words where nothing records | `events::nothing_is_put_into_words_where_nothing_records` |
//! | a span on a thread that ends is a panic | `traps::a_span_that_ends_with_its_thread_hurts_nobody` |

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use trace_bridge::{TracingLayer, TracingSpanExt as _};
use trace_testkit::SpanRecorder;
use trace_testkit::traps::TrapTable;
use tracing::field::Empty;
use tracing::{Dispatch, error, info, info_span, trace_span};
use tracing_core_ctx::sampler::{AlwaysOn, Sampler, Sampling, SamplingInput};
use tracing_core_ctx::{Context, Span, SpanRecord, SpanSink, Status, TraceFlags, TraceId, Tracer};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::spans::caller;
use crate::support::{dispatch, with_default};

/// A table that nobody checks is a wish.
#[test]
fn every_trap_has_its_test() {
    let traps = TrapTable::of_crate(env!("CARGO_MANIFEST_DIR")).check(include_str!("traps.rs"));
    assert!(traps >= 25, "{traps}");
}

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs `work` on a thread of its own, and fails if it does not end.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        sender.send(()).unwrap();
    });
    if receiver.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("it waits for itself");
    }
    thread.join().unwrap();
}

#[test]
fn a_span_starts_where_it_is_made() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job");
        recorder.clock().advance(Duration::from_millis(5));
        job.in_scope(|| {});
    });
    assert_eq!(recorder.take_one().duration(), Duration::from_millis(5));
}

#[test]
fn a_body_that_holds_the_span_counts() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job");
        let body = job.clone();
        job.in_scope(|| {});
        drop(job);
        recorder.clock().advance(Duration::from_millis(187));
        drop(body);
    });
    assert_eq!(recorder.take_one().duration(), Duration::from_millis(187));
}

#[test]
fn the_caller_is_the_parent_because_it_is_there_first() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let handle = caller(TraceFlags::SAMPLED).scope(|| info_span!("handle"));
        handle.in_scope(|| drop(info_span!("step")));
    });
    let handle = recorder.take_named("handle");
    assert_eq!(handle.trace_id(), TraceId::from_u128(7).unwrap());
    assert!(handle.parent_is_remote());
    assert!(recorder.take_one().is_child_of(&handle));
}

#[test]
fn asking_for_the_context_changes_nothing() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        caller(TraceFlags::SAMPLED).scope(|| {
            let handle = info_span!("handle");
            let asked = handle.context();
            handle.in_scope(|| {
                assert_eq!(asked.span_context(), Context::current().span_context());
            });
        });
    });
    assert_eq!(
        recorder.take_one().trace_id(),
        TraceId::from_u128(7).unwrap()
    );
}

#[test]
fn what_is_sent_is_what_is_recorded() {
    let recorder = SpanRecorder::new();
    let sent = with_default(&recorder, |tracer| {
        let _call = info_span!("call", otel.kind = "client").entered();
        let mut headers = Vec::<(String, String)>::new();
        tracer.inject(&Context::current(), &mut Headers(&mut headers));
        headers.remove(0).1
    });
    let call = recorder.take_one();
    assert_eq!(
        sent,
        format!("00-{}-{}-01", call.trace_id(), call.span_id())
    );
}

struct Headers<'a>(&'a mut Vec<(String, String)>);

impl tracing_core_ctx::propagation::Inject for Headers<'_> {
    fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, _: &str) {}
}

#[test]
fn a_filtered_span_passes_on_what_is_current() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    // For all layers: such a span does not exist.
    let subscriber = tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(TracingLayer::new(tracer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let request = tracer.span("request").start();
        request.in_scope(|| {
            let filtered = trace_span!("filtered");
            filtered.in_scope(|| tracer.span("call").start().end());
            filtered
                .context()
                .scope(|| Span::child("by its context").end());
        });
        request.end();
    });
    let request = recorder.take_named("request");
    assert!(recorder.take_named("call").is_child_of(&request));
    assert!(recorder.take_named("by its context").is_child_of(&request));
}

/// Logs, opens a span, and records late, wherever it is called from.
fn chat() {
    info!("from within");
    let span = info_span!("within", late = Empty);
    span.record("late", 1);
    span.in_scope(|| error!("deeper"));
}

/// Works for one turn of each thread, so that it does not call itself.
fn once(work: impl FnOnce()) {
    thread_local! {
        static INSIDE: RefCell<bool> = const { RefCell::new(false) };
    }
    if !INSIDE.with(|inside| inside.replace(true)) {
        work();
        INSIDE.with(|inside| inside.replace(false));
    }
}

#[derive(Debug)]
struct ChattySink;

impl SpanSink for ChattySink {
    fn is_enabled(&self) -> bool {
        once(chat);
        true
    }

    fn started(&self) {
        once(chat);
    }

    fn submit(&self, span: SpanRecord) {
        once(chat);
        drop(span);
    }
}

#[test]
fn a_sink_that_logs_does_not_wait_for_itself() {
    ends(|| {
        let tracer = Tracer::builder().sink(ChattySink).build();
        tracing::dispatcher::with_default(&dispatch(TracingLayer::new(tracer)), || {
            let job = info_span!("job", late = Empty).entered();
            info!("fine");
            job.record("late", 1);
            info_span!("step").in_scope(|| error!("no"));
        });
    });
}

#[test]
fn a_sampler_that_logs_does_not_wait_for_itself() {
    #[derive(Debug)]
    struct Chatty;

    impl Sampler for Chatty {
        fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
            once(chat);
            AlwaysOn.sample(input)
        }

        fn description(&self) -> std::borrow::Cow<'static, str> {
            "Chatty".into()
        }
    }

    let recorder = Arc::new(SpanRecorder::new());
    let recorded = Arc::clone(&recorder);
    ends(move || {
        let tracer = recorded.tracer_builder("shop").sampler(Chatty).build();
        tracing::dispatcher::with_default(&dispatch(TracingLayer::new(tracer)), || {
            info_span!("job").in_scope(|| drop(info_span!("step")));
        });
    });
    let job = recorder.take_named("job");
    assert!(recorder.take_named("step").is_child_of(&job));
    recorder.ignore();
}

#[test]
fn a_debug_that_logs_and_opens_spans_does_not_wait_for_itself() {
    struct Chatty;

    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            once(chat);
            f.write_str("chatty")
        }
    }

    let recorder = Arc::new(SpanRecorder::new());
    let recorded = Arc::clone(&recorder);
    ends(move || {
        with_default(&recorded, |_| {
            let job = info_span!("job", at_start = ?Chatty, late = Empty).entered();
            job.record("late", tracing::field::debug(Chatty));
            info!(what = ?Chatty, "{:?}", Chatty);
        });
    });
    let job = recorder.take_named("job");
    assert_eq!((job.str("at_start"), job.str("late")), ("chatty", "chatty"));
    assert!(job.events().iter().any(|event| event.name == "chatty"));
    recorder.ignore();
}

#[test]
fn spans_that_follow_from_each_other_on_two_threads_do_not_wait() {
    ends(|| {
        let recorder = SpanRecorder::new();
        with_default(&recorder, |_| {
            let (one, two) = (info_span!("one"), info_span!("two"));
            std::thread::scope(|scope| {
                for (span, cause) in [(&one, &two), (&two, &one)] {
                    scope.spawn(move || {
                        for _ in 0..1_000 {
                            span.follows_from(cause);
                        }
                    });
                }
            });
        });
        for span in recorder.take() {
            assert_eq!(span.links().len(), 128);
            assert_eq!(span.dropped_links(), 1_000 - 128);
        }
    });
}

#[test]
fn a_name_that_comes_late_counts() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job", otel.name = Empty).entered();
        drop(info_span!("step"));
        job.record("otel.name", "GET /users/{id}");
    });
    assert_eq!(recorder.take().pop().unwrap().name(), "GET /users/{id}");
}

#[test]
fn the_description_of_a_failure_stays() {
    #[tracing::instrument(err)]
    fn reserve() -> Result<(), &'static str> {
        Err("stock is empty")
    }

    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| reserve().is_err());
    assert_eq!(
        *recorder.take_one().status(),
        Status::error("stock is empty")
    );
}

#[test]
fn a_status_code_without_description_leaves_the_description() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!(
            "job",
            otel.status_code = Empty,
            otel.status_description = Empty
        );
        job.record("otel.status_description", "stock is empty");
        job.record("otel.status_code", "ERROR");
    });
    assert_eq!(
        *recorder.take_one().status(),
        Status::error("stock is empty")
    );
}

#[test]
fn a_span_that_lasts_holds_a_bounded_number_of_events() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let _job = info_span!("job").entered();
        for number in 0..10_000 {
            info!(number, "still here");
        }
    });
    let job = recorder.take_one();
    assert_eq!(
        (job.events().len(), job.dropped_events()),
        (128, 10_000 - 128)
    );
}

#[test]
fn a_span_that_ends_with_its_thread_hurts_nobody() {
    thread_local! {
        static LAST: RefCell<Vec<tracing::span::EnteredSpan>> = const { RefCell::new(Vec::new()) };
    }

    let recorder = SpanRecorder::new();
    let dispatch: Dispatch = dispatch(TracingLayer::new(recorder.tracer("shop")));
    std::thread::spawn(move || {
        tracing::dispatcher::with_default(&dispatch, || {
            LAST.with_borrow_mut(|last| last.push(info_span!("last").entered()));
        });
    })
    .join()
    .unwrap();
    let _ = recorder.wait_for(1, LIMIT);
}
