//! Spans of futures.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Poll, Waker};

use super::*;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

async fn pause() {
    let mut paused = false;
    poll_fn(|_| {
        if std::mem::replace(&mut paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn outcome(record: &SpanRecord) -> Option<&str> {
    text(record.attributes(), "ctx.outcome")
}

#[test]
fn a_span_ends_with_its_future() {
    let bench = Bench::new();
    let span = bench.span();
    let id = span.span_context().cloned();
    let mut future = pin!(
        async {
            let first = SpanRef::current();
            pause().await;
            SpanRef::current().set("inside", 1);
            (
                first.span_context().cloned(),
                SpanRef::current().span_context().cloned(),
            )
        }
        .in_span(span)
    );
    assert!(poll(future.as_mut()).is_pending());
    assert!(bench.all().is_empty());
    bench.clock.set(2_000);
    assert_eq!(poll(future.as_mut()), Poll::Ready((id.clone(), id)));
    let record = bench.only();
    assert_eq!(record.end(), at(2_000));
    assert_eq!(record.status(), &Status::Unset);
    assert_eq!(outcome(&record), None);
    assert!(record.attributes().get("inside").is_some());
}

#[test]
fn a_future_that_is_dropped_is_cancelled_and_no_failure() {
    let bench = Bench::new();
    drop(async {}.in_span(bench.span()));
    let never_polled = bench.only();
    let mut future = Box::pin(pause().in_span(bench.span()));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    for record in [never_polled, bench.only()] {
        assert_eq!(outcome(&record), Some("cancelled"));
        assert_eq!(record.status(), &Status::Unset);
    }
}

#[test]
fn a_finished_future_that_is_dropped_later_ends_nothing() {
    let bench = Bench::new();
    let mut future = Box::pin(async {}.in_span(bench.span()));
    assert!(poll(future.as_mut()).is_ready());
    bench.only();
    drop(future);
    assert!(bench.all().is_empty());
    assert_eq!(bench.late_writes(), 0);
}

#[test]
fn what_a_cancelled_future_held_is_dropped_before_its_span_ends() {
    struct Writes;

    impl Drop for Writes {
        fn drop(&mut self) {
            SpanRef::current().set("in.drop", 1);
            Span::child("clean up").end();
        }
    }

    let bench = Bench::new();
    let mut future = Box::pin(
        async {
            let _writes = Writes;
            let _child = Span::child("child");
            pause().await;
        }
        .in_span(bench.span()),
    );
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    let all = bench.all();
    let names: Vec<_> = all.iter().map(SpanRecord::name).collect();
    assert_eq!(names, ["child", "clean up", "span"]);
    assert!(all[2].attributes().get("in.drop").is_some());
    assert_eq!(bench.late_writes(), 0);
}

#[test]
fn a_future_that_panics_has_failed_whoever_catches_the_panic() {
    let bench = Bench::new();
    // The future is dropped after the panic was caught, as `catch_unwind` of futures-util does it.
    let mut future = Box::pin(
        async {
            pause().await;
            panic!("on purpose");
        }
        .in_span(bench.span()),
    );
    assert!(poll(future.as_mut()).is_pending());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _: Poll<()> = poll(future.as_mut());
    }));
    assert!(panicked.is_err());
    let record = bench.only();
    assert_eq!(text(record.attributes(), "error.type"), Some("panic"));
    assert_eq!(outcome(&record), None);
    drop(future);
    assert!(bench.all().is_empty());
}

#[test]
fn a_future_that_the_panic_of_another_one_drops_is_cancelled() {
    let bench = Bench::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut future = Box::pin(pause().in_span(bench.span()));
        assert!(poll(future.as_mut()).is_pending());
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    let record = bench.only();
    assert_eq!(outcome(&record), Some("cancelled"));
    assert_eq!(record.status(), &Status::Unset);
}

#[test]
fn a_task_that_panics_or_is_aborted_on_a_runtime_is_told_apart() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let panics = async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        };
        assert!(
            tokio::spawn(panics.in_span(bench.span()))
                .await
                .unwrap_err()
                .is_panic()
        );
        assert_eq!(text(bench.only().attributes(), "error.type"), Some("panic"));

        let task = tokio::spawn(std::future::pending::<()>().in_span(bench.span()));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(outcome(&bench.only()), Some("cancelled"));
    });
}

#[test]
fn a_future_in_no_span_stays_in_the_span_around_it() {
    let bench = Bench::new();
    let span = bench.span();
    let seen = span.in_scope(|| {
        let mut future = pin!(async { SpanRef::current() }.in_span(Span::none()));
        poll(future.as_mut())
    });
    let Poll::Ready(seen) = seen else {
        panic!("pending");
    };
    assert_eq!(seen.span_context(), span.span_context());
    assert!(seen.is_recording());
}

#[test]
fn an_error_that_work_returns_is_the_failure_of_its_span() {
    let bench = Bench::new();
    let refused = || Err::<(), _>(std::io::Error::other("refused"));
    let mut future = pin!(async { refused() }.try_in_span(bench.span()));
    assert!(matches!(poll(future.as_mut()), Poll::Ready(Err(_))));
    let awaited = bench.only();
    let span = bench.span();
    assert!(span.try_in_scope(refused).is_err());
    span.end();
    for record in [awaited, bench.only()] {
        assert_eq!(record.status(), &Status::error("refused"));
        assert_eq!(
            text(record.attributes(), "error.type"),
            Some("std::io::error::Error")
        );
        assert_eq!(record.events().len(), 1);
    }
}

#[test]
fn work_that_says_how_it_failed_or_does_not_fail_is_left_alone() {
    let bench = Bench::new();
    let mut future = pin!(
        async {
            SpanRef::current().fail("sold_out", "none left");
            Err::<(), _>(std::io::Error::other("refused"))
        }
        .try_in_span(bench.span())
    );
    assert!(poll(future.as_mut()).is_ready());
    let failed = bench.only();
    assert_eq!(failed.status(), &Status::error("none left"));
    assert_eq!(text(failed.attributes(), "error.type"), Some("sold_out"));
    let mut future = pin!(async { Ok::<_, std::fmt::Error>(7) }.try_in_span(bench.span()));
    assert_eq!(poll(future.as_mut()), Poll::Ready(Ok(7)));
    assert_eq!(bench.only().status(), &Status::Unset);
    drop(async { Ok::<(), std::fmt::Error>(()) }.try_in_span(bench.span()));
    assert_eq!(outcome(&bench.only()), Some("cancelled"));
}
