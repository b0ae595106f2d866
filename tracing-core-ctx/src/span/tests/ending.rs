//! A span ends once, however it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;

#[test]
fn a_span_ends_by_being_told_to_or_by_being_dropped_and_never_twice() {
    let bench = Bench::new();
    bench.span().end();
    bench.only();
    bench.span().end_at(at(3_000));
    bench.only();
    bench.span().end_with(|_| {});
    bench.only();
    drop(bench.span());
    bench.only();
    assert_eq!(bench.sink.starts(), 4);
}

#[test]
fn neither_handles_nor_contexts_keep_a_span_from_ending() {
    let bench = Bench::new();
    let span = bench.span();
    let (handle, cx) = (span.handle().clone(), span.context());
    assert!(handle.is_recording());
    drop(span);
    bench.only();
    assert!(!handle.is_recording());
    drop((handle, cx));
    assert!(bench.all().is_empty());
}

#[test]
fn a_span_ends_on_another_thread() {
    let bench = Bench::new();
    let span = bench.span();
    span.in_scope(|| thread::scope(|scope| scope.spawn(|| span.set("there", 1)).join().unwrap()));
    thread::spawn(move || span.end()).join().unwrap();
    assert!(bench.only().attributes().get("there").is_some());
}

#[test]
fn late_writes_are_ignored_and_counted() {
    let bench = Bench::new();
    let span = bench.span();
    let handle = span.handle().clone();
    span.end();
    handle.set("key", 1);
    handle.update_name("late");
    handle.set_status(Status::Ok);
    handle.event("late", |_| panic!("nobody listens"));
    handle.event_at(at(5), "late", |_| panic!("nobody listens"));
    handle.link(span_context(9, TraceFlags::NONE));
    handle.fail("timeout", "");
    handle.record_failure(&std::fmt::Error);
    handle.record_handled(&std::fmt::Error);
    assert_eq!(bench.late_writes(), 9);
    let record = bench.only();
    assert_eq!(record.name(), "span");
    assert!(
        record.attributes().is_empty() && record.events().is_empty() && record.links().is_empty()
    );
}

#[test]
fn writes_of_four_threads_are_kept_or_counted_while_a_fifth_ends_the_span() {
    const WRITES: usize = 2_000;
    let bench = Bench::new();
    for _ in 0..20 {
        let late_before = bench.late_writes();
        let span = bench.span();
        let handle = span.handle().clone();
        let go = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..WRITES {
                        handle.event("written", |_| {});
                        if n == WRITES / 4 {
                            go.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
            scope.spawn(|| {
                while !go.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                span.end();
            });
        });
        let record = bench.only();
        let late = usize::try_from(bench.late_writes() - late_before).unwrap();
        assert_eq!(
            record.events().len() + record.dropped_events() as usize + late,
            4 * WRITES
        );
    }
}

#[test]
fn explicit_times_are_kept_and_an_end_is_never_before_the_start() {
    let bench = Bench::new();
    bench
        .tracer
        .span("span")
        .start_time(at(10))
        .start()
        .end_at(at(30));
    let record = bench.only();
    assert_eq!((record.start(), record.end()), (at(10), at(30)));
    bench
        .tracer
        .span("span")
        .start_time(at(10))
        .start()
        .end_at(at(5));
    let record = bench.only();
    assert_eq!((record.start(), record.end()), (at(10), at(10)));
    // A start in the future of the clock.
    drop(bench.tracer.span("span").start_time(at(9_000)).start());
    let record = bench.only();
    assert_eq!((record.start(), record.end()), (at(9_000), at(9_000)));
}

#[test]
fn describing_the_end_does_not_lengthen_the_span() {
    let bench = Bench::new();
    let span = bench.span();
    bench.clock.set(2_000);
    span.end_with(|_| bench.clock.set(3_000));
    assert_eq!(bench.only().end(), at(2_000));
}

