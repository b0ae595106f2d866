//! Traces drawn as text, for snapshots and for the messages of failed tests.
//!
//! One line for each span: kind, name, start relative to the start of the trace, duration, status. Children stand below their parent, two
//! spaces further in; siblings in the order of their start. Attributes, events and links stand below their span, four spaces in.
//!
//! ```
//! use std::time::Duration;
//!
//! use trace_testkit::{SpanRecorder, render::Drawing};
//! use tracing_core_ctx::{Span, SpanKind};
//!
//! let recorder = SpanRecorder::new();
//! let tracer = recorder.tracer("shop");
//! let pass = |millis| recorder.clock().advance(Duration::from_millis(millis));
//!
//! let server = tracer.span("POST /orders/{id}").kind(SpanKind::Server).start();
//! server.set("http.response.status_code", 500);
//! server.in_scope(|| {
//!     pass(1);
//!     Span::child("read cart").end();
//!     let client = tracer.span("POST").kind(SpanKind::Client).start();
//!     pass(4);
//!     client.event("retry", |event| event.set("attempt", 2));
//!     pass(1);
//!     client.fail("timeout", "the bank does not answer");
//! });
//! server.fail("500", "");
//! server.end();
//!
//! let spans = recorder.take();
//! assert_eq!(
//!     Drawing::new(&spans).attributes(&["http.response.status_code"]).to_string(),
//!     "\
//! server POST /orders/{id}  0ms +6ms  error 500
//!     http.response.status_code = 500
//!   internal read cart  1ms +0ms
//!   client POST  1ms +5ms  error timeout \"the bank does not answer\"
//!       5ms retry { attempt = 2 }
//! "
//! );
//! ```

mod tree;
mod value;

use std::fmt;
use std::time::Duration;

use tracing_core_ctx::span::{Event, Link};
use tracing_core_ctx::{SpanKind, Status, Timestamp};
use tree::{Parent, Row, Trace};
pub(crate) use value::Shown;

use crate::RecordedSpan;

/// Draws spans, without attributes. See the [module docs](self).
#[must_use]
pub fn render(spans: &[RecordedSpan]) -> String {
    Drawing::new(spans).to_string()
}

/// Spans to be drawn; its [`Display`](fmt::Display) is the text. See the [module docs](self).
///
/// When there are several traces, each has a heading with its number, in the order of their starts; when there are several
/// services, each span begins with the name of its own. A parent that is not among the spans is named by its id.
#[derive(Clone, Copy)]
#[must_use = "a drawing is only made when it is displayed"]
pub struct Drawing<'a> {
    spans: &'a [RecordedSpan],
    attributes: Selection<'a>,
}

#[derive(Clone, Copy)]
enum Selection<'a> {
    All,
    Some(&'a [&'a str]),
}

impl<'a> Drawing<'a> {
    /// Draws these spans, in whatever order they come.
    pub const fn new(spans: &'a [RecordedSpan]) -> Self {
        Self {
            spans,
            attributes: Selection::Some(&[]),
        }
    }

