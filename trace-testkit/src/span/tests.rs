use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_core_ctx::span::SpanBuilder;

use super::*;
use crate::SpanRecorder;

fn recorded(change: impl FnOnce(SpanBuilder<'_>) -> SpanBuilder<'_>) -> RecordedSpan {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    change(tracer.span("checkout")).start().end();
    recorder.take_one()
}

fn failure<T>(check: impl FnOnce() -> T) -> String {
    *catch_unwind(AssertUnwindSafe(check))
        .err()
        .expect("it passed")
        .downcast::<String>()
        .unwrap()
}

#[test]
fn other_attributes_are_shown_as_a_difference() {
    let span = recorded(|span| {
        span.attribute("a", 1)
            .attribute("b", "x")
            .attribute("d", true)
    });
    let message = failure(|| {
        span.assert_attributes(&[("a", 1.into()), ("b", "y".into()), ("c", 2.5.into())]);
    });
    assert_eq!(
        message,
        "`checkout` has other attributes than expected (- expected, + recorded):\n  \
         a = 1\n- b = \"y\"\n+ b = \"x\"\n- c = 2.5\n+ d = true\n"
    );
}

#[test]
fn a_number_written_as_text_is_another_attribute() {
    let span = recorded(|span| span.attribute("port", "80"));
    let message = failure(|| span.assert_attributes(&[("port", 80.into())]));
    assert!(
        message.contains("- port = 80\n+ port = \"80\""),
        "{message}"
    );
    assert!(failure(|| span.int("port")).contains("`port` is Str(\"80\") and not a whole number"));
}

#[test]
fn a_key_recorded_twice_is_found() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    tracer.span("checkout").start().end_with(|span| {
        span.set_new("a", 1);
        span.set_new("a", 1);
    });
    let span = recorder.take_one();
    assert!(failure(|| span.assert_attributes(&[("a", 1.into())])).contains("+ a = 1\n+ a = 1"));
    assert!(failure(|| span.assert_has(&[("a", 1.into())])).contains("+ a = 1\n+ a = 1"));
}

#[test]
fn a_part_of_the_attributes_is_enough_for_has() {
    let span = recorded(|span| span.attribute("a", 1).attribute("b", "x"));
    span.assert_has(&[("b", "x".into())]);
    span.assert_has(&[]);
    let message = failure(|| span.assert_has(&[("b", "y".into()), ("c", 2.into())]));
    assert_eq!(
        message,
        "`checkout` does not have these attributes (- expected, + recorded):\n\
         - b = \"y\"\n+ b = \"x\"\n- c = 2\nin\n\
         internal checkout  0ms +0ms\n    a = 1\n    b = \"x\"\n"
    );
}

#[test]
fn an_absent_attribute_is_named_with_the_span() {
    let span = recorded(|span| span.attribute("a", 1));
    let message = failure(|| span.str("b").len());
    assert_eq!(
        message,
        "there is no `b` in\ninternal checkout  0ms +0ms\n    a = 1\n"
    );
}

#[test]
fn failed_wants_a_status_and_an_error_type() {
    let span = recorded(|span| span.attribute("error.type", "timeout"));
    assert!(failure(|| span.assert_failed("timeout")).starts_with("the status is no error"));
    assert!(failure(|| span.assert_unset()).contains("`error.type`"));
}
