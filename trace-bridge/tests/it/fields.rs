//! What a span says.

use std::fmt;

use trace_bridge::{TracingLayer, TracingSpanExt as _};
use trace_testkit::SpanRecorder;
use tracing::field::{Empty, display};
use tracing::info_span;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::limits::SpanLimits;
use tracing_core_ctx::sampler::{Decision, Sampler, Sampling, SamplingInput};
use tracing_core_ctx::{SpanKind, Status};

use crate::support::{dispatch, with_default, with_layer};

#[test]
fn samplers_see_the_fields_of_a_span() {
    #[derive(Debug)]
    struct BySku;

    impl Sampler for BySku {
        fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
            let is = |key, value: &str| input.attributes.get(key) == Some(ValueRef::Str(value));
            let is_wanted = input.attributes.get("sku") == Some(ValueRef::I64(7))
                && is("who", "Some(1)")
                && is("level", "INFO")
                && input.attributes.get("otel.kind").is_none();
            Sampling::new(match is_wanted {
                true => Decision::RecordAndSample,
                false => Decision::Drop,
            })
        }

        fn description(&self) -> std::borrow::Cow<'static, str> {
            "BySku".into()
        }
    }

    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer_builder("shop").sampler(BySku).build();
    tracing::dispatcher::with_default(&dispatch(TracingLayer::new(tracer)), || {
        for sku in [6, 7] {
            drop(info_span!("plain", sku, who = ?Some(1)));
            drop(info_span!("any", sku, who = ?Some(1), otel.kind = "client"));
        }
    });
    let [plain, any] = ["plain", "any"].map(|name| recorder.take_named(name));
    assert_eq!((plain.int("sku"), any.int("sku")), (7, 7));
}

#[test]
fn fields_keep_their_names_and_types() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        drop(info_span!(
            "types",
            a.signed = -3_i64,
            a.small = 3_u16,
            a.unsigned = 7_u64,
            a.largest = u64::MAX,
            a.wide = 5_i128,
            a.widest = u128::MAX,
            a.float = 0.5,
            a.flag = true,
            a.text = "text",
            a.bytes = &[1_u8, 2][..],
            a.debug = ?Some(1),
            a.display = %"shown",
            a.empty = Empty,
        ));
    });
    let span = recorder.take_one();
    assert_eq!(span.int("a.signed"), -3);
    assert_eq!(span.int("a.small"), 3);
    assert_eq!(span.int("a.unsigned"), 7);
    assert_eq!(span.str("a.largest"), "18446744073709551615");
    assert_eq!(span.int("a.wide"), 5);
    assert_eq!(
        span.str("a.widest"),
        "340282366920938463463374607431768211455"
    );
    assert_eq!(span.attr("a.float"), Some(ValueRef::F64(0.5)));
    assert!(span.bool("a.flag"));
    assert_eq!(span.str("a.text"), "text");
    assert_eq!(span.attr("a.bytes"), Some(ValueRef::Bytes(&[1, 2])));
    assert_eq!(span.str("a.debug"), "Some(1)");
    assert_eq!(span.str("a.display"), "shown");
    span.assert_absent("a.empty");
}

#[test]
fn the_place_in_the_code_is_told_by_the_names_of_the_conventions() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| drop(info_span!("place")));
    let span = recorder.take_one();
    assert_eq!(span.str("code.file.path"), file!());
    assert!(span.int("code.line.number") > 0);
    assert_eq!(span.str("target"), module_path!());
    assert_eq!(span.str("level"), "INFO");
    for absent in [
        "code.function.name",
        "code.module.name",
        "thread.id",
        "busy_ns",
    ] {
        span.assert_absent(absent);
    }
}

#[test]
fn every_setting_does_what_it_says() {
    let recorder = SpanRecorder::new();
    let all_off = |layer: TracingLayer| layer.level(false).location(false).target(false);
    with_layer(&recorder, all_off, |_| drop(info_span!("bare")));
    assert_eq!(recorder.take_one().attributes().len(), 0);

    let more = |layer: TracingLayer| {
        all_off(layer)
            .threads(true)
            .function_names(true)
            .busy_and_idle(true)
    };
    with_layer(&recorder, more, |_| {
        let span = info_span!("price");
        recorder.clock().advance(std::time::Duration::from_nanos(5));
        span.in_scope(|| recorder.clock().advance(std::time::Duration::from_nanos(7)));
        recorder.clock().advance(std::time::Duration::from_nanos(9));
    });
    let span = recorder.take_one();
    assert!(span.int("thread.id") > 0);
    assert_eq!(
        span.str("thread.name"),
        std::thread::current().name().unwrap()
    );
    assert_eq!(
        span.str("code.function.name"),
        concat!(module_path!(), "::price")
    );
    assert_eq!(span.int("busy_ns"), 7);
    assert_eq!(span.int("idle_ns"), 14);
    assert_eq!(span.attributes().len(), 5);
}

