use std::sync::{Arc, Mutex};

use tracing_core_ctx::span::Link;
use tracing_core_ctx::{SpanContext, TraceFlags};

use super::*;
use crate::test_spans::recorded;

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_span_is_a_line_and_nothing_in_it_starts_another() {
    let time = Timestamp::from_unix_nanos;
    let linked = SpanContext::new(
        "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
        "b7ad6b7169203331".parse().unwrap(),
        TraceFlags::SAMPLED,
    );
    let spans = recorded(|tracer| {
        let span = tracer
            .span("GET\n/orders")
            .kind(SpanKind::Server)
            .start_time(time(1_763_698_387_123_456_789))
            .link(Link::new(linked))
            .start();
        span.set("shop.note", "a\nb");
        span.set("shop.items", 3);
        span.event_at(time(1_763_698_387_127_556_789), "checked", |event| {
            event.set("ok", true);
        });
        span.set_status(Status::error("stock is \"empty\""));
        span.end_at(time(1_763_698_387_135_756_789));
    });
    let resource = Arc::new(Resource::new("orders"));
    let out = Out::default();
    let batch = Batch::new(&resource, &spans, Duration::from_secs(1));
    Console::new(out.clone()).export(&batch).unwrap();
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let cx = spans[0].span_context();
    let expected = [
        r"2025-11-21T04:13:07.123456Z orders server GET\n/orders 12.3ms",
        r#" error="stock is \"empty\"" "#,
        &format!("{}/{}", cx.trace_id(), cx.span_id()),
        r#" shop.note="a\nb" shop.items=3"#,
        "\n  + 4.1ms checked ok=true\n",
        "  ~ 0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331\n",
    ];
    assert_eq!(text, expected.concat());
}

#[test]
fn a_failure_is_told_by_type_and_description_as_far_as_there_are_any() {
    for (error_type, description, expected) in [
        (None, "", " error "),
        (None, "stock is empty", " error=\"stock is empty\" "),
        (Some("500"), "", " error=500 "),
        (Some("a\nb"), "c", " error=a\\nb \"c\" "),
    ] {
        let spans = recorded(|tracer| {
            let span = tracer.span("failed").start();
            if let Some(error_type) = error_type {
                span.set(semconv::ERROR_TYPE, error_type);
            }
            span.set_status(Status::error(description));
            span.end();
        });
        let mut text = String::new();
        write_span(&mut text, &Resource::new("orders"), &spans[0]).unwrap();
        let trace_id = spans[0].span_context().trace_id();
        assert!(text.contains(&format!("{expected}{trace_id}/")), "{text}");
    }
}

#[test]
fn a_child_names_its_parent() {
    let spans = recorded(|tracer| {
        let parent = tracer.span("parent").start();
        tracer.span("child").parent(&parent.context()).start().end();
    });
    let mut text = String::new();
    write_span(&mut text, &Resource::new("orders"), &spans[0]).unwrap();
    assert!(
        text.ends_with(&format!(" < {}\n", spans[1].span_context().span_id())),
        "{text}"
    );
}

#[test]
fn days_of_leap_years_are_right() {
    for (day, date) in [
        (0, (1970, 1, 1)),
        (59, (1970, 3, 1)),
        (11_016, (2000, 2, 29)),
        (11_017, (2000, 3, 1)),
        (19_782, (2024, 2, 29)),
        (20_453, (2025, 12, 31)),
        (47_541, (2100, 3, 1)),
    ] {
        assert_eq!(civil(day), date, "{day}");
    }
}

#[test]
fn an_output_that_fails_is_an_error_and_no_panic() {
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let spans = recorded(|tracer| tracer.span("lost").start().end());
    let resource = Arc::new(Resource::new("orders"));
    let batch = Batch::new(&resource, &spans, Duration::from_secs(1));
    let error = Console::new(Broken).export(&batch).unwrap_err();
    assert_eq!(error.lost(1), 1);
}
