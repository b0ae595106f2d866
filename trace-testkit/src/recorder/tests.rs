use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// The message that a test would fail with.
fn failure<T>(test: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test))
        .err()
        .expect("it passed");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn a_span_that_was_not_taken_fails_the_test() {
    let message = failure(|| {
        let recorder = SpanRecorder::new();
        recorder.tracer("shop").span("checkout").start().end();
    });
    assert_eq!(
        message,
        "the test does not account for all spans\n1 recorded and not taken:\ninternal checkout  0ms +0ms\n"
    );
}

#[test]
fn a_span_that_is_still_open_fails_the_test() {
    let mut open = None;
    let message = failure(|| {
        let recorder = SpanRecorder::new();
        open = Some(recorder.tracer("shop").span("checkout").start());
    });
    assert_eq!(
        message,
        "the test does not account for all spans\n1 started and not ended"
    );
}

#[test]
fn a_span_that_ends_twice_fails_the_test() {
    #[derive(Debug)]
    struct Twice<S>(S);

    impl<S: SpanSink> SpanSink for Twice<S> {
        fn started(&self) {
            self.0.started();
        }

        fn submit(&self, span: tracing_core_ctx::SpanRecord) {
            self.0.submit(span.clone());
            self.0.submit(span);
        }
    }

    let recorder = SpanRecorder::new();
    let tracer = recorder
        .tracer_builder("shop")
        .sink(Twice(recorder.sink("shop")))
        .build();
    tracer.span("checkout").start().end();
    assert!(failure(|| recorder.take()).contains("`checkout` ended twice"));
    assert!(failure(|| drop(recorder)).contains("`checkout` ended twice"));
}

#[test]
fn a_failing_test_is_not_failed_twice() {
    let message = failure(|| {
        let recorder = SpanRecorder::new();
        recorder.tracer("shop").span("checkout").start().end();
        panic!("the real reason");
    });
    assert_eq!(message, "the real reason");
}

#[test]
fn what_is_ignored_does_not_fail() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    tracer.span("one").start().end();
    recorder.ignore();
    let _open = tracer.span("two").start();
    drop(recorder);
}

#[test]
fn take_one_says_what_there_was() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    assert!(failure(|| recorder.take_one()).contains("expected one span, got 0"));
    tracer.span("one").start().end();
    tracer.span("two").start().end();
    let message = failure(|| recorder.take_one());
    assert!(message.contains("expected one span, got 2"), "{message}");
    assert!(
        message.contains("internal one") && message.contains("internal two"),
        "{message}"
    );
}

#[test]
fn a_span_taken_by_its_name_leaves_the_others_in_order() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    for name in ["a", "b", "c"] {
        tracer.span(name).start().end();
    }
    assert_eq!(recorder.take_named("b").name(), "b");
    let rest = recorder.take();
    assert_eq!(
        rest.iter().map(|span| span.name()).collect::<Vec<_>>(),
        ["a", "c"]
    );
}

#[test]
fn a_name_of_no_span_or_of_two_fails_with_what_there_was() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let open = tracer.span("open").start();
    let root = tracer.span("a").start();
    root.in_scope(|| tracer.span("a").start().end());
    root.end();
    assert_eq!(
        failure(|| recorder.take_named("open")),
        "expected one span `open`, got 0\ninternal a  0ms +0ms\n  internal a  0ms +0ms\n(1 still open)"
    );
    assert!(failure(|| recorder.take_named("a")).starts_with("expected one span `a`, got 2\n"));
    open.end();
    assert_eq!(recorder.take().len(), 3, "a failure takes nothing");
}

#[test]
fn spans_of_other_threads_are_waited_for() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let span = tracer.span("elsewhere").start();
    let thread = std::thread::spawn(move || span.end());
    let spans = recorder.wait_for(1, LIMIT);
    assert_eq!(spans[0].name(), "elsewhere");
    thread.join().unwrap();
}

#[test]
fn waiting_for_more_than_there_is_fails_with_what_there_is() {
    let recorder = SpanRecorder::new();
    recorder.tracer("shop").span("one").start().end();
    let message = failure(|| recorder.wait_for(2, Duration::from_millis(1)));
    assert!(
        message.contains("expected 2 spans within 1ms, got 1; 0 open\ninternal one"),
        "{message}"
    );
    recorder.ignore();
}

#[tokio::test]
async fn spans_of_other_tasks_are_waited_for_and_later_ones_stay() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    for name in ["one", "two"] {
        let span = tracer.span(name).start();
        tokio::spawn(async move { span.end() });
    }
    assert_eq!(recorder.wait_for_async(1, LIMIT).await[0].name(), "one");
    assert_eq!(recorder.wait_for_async(1, LIMIT).await[0].name(), "two");
}

#[test]
fn services_share_ids_and_keep_their_names() {
    let recorder = SpanRecorder::new();
    let (shop, bank) = (recorder.tracer("shop"), recorder.tracer("bank"));
    shop.span("a").start().end();
    bank.span("b").start().end();
    let spans = recorder.take();
    assert_eq!([spans[0].service(), spans[1].service()], ["shop", "bank"]);
    assert_ne!(spans[0].span_id(), spans[1].span_id());
}