#[test]
fn a_panic_in_the_scope_of_a_span_is_its_failure() {
    let bench = Bench::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let span = bench.span();
        span.in_scope(|| panic!("on purpose"));
    }));
    assert!(panicked.is_err());
    assert_eq!(Context::current().span_context(), None);
    let record = bench.only();
    assert!(record.status().is_error());
    assert_eq!(text(record.attributes(), "error.type"), Some("panic"));
}

#[test]
fn a_span_of_a_destructor_is_not_blamed_for_the_panic_that_runs_it() {
    struct Rollback<'a>(&'a Bench);

    impl Drop for Rollback<'_> {
        fn drop(&mut self) {
            drop(self.0.tracer.span("rollback").start());
        }
    }

    let bench = Bench::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _rollback = Rollback(&bench);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    let record = bench.only();
    assert_eq!(
        (record.name(), record.status()),
        ("rollback", &Status::Unset)
    );
}

#[test]
fn a_span_whose_last_description_panics_has_ended_as_a_failure() {
    let bench = Bench::new();
    let span = bench.span();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        span.end_with(|span| {
            span.set("before", 1);
            panic!("on purpose");
        });
    }));
    assert!(panicked.is_err());
    let record = bench.only();
    assert!(record.attributes().get("before").is_some());
    assert_eq!(text(record.attributes(), "error.type"), Some("panic"));
}

#[test]
fn a_span_whose_first_description_panics_has_not_started() {
    let bench = Bench::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        drop(
            bench
                .tracer
                .span("span")
                .start_with(|_| panic!("on purpose")),
        );
    }));
    assert!(panicked.is_err());
    assert_eq!(bench.sink.starts(), 0);
    assert!(bench.all().is_empty());
}

#[test]
fn a_sink_that_panics_hurts_nobody_not_even_while_a_panic_unwinds() {
    #[derive(Debug)]
    struct Broken;

    impl SpanSink for Broken {
        fn submit(&self, _: SpanRecord) {
            panic!("on purpose: the sink");
        }
    }

    let tracer = Tracer::builder().sink(Broken).build();
    tracer.span("span").start().end();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _span = tracer.span("span").start();
        panic!("on purpose");
    }));
    assert!(
        panicked
            .unwrap_err()
            .downcast_ref()
            .is_some_and(|text: &&str| *text == "on purpose")
    );
}

#[test]
fn a_span_can_start_and_end_while_its_thread_is_torn_down() {
    struct Last(std::cell::RefCell<Option<Tracer>>);

    impl Drop for Last {
        fn drop(&mut self) {
            let tracer = self.0.take().unwrap();
            let span = tracer.span("last").start();
            span.in_scope(|| drop(Span::child("words")));
            span.end();
        }
    }

    thread_local! {
        static LAST: Last = const { Last(std::cell::RefCell::new(None)) };
    }

    let sink = Arc::new(Recorder::default());
    let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
    thread::spawn(move || {
        LAST.with(|last| last.0.replace(Some(tracer.clone())));
        // After it, so that they are gone before it.
        drop(tracer.span("first").start().context().attach());
    })
    .join()
    .unwrap();
    let names: Vec<_> = sink
        .ended
        .lock()
        .unwrap()
        .iter()
        .map(|span| span.name().to_owned())
        .collect();
    assert_eq!(names.first().map(String::as_str), Some("first"));
    assert_eq!(names.last().map(String::as_str), Some("last"));
}

#[test]
fn a_span_that_is_kept_ends_where_it_lies_and_once() {
    let bench = Bench::new();
    let mut span = bench.span();
    assert!(span.is_open());
    span.end_at_with(Some(at(3_000)), |span| span.set("how", "told"));
    assert!(!span.is_open());
    span.end_at_with(None, |span| span.set("how", "again"));
    drop(span);
    let record = bench.only();
    assert_eq!(record.end(), at(3_000));
    assert_eq!(text(record.attributes(), "how"), Some("told"));
}
