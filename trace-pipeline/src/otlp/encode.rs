//! Spans as an `ExportTraceServiceRequest`, written straight from the records
//! ([opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto), `trace/v1/trace.proto`).

use std::mem;

use tracing_core_ctx::span::{Event, Link};
use tracing_core_ctx::{InstrumentationScope, Resource, SpanContext, SpanRecord, Status, semconv};

use self::attributes::attributes;
use self::names::Names;
use self::templates::Templates;
use super::protobuf::{
    BYTES, FIXED32, FIXED64, Output, SHORT_TEXT, VARINT, Writer, copy_short, copy_text, tag,
};

mod attributes;
mod logs;
mod metrics;
mod names;
mod templates;

pub(crate) use logs::encode_logs;
pub(crate) use metrics::{Interval, encode_metrics};

/// Bytes of a span with a dozen attributes, to begin with.
const SPAN: usize = 512;

/// Bytes of an event, of a link, or of a list of values.
const PART: usize = 128;

/// The bytes of an OTLP request with these spans, grouped by the library that recorded them.
///
/// This is what [`OtlpExporter`](super::OtlpExporter) sends; for exporters that have another way to send it.
///
/// ```
/// use trace_pipeline::{Batch, ExportError, otlp};
///
/// # struct Bus;
/// # impl Bus { fn publish(&self, _: Vec<u8>) {} }
/// # fn export(bus: &Bus, batch: &Batch<'_>) -> Result<(), ExportError> {
/// bus.publish(otlp::encode(batch.resource(), batch.spans()));
/// # Ok(())
/// # }
/// ```
pub fn encode<'a>(
    resource: &Resource,
    spans: impl ExactSizeIterator<Item = &'a SpanRecord> + Clone,
) -> Vec<u8> {
    encode_into(Vec::new(), resource, spans)
}

/// The same in the memory of an earlier request, which is written anew: for who sends one after the other. To ask the system for that memory
/// costs more than to write it.
pub fn encode_into<'a>(
    earlier: Vec<u8>,
    resource: &Resource,
    spans: impl ExactSizeIterator<Item = &'a SpanRecord> + Clone,
) -> Vec<u8> {
    let expected = spans.len() * SPAN + SPAN;
    let mut output = Output::in_memory_of(earlier, expected);
    let mut met = Met::new();
    // ExportTraceServiceRequest.resource_spans
    let resource_spans = output.open(1, expected);
    self::resource(&mut output, resource);
    let mut scopes: Vec<&InstrumentationScope> = Vec::new();
    let mut first = spans.clone().next();
    while let Some(span) = first {
        let scope = span.scope();
        scopes.push(scope);
        // ResourceSpans.scope_spans
        let scope_spans = output.open(2, expected);
        let has_others = write_scope(&mut output, &mut met, scope, spans.clone());
        output.close(scope_spans);
        let is_new = |span: &&SpanRecord| !scopes.iter().any(|known| same(known, span.scope()));
        first = if has_others {
            spans.clone().find(is_new)
        } else {
            None
        };
    }
    // ResourceSpans.schema_url
    output.write(|writer| writer.bytes(3, semconv::SCHEMA_URL.as_bytes()));
    output.close(resource_spans);
    output.into_bytes()
}

/// What came before in the same request, ready to be written again.
struct Met {
    names: Names,
    templates: Templates,
}

impl Met {
    const fn new() -> Self {
        Self {
            names: Names::new(),
            templates: Templates::new(),
        }
    }
}

/// The `resource` of spans, of metrics, of logs, which they have in the same field.
fn resource(output: &mut Output, resource: &Resource) {
    let mut names = Names::new();
    output.write(|writer| {
        writer.message(1, PART, |writer| {
            let of_resource = resource.attributes();
            attributes::<{ tag(1, BYTES) }>(writer, &mut names, of_resource)
                .uint(2, of_resource.dropped().into())
        })
    });
}

/// Compares the address first: there are few scopes, and their spans mostly have the very same one.
#[inline]
fn same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    #[cold]
    fn equal(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
        one == other
    }

    std::ptr::eq(one, other) || equal(one, other)
}