    /// Shows these attributes, in this order, where a span has them. Default: none.
    pub const fn attributes(mut self, keys: &'a [&'a str]) -> Self {
        self.attributes = Selection::Some(keys);
        self
    }

    /// Shows all attributes, in the order in which they were set.
    pub const fn all_attributes(mut self) -> Self {
        self.attributes = Selection::All;
        self
    }

    fn names_services(&self) -> bool {
        self.spans
            .windows(2)
            .any(|pair| pair[0].service() != pair[1].service())
    }

    fn draw(
        &self,
        f: &mut fmt::Formatter<'_>,
        row: &Row<'_>,
        start: Timestamp,
        traces: &[Trace<'_>],
    ) -> fmt::Result {
        let (span, indent) = (row.span, row.depth * 2);
        write!(f, "{:indent$}", "")?;
        if self.names_services() {
            write!(f, "{}: ", span.service())?;
        }
        let (since, duration) = (Time(span.start().since(start)), Time(span.duration()));
        write!(
            f,
            "{} {}  {since} +{duration}",
            kind(span.kind()),
            span.name()
        )?;
        write_status(f, span)?;
        match row.parent {
            Parent::Above | Parent::None => {}
            Parent::Missing(id) => write!(f, "  parent #{:x} missing", id.to_u64())?,
            Parent::Remote(id) => write!(f, "  remote parent #{:x}", id.to_u64())?,
        }
        writeln!(f)?;

        let indent = indent + 4;
        match self.attributes {
            Selection::All => {
                for (key, value) in span.attributes() {
                    writeln!(f, "{:indent$}{key} = {}", "", Shown(value))?;
                }
            }
            Selection::Some(keys) => {
                for key in keys {
                    if let Some(value) = span.attr(key) {
                        writeln!(f, "{:indent$}{key} = {}", "", Shown(value))?;
                    }
                }
            }
        }
        for event in span.events() {
            write!(f, "{:indent$}", "")?;
            write_event(f, event, start)?;
        }
        for link in span.links() {
            write!(f, "{:indent$}", "")?;
            write_link(f, link, span, traces)?;
        }
        Ok(())
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let traces = tree::traces(self.spans);
        for (index, trace) in traces.iter().enumerate() {
            if traces.len() > 1 {
                writeln!(f, "trace {}", index + 1)?;
            }
            for row in trace.rows() {
                self.draw(f, &row, trace.start(), &traces)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A duration, zero without a unit of its own choice.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            f.write_str("0ms")
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "client",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
        SpanKind::Producer => "producer",
        SpanKind::Server => "server",
    }
}

fn write_status(f: &mut fmt::Formatter<'_>, span: &RecordedSpan) -> fmt::Result {
    match span.status() {
        Status::Error { description } => {
            f.write_str("  error")?;
            if let Some(error_type) = span.error_type() {
                write!(f, " {error_type}")?;
            }
            if !description.is_empty() {
                write!(f, " {description:?}")?;
            }
            Ok(())
        }
        Status::Ok => f.write_str("  ok"),
        _ => Ok(()),
    }
}

fn write_event(f: &mut fmt::Formatter<'_>, event: &Event, start: Timestamp) -> fmt::Result {
    write!(f, "{} {}", Time(event.time.since(start)), event.name)?;
    for (index, (key, value)) in event.attributes.iter().enumerate() {
        write!(
            f,
            "{}{key} = {}",
            if index == 0 { " { " } else { ", " },
            Shown(value)
        )?;
    }
    writeln!(
        f,
        "{}",
        if event.attributes.is_empty() {
            ""
        } else {
            " }"
        }
    )
}

fn write_link(
    f: &mut fmt::Formatter<'_>,
    link: &Link,
    from: &RecordedSpan,
    traces: &[Trace<'_>],
) -> fmt::Result {
    let (trace, id) = (link.span_context.trace_id(), link.span_context.span_id());
    let found = traces
        .iter()
        .position(|known| known.id() == trace)
        .and_then(|index| {
            let span = traces[index].spans().find(|span| span.span_id() == id)?;
            Some((index, span))
        });
    match found {
        Some((_, span)) if from.trace_id() == trace => write!(f, "follows {}", span.name())?,
        Some((index, span)) => write!(f, "follows {} of trace {}", span.name(), index + 1)?,
        None => write!(f, "follows #{:x} of another trace", id.to_u64())?,
    }
    for (index, (key, value)) in link.attributes.iter().enumerate() {
        write!(
            f,
            "{}{key} = {}",
            if index == 0 { " { " } else { ", " },
            Shown(value)
        )?;
    }
    writeln!(f, "{}", if link.attributes.is_empty() { "" } else { " }" })
}

#[cfg(test)]
mod tests;
