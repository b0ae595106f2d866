//! From spans as they are recorded to spans as they are drawn.

use std::fmt::Write as _;

use trace_pipeline::exporter::ExportedSpan;
use tracing_core_ctx::attribute::{Attributes, Value, ValueRef};
use tracing_core_ctx::{SpanRecord, semconv, span};

use crate::draw::{Event, Link, Outcome, Span};

impl From<&ExportedSpan> for Span {
    fn from(exported: &ExportedSpan) -> Self {
        let record = &exported.record;
        let outcome = outcome(record);
        Self {
            service: printable(exported.resource.service_name()),
            name: printable(record.name()),
            trace: record.span_context().trace_id(),
            id: record.span_context().span_id(),
            parent: record.parent(),
            kind: record.kind(),
            is_repeated: record
                .attributes()
                .get(semconv::HTTP_REQUEST_RESEND_COUNT.name())
                .is_some(),
            start: record.start().as_unix_nanos(),
            end: record.end().as_unix_nanos(),
            outcome,
            label: label(record, outcome),
            events: record.events().iter().map(event).collect(),
            links: record.links().iter().map(link).collect(),
        }
    }
}

fn outcome(record: &SpanRecord) -> Outcome {
    let attributes = record.attributes();
    let is = |key: &str, value| text(attributes, key) == Some(value);
    let is_cancelled = is(semconv::CTX_OUTCOME.name(), semconv::ctx_outcome::CANCELLED);
    // A client of gRPC has failed by that, too, and by nothing else.
    let failed = record.status().is_error()
        && !(is_cancelled
            && is(
                semconv::ERROR_TYPE.name(),
                semconv::rpc_grpc_status_code::CANCELLED,
            ));
    if failed {
        Outcome::Failed
    } else if is_cancelled {
        Outcome::Cancelled
    } else if status_code(attributes).is_some_and(|code| (400..500).contains(&code))
        || rpc_status(attributes).is_some_and(|code| code != semconv::rpc_grpc_status_code::OK)
    {
        Outcome::Refused
    } else {
        Outcome::Unremarkable
    }
}

fn label(record: &SpanRecord, outcome: Outcome) -> String {
    let attributes = record.attributes();
    if outcome == Outcome::Cancelled {
        return semconv::ctx_outcome::CANCELLED.into();
    }
    if let Some(code) = status_code(attributes) {
        return code.to_string();
    }
    if let Some(code) = rpc_status(attributes) {
        return printable(code);
    }
    if let Some(settlement) = text(attributes, semconv::CTX_MESSAGE_SETTLEMENT.name()) {
        return printable(settlement);
    }
    // Of the path of a type its last part says enough.
    let error = text(attributes, semconv::ERROR_TYPE.name()).unwrap_or_default();
    printable(last_part(error, "::"))
}

fn event(event: &span::Event) -> Event {
    let mut text = printable(&event.name);
    for (key, value) in &event.attributes {
        // The name of the event says which `status_code` or `message` it is. Writing to a string does not fail.
        let _ = write!(
            text,
            " {}={}",
            printable(last_part(key, ".")),
            printable(&print(value))
        );
    }
    Event {
        time: event.time.as_unix_nanos(),
        text,
    }
}

fn link(link: &span::Link) -> Link {
    Link {
        trace: link.span_context.trace_id(),
        span: link.span_context.span_id(),
        label: String::new(),
        sent: None,
    }
}

fn status_code(attributes: &Attributes) -> Option<i64> {
    attributes
        .get(semconv::HTTP_RESPONSE_STATUS_CODE.name())
        .and_then(ValueRef::as_i64)
}

fn rpc_status(attributes: &Attributes) -> Option<&str> {
    text(attributes, semconv::RPC_STATUS_CODE.name())
}

fn text<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    attributes.get(key).and_then(ValueRef::as_str)
}

fn print(value: ValueRef<'_>) -> String {
    match value.to_value() {
        Value::Bool(flag) => flag.to_string(),
        Value::F64(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::Str(text) => text.into_owned(),
        other => format!("{other:?}"),
    }
}

fn last_part<'a>(path: &'a str, separator: &str) -> &'a str {
    path.rsplit(separator).next().unwrap_or_default()
}