/// Writes those of the spans that are of this scope, and says whether there are others.
fn write_scope<'a>(
    output: &mut Output,
    met: &mut Met,
    scope: &InstrumentationScope,
    spans: impl Iterator<Item = &'a SpanRecord> + Clone,
) -> bool {
    // ScopeSpans.scope
    output.write(|writer| {
        writer.message(1, 0, |writer| {
            writer
                .bytes(1, scope.name.as_bytes())
                .bytes(2, scope.version.as_bytes())
        })
    });
    let mut has_others = false;
    // One span ahead is asked for its attributes: then they are here when it is its turn, and not in the memory of another processor.
    let mut ahead = spans.clone().map(|span| span.attributes().is_empty());
    let mut next = ahead.next();
    let spans = spans.map(|span| (span, mem::replace(&mut next, ahead.next())));
    // ScopeSpans.spans
    output.write_each(spans, |writer, (record, is_bare)| {
        if !same(record.scope(), scope) {
            has_others = true;
            writer
        } else if is_bare == Some(true) {
            writer.message(2, 0, |writer| span(writer, met, record))
        } else {
            writer.message(2, SPAN, |writer| span(writer, met, record))
        }
    });
    // ScopeSpans.schema_url
    output.write(|writer| writer.bytes(3, scope.schema_url.as_bytes()));
    has_others
}

#[inline(never)]
fn span<'a>(writer: Writer<'a>, met: &mut Met, span: &SpanRecord) -> Writer<'a> {
    let cx = span.span_context();
    let mut writer = head(writer, span);
    writer = met
        .templates
        .attributes(writer, &mut met.names, span.attributes());
    let dropped = [
        span.attributes().dropped(),
        span.dropped_events(),
        span.dropped_links(),
    ];
    // Nearly always there is nothing of all this, which is one question.
    let any = dropped[0] | dropped[1] | dropped[2];
    if any as usize | span.events().len() | span.links().len() != 0 {
        writer = parts(writer, &mut met.names, dropped, span.events(), span.links());
    }
    writer = match span.status() {
        Status::Ok => writer.array([tag(15, BYTES), 2, tag(3, VARINT), 1]),
        Status::Error { description } => error(writer, description),
        // The message is left out when nobody said anything.
        _ => writer,
    };
    writer.chunk(|chunk: &mut [u8; 6]| {
        // The tag of field 16 has two bytes.
        chunk[..2].copy_from_slice(&[tag(0, FIXED32) | 0x80, 1]);
        chunk[2..].copy_from_slice(&flags(cx, span.parent_is_remote()).to_le_bytes());
        chunk.len()
    })
}

/// Everything before the attributes: in one go, if nothing of it is unusual.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "of texts that are short the length has one byte"
)]
fn head<'a>(writer: Writer<'a>, span: &SpanRecord) -> Writer<'a> {
    let (name, trace_state) = (
        span.kept_name(),
        span.span_context().trace_state().as_bytes(),
    );
    let (start, end) = (span.start().as_unix_nanos(), span.end().as_unix_nanos());
    if name.len() > SHORT_TEXT || trace_state.len() > SHORT_TEXT || start == 0 || name.is_empty() {
        return long_head(writer, span);
    }
    writer.chunk(|chunk: &mut [u8; HEAD]| {
        let mut at = put_ids(chunk, span.span_context());
        if !trace_state.is_empty() {
            chunk[at..at + 2].copy_from_slice(&[tag(3, BYTES), trace_state.len() as u8]);
            if let Some(place) = chunk[at + 2..].first_chunk_mut() {
                copy_short(trace_state, place);
            }
            at += 2 + trace_state.len();
        }
        if let Some(parent) = span.parent() {
            chunk[at..at + 2].copy_from_slice(&[tag(4, BYTES), 8]);
            chunk[at + 2..at + 10].copy_from_slice(&parent.to_bytes());
            at += 10;
        }
        chunk[at..at + 2].copy_from_slice(&[tag(5, BYTES), name.len() as u8]);
        if let Some(place) = chunk[at + 2..].first_chunk_mut() {
            copy_text(name, place);
        }
        at += 2 + name.len();
        chunk[at..at + 3].copy_from_slice(&[tag(6, VARINT), span.kind() as u8, tag(7, FIXED64)]);
        chunk[at + 3..at + 11].copy_from_slice(&start.to_le_bytes());
        chunk[at + 11] = tag(8, FIXED64);
        chunk[at + 12..at + 20].copy_from_slice(&end.to_le_bytes());
        at + 20
    })
}

