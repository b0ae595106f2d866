//! The lines for whoever checks: a word, then JSON.

use std::borrow::Cow;
use std::io::{self, Write as _};

use queue_trace::QueueTracer;
use serde::Serialize;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::{SpanKind, SpanRecord};

/// A header of a message, as it was on the wire.
#[derive(Debug, Serialize)]
pub(crate) struct Header<'a> {
    pub(crate) key: &'a str,
    /// `null` if it is; what is no UTF-8 is replaced.
    pub(crate) value: Option<Cow<'a, str>>,
    #[serde(rename = "type")]
    pub(crate) wire_type: Cow<'a, str>,
}

/// A span that has ended.
#[derive(Debug, Serialize)]
struct Span<'a> {
    name: &'a str,
    kind: &'static str,
    trace_id: String,
    span_id: String,
    parent: Option<String>,
    links: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// What a run with `--persist` came to.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
    /// Different messages.
    pub(crate) messages: usize,
    /// Messages with all that came or went more than once.
    pub(crate) deliveries: usize,
    /// How often something was tried again.
    pub(crate) failures: usize,
}

/// Which headers are of traces: those that are written, and those that everybody knows.
#[derive(Clone, Debug)]
pub(crate) struct TraceHeaders(Vec<&'static str>);

impl TraceHeaders {
    pub(crate) fn of(queue: &QueueTracer) -> Self {
        let mut names = queue.tracer().propagator().fields();
        names.extend(["traceparent", "tracestate", "baggage"]);
        Self(names)
    }

    /// Prints a header if it is one of them.
    pub(crate) fn print(&self, header: &Header<'_>) {
        let is_one = |name: &&str| name.eq_ignore_ascii_case(header.key);
        if self.0.iter().any(is_one) {
            line("HEADER", header);
        }
    }
}

impl Count {
    pub(crate) fn print(&self) {
        line("COUNT", self);
    }
}

pub(crate) fn print_span(span: &SpanRecord) {
    let error = match span.attributes().get("error.type") {
        Some(ValueRef::Str(error)) => Some(error),
        _ => span.status().is_error().then_some("_OTHER"),
    };
    let links = span.links().iter().map(|link| {
        let linked = &link.span_context;
        format!("{}-{}", linked.trace_id(), linked.span_id())
    });
    line(
        "SPAN",
        &Span {
            name: span.name(),
            kind: match span.kind() {
                SpanKind::Internal => "INTERNAL",
                SpanKind::Server => "SERVER",
                SpanKind::Client => "CLIENT",
                SpanKind::Producer => "PRODUCER",
                SpanKind::Consumer => "CONSUMER",
            },
            trace_id: span.span_context().trace_id().to_string(),
            span_id: span.span_context().span_id().to_string(),
            parent: span.parent().map(|parent| parent.to_string()),
            links: links.collect(),
            error,
        },
    );
}

fn line(word: &str, what: &impl Serialize) {
    match serde_json::to_string(what) {
        Ok(json) => say(&format!("{word} {json}")),
        Err(error) => complain(&format!("queue-peer: {error}")),
    }
}

/// Writes a line, unless nobody reads any more.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