/// What comes from a request must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use trace_pipeline::Pipeline;
    use trace_pipeline::exporter::InMemory;
    use tracing_core_ctx::Tracer;

    use super::*;

    /// The one span that `record` makes, as it is drawn.
    fn drawn(record: impl FnOnce(&Tracer)) -> Result<Span, Box<dyn Error>> {
        let spans = InMemory::default();
        let pipeline = Pipeline::builder()
            .service("orders")
            .exporter(spans.clone())
            .build()?;
        record(pipeline.tracer());
        pipeline.flush(Duration::from_secs(5))?;
        Ok(Span::from(spans.take().first().ok_or("no span")?))
    }

    #[test]
    fn a_failure_is_labelled_by_its_status_code_or_else_by_its_type() -> Result<(), Box<dyn Error>>
    {
        let span = drawn(|tracer| {
            let span = tracer.span("POST /orders").start();
            span.set(semconv::HTTP_RESPONSE_STATUS_CODE, 503);
            span.fail("503", "");
        })?;
        assert_eq!((span.outcome, &*span.label), (Outcome::Failed, "503"));
        let span = drawn(|tracer| {
            tracer
                .span("charge")
                .start()
                .fail("shop::payment::Declined", "");
        })?;
        assert_eq!((span.outcome, &*span.label), (Outcome::Failed, "Declined"));
        Ok(())
    }

    #[test]
    fn a_refusal_is_no_failure_unless_the_span_says_so() -> Result<(), Box<dyn Error>> {
        let answered = |code: i64| {
            drawn(move |tracer| {
                tracer
                    .span("GET")
                    .start()
                    .set(semconv::HTTP_RESPONSE_STATUS_CODE, code);
            })
        };
        assert_eq!(answered(404)?.outcome, Outcome::Refused);
        assert_eq!(answered(204)?.outcome, Outcome::Unremarkable);
        Ok(())
    }

    #[test]
    fn a_call_is_labelled_by_its_code_and_a_cancelled_one_has_not_failed()
    -> Result<(), Box<dyn Error>> {
        let ended = |code: &'static str, failed: bool| {
            drawn(move |tracer| {
                let span = tracer.span("shop.v1.Payment/Charge").start();
                span.set(semconv::RPC_STATUS_CODE, code);
                if code == "CANCELLED" {
                    span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
                }
                if failed {
                    span.fail(code, "");
                }
            })
        };
        for (code, failed, outcome, label) in [
            ("OK", false, Outcome::Unremarkable, "OK"),
            ("NOT_FOUND", false, Outcome::Refused, "NOT_FOUND"),
            ("NOT_FOUND", true, Outcome::Failed, "NOT_FOUND"),
            ("CANCELLED", true, Outcome::Cancelled, "cancelled"),
            ("CANCELLED", false, Outcome::Cancelled, "cancelled"),
        ] {
            let span = ended(code, failed)?;
            assert_eq!(
                (span.outcome, &*span.label),
                (outcome, label),
                "{code} {failed}"
            );
        }
        Ok(())
    }

    #[test]
    fn what_was_cancelled_says_so_whatever_its_status_was() -> Result<(), Box<dyn Error>> {
        let span = drawn(|tracer| {
            let span = tracer.span("GET /stock").start();
            span.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
            span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
        })?;
        assert_eq!(
            (span.outcome, &*span.label),
            (Outcome::Cancelled, "cancelled")
        );
        Ok(())
    }

    #[test]
    fn an_event_is_its_name_and_the_last_parts_of_its_keys() -> Result<(), Box<dyn Error>> {
        let span = drawn(|tracer| {
            let span = tracer.span("reserve").start();
            span.event("retry", |event| {
                event.set(semconv::HTTP_RESPONSE_STATUS_CODE, 503);
                event.set("shop.item", "sofa");
            });
        })?;
        assert_eq!(span.events[0].text, "retry status_code=503 item=sofa");
        Ok(())
    }

    #[test]
    fn nothing_recorded_can_steer_the_terminal() -> Result<(), Box<dyn Error>> {
        let span = drawn(|tracer| {
            let span = tracer.span("a\u{1b}[2Jb").start();
            span.event("c\r\n", |event| event.set("shop.item", "\u{9b}31m"));
        })?;
        let texts = [span.name, span.events[0].text.clone()];
        assert!(
            !texts.iter().any(|text| text.chars().any(char::is_control)),
            "{texts:?}"
        );
        Ok(())
    }
}