/// The most that the head of a span takes that is not long.
const HEAD: usize = IDS + (2 + SHORT_TEXT) + 10 + (2 + SHORT_TEXT) + 20;

/// The same whatever it is.
#[inline(never)]
fn long_head<'a>(writer: Writer<'a>, span: &SpanRecord) -> Writer<'a> {
    let writer = identity(writer, span.span_context());
    let writer = match span.parent() {
        Some(parent) => writer.bytes(4, &parent.to_bytes()),
        None => writer,
    };
    writer
        .bytes(5, span.name().as_bytes())
        .uint(6, span.kind() as u64)
        .fixed64(7, span.start().as_unix_nanos())
        .fixed64(8, span.end().as_unix_nanos())
}

/// Events, links, and how many of what was dropped.
#[inline(never)]
fn parts<'a>(
    writer: Writer<'a>,
    names: &mut Names,
    [attributes, dropped_events, dropped_links]: [u32; 3],
    events: &[Event],
    links: &[Link],
) -> Writer<'a> {
    let writer = writer.uint(10, attributes.into());
    let writer = events.iter().fold(writer, |writer, happened| {
        writer.message(11, PART, |writer| event(writer, names, happened))
    });
    let writer = writer.uint(12, dropped_events.into());
    let writer = links.iter().fold(writer, |writer, linked| {
        writer.message(13, 0, |writer| link(writer, names, linked))
    });
    writer.uint(14, dropped_links.into())
}

/// The status of a span that failed.
#[inline(never)]
fn error<'a>(writer: Writer<'a>, description: &str) -> Writer<'a> {
    writer.message(15, 0, |writer| {
        writer.bytes(2, description.as_bytes()).uint(3, 2)
    })
}

/// Trace id, span id and `tracestate`, which spans and links have in the same fields.
fn identity<'a>(writer: Writer<'a>, cx: &SpanContext) -> Writer<'a> {
    writer
        .chunk(|chunk: &mut [u8; IDS]| put_ids(chunk, cx))
        .bytes(3, cx.trace_state().as_bytes())
}

/// The bytes of trace id and span id.
const IDS: usize = 28;

/// Writes the two ids and says how many bytes they have.
#[inline(always)]
fn put_ids(chunk: &mut [u8], cx: &SpanContext) -> usize {
    chunk[..2].copy_from_slice(&[tag(1, BYTES), 16]);
    chunk[2..18].copy_from_slice(&cx.trace_id().to_bytes());
    chunk[18..20].copy_from_slice(&[tag(2, BYTES), 8]);
    chunk[20..IDS].copy_from_slice(&cx.span_id().to_bytes());
    IDS
}

/// The W3C flags in the lower byte; above them that it is known whether the parent (of a link: the linked span) is
/// remote, and whether it is.
fn flags(cx: &SpanContext, is_remote: bool) -> u32 {
    const IS_REMOTE_IS_KNOWN: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;

    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(cx.flags().bits()) | IS_REMOTE_IS_KNOWN | remote
}

fn event<'a>(writer: Writer<'a>, names: &mut Names, event: &Event) -> Writer<'a> {
    let writer = writer
        .fixed64(1, event.time.as_unix_nanos())
        .bytes(2, event.name.as_bytes());
    attributes::<{ tag(3, BYTES) }>(writer, names, &event.attributes)
        .uint(4, event.attributes.dropped().into())
}

fn link<'a>(writer: Writer<'a>, names: &mut Names, link: &Link) -> Writer<'a> {
    let cx = &link.span_context;
    let writer = identity(writer, cx);
    attributes::<{ tag(4, BYTES) }>(writer, names, &link.attributes)
        .uint(5, link.attributes.dropped().into())
        .chunk(|chunk: &mut [u8; 5]| {
            chunk[0] = tag(6, FIXED32);
            chunk[1..].copy_from_slice(&flags(cx, cx.is_remote()).to_le_bytes());
            chunk.len()
        })
}

#[cfg(test)]
mod tests;