#[test]
fn the_fields_of_otel_say_how_the_span_is() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        drop(info_span!(
            "request",
            otel.name = "GET /users",
            otel.kind = "SERVER",
            otel.status_code = "error",
            otel.status_description = "no such user",
            otel.other = 1,
        ));
        drop(info_span!("fine", otel.kind = ?SpanKind::Client, otel.status_code = "OK"));
        let late = info_span!("late", otel.name = Empty, otel.status_message = Empty);
        late.record("otel.name", "corrected");
        late.record("otel.status_message", "gone");
    });
    let request = recorder.take_named("GET /users");
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(*request.status(), Status::error("no such user"));
    assert_eq!(request.int("otel.other"), 1);
    request.assert_absent("otel.name");
    request.assert_absent("otel.kind");
    let fine = recorder.take_named("fine");
    assert_eq!(
        (fine.kind(), fine.status()),
        (SpanKind::Client, &Status::Ok)
    );
    let late = recorder.take_named("corrected");
    assert_eq!(*late.status(), Status::error("gone"));
}

#[test]
fn fields_recorded_later_count() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let span = info_span!("job", rows = Empty, user = "nobody");
        span.record("rows", 3);
        span.in_scope(|| {
            tracing::Span::current().record("user", "anna");
        });
        span.record("never declared", 1);
    });
    let span = recorder.take_one();
    assert_eq!(span.int("rows"), 3);
    assert_eq!(span.str("user"), "anna");
    span.assert_absent("never declared");
}

#[test]
fn what_was_not_declared_is_set_on_the_span_itself() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        info_span!("job").span_ref().set("shop.rows", 3);
    });
    assert_eq!(recorder.take_one().int("shop.rows"), 3);
}

#[test]
fn a_field_that_is_an_error_fails_the_span_with_its_causes() {
    #[derive(Debug)]
    struct Refused(fmt::Error);

    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused")
        }
    }

    impl std::error::Error for Refused {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    let recorder = SpanRecorder::new();
    let expected = format!("refused: {}", fmt::Error);
    let error = Refused(fmt::Error);
    with_default(&recorder, |_| {
        drop(info_span!(
            "at once",
            cause = &error as &(dyn std::error::Error + 'static)
        ));
        let later = info_span!("later", cause = Empty);
        later.record("cause", &error as &(dyn std::error::Error + 'static));
    });
    for span in recorder.take() {
        span.assert_failed("_OTHER");
        assert_eq!(*span.status(), Status::error(expected.clone()));
        assert_eq!(span.str("cause"), "refused");
        let exception = &span.event("exception").attributes;
        let message = exception
            .get("exception.message")
            .and_then(ValueRef::as_str);
        assert_eq!(message, Some(&*expected));
    }
}

#[test]
fn a_field_named_error_fails_the_span_unless_it_is_false() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        drop(info_span!("failed", error = "stock is empty"));
        let late = info_span!("failed late", error = Empty);
        late.record("error", display("stock is empty"));
        drop(info_span!("marked", error = true));
        drop(info_span!("fine", error = false));
    });
    for name in ["failed", "failed late"] {
        let span = recorder.take_named(name);
        span.assert_failed("_OTHER");
        assert_eq!(*span.status(), Status::error("stock is empty"));
        assert_eq!(span.str("error"), "stock is empty");
    }
    recorder.take_named("marked").assert_failed("_OTHER");
    recorder.take_named("fine").assert_unset();
}

#[test]
fn limits_hold_and_what_is_over_them_is_counted() {
    let recorder = SpanRecorder::new();
    let mut limits = SpanLimits::default();
    limits.attributes.count = 2;
    limits.attributes.value_length = 4;
    limits.events = 1;
    let tracer = recorder.tracer_builder("shop").limits(limits).build();
    let layer = TracingLayer::new(tracer)
        .level(false)
        .location(false)
        .target(false);
    tracing::dispatcher::with_default(&dispatch(layer), || {
        info_span!("job", a = "abcdefg", b = 2, c = 3).in_scope(|| {
            tracing::info!("first");
            tracing::info!("second");
        });
    });
    let span = recorder.take_one();
    assert_eq!(span.str("a"), "abcd");
    assert_eq!(span.attributes().dropped(), 1);
    assert_eq!((span.events().len(), span.dropped_events()), (1, 1));
}

#[test]
fn a_debug_that_panics_or_gives_up_costs_its_field_and_no_more() {
    struct Bad(bool);

    impl fmt::Debug for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            assert!(self.0, "Debug panics");
            Err(fmt::Error)
        }
    }

    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        drop(info_span!("job", panics = ?Bad(false), gives_up = ?Bad(true), after = 1));
    });
    let span = recorder.take_one();
    span.assert_absent("panics");
    assert_eq!(span.str("gives_up"), "half");
    assert_eq!(span.int("after"), 1);
    span.assert_unset();
}

#[test]
fn a_text_is_at_most_64_kib_and_cut_at_a_character() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        drop(info_span!("job", long = %"→".repeat(40_000)));
    });
    let span = recorder.take_one();
    assert_eq!(span.str("long").len(), 64 * 1024 / 3 * 3);
}
