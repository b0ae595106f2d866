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
    if record.status().is_error() {
        Outcome::Failed
    } else if text(attributes, semconv::CTX_OUTCOME.name()) == Some(semconv::ctx_outcome::CANCELLED)
    {
        Outcome::Cancelled
    } else if status_code(attributes).is_some_and(|code| (400..500).contains(&code)) {
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
    }
}

fn status_code(attributes: &Attributes) -> Option<i64> {
    attributes
        .get(semconv::HTTP_RESPONSE_STATUS_CODE.name())
        .and_then(ValueRef::as_i64)
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
