//! Spans as an `ExportTraceServiceRequest`, written straight from the records
//! ([opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto), `trace/v1/trace.proto`).

use tracing_core_ctx::span::{Event, Link};
use tracing_core_ctx::{InstrumentationScope, Resource, SpanContext, SpanRecord, Status, semconv};

use self::attributes::attributes;
use super::protobuf::Writer;

mod attributes;

/// Bytes of a span with a dozen attributes, to begin with.
const SPAN: usize = 512;

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
    let expected = spans.len() * SPAN + SPAN;
    let mut writer = Writer::with_capacity(expected);
    // ExportTraceServiceRequest.resource_spans
    writer.message_of_about(1, expected, |writer| {
        // ResourceSpans.resource
        writer.message(1, |writer| {
            attributes(writer, 1, resource.attributes());
            writer.uint(2, resource.attributes().dropped().into());
        });
        let mut scopes: Vec<&InstrumentationScope> = Vec::new();
        for span in spans.clone() {
            let scope = span.scope();
            if scopes.iter().any(|known| same(known, scope)) {
                continue;
            }
            scopes.push(scope);
            let of_scope = spans.clone().filter(|span| same(span.scope(), scope));
            // ResourceSpans.scope_spans
            writer.message_of_about(2, expected, |writer| scope_spans(writer, scope, of_scope));
        }
        // ResourceSpans.schema_url
        writer.bytes(3, semconv::SCHEMA_URL.as_bytes());
    });
    writer.into_bytes()
}

/// Compares the address first: there are few scopes, and their spans mostly have the very same one.
fn same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    std::ptr::eq(one, other) || one == other
}

fn scope_spans<'a>(
    writer: &mut Writer,
    scope: &InstrumentationScope,
    spans: impl Iterator<Item = &'a SpanRecord>,
) {
    // ScopeSpans.scope
    writer.message(1, |writer| {
        writer.bytes(1, scope.name.as_bytes());
        writer.bytes(2, scope.version.as_bytes());
    });
    for record in spans {
        // ScopeSpans.spans
        writer.message_of_about(2, SPAN, |writer| span(writer, record));
    }
    // ScopeSpans.schema_url
    writer.bytes(3, scope.schema_url.as_bytes());
}

fn span(writer: &mut Writer, span: &SpanRecord) {
    let cx = span.span_context();
    identity(writer, cx);
    if let Some(parent) = span.parent() {
        writer.bytes_of(4, parent.to_bytes());
    }
    writer.bytes(5, span.name().as_bytes());
    writer.uint(6, span.kind() as u64);
    times(writer, span);
    attributes(writer, 9, span.attributes());
    writer.uint(10, span.attributes().dropped().into());
    for happened in span.events() {
        writer.message(11, |writer| event(writer, happened));
    }
    writer.uint(12, span.dropped_events().into());
    for linked in span.links() {
        writer.message(13, |writer| link(writer, linked));
    }
    writer.uint(14, span.dropped_links().into());
    match span.status() {
        Status::Ok => writer.message(15, |writer| writer.uint(3, 1)),
        Status::Error { description } => writer.message(15, |writer| {
            writer.bytes(2, description.as_bytes());
            writer.uint(3, 2);
        }),
        // The message is left out when nobody said anything.
        _ => {}
    }
    writer.fixed32(16, flags(cx, span.parent_is_remote()));
}

fn times(writer: &mut Writer, span: &SpanRecord) {
    let (start, end) = (span.start().as_unix_nanos(), span.end().as_unix_nanos());
    if start != 0 && end != 0 {
        writer.two_fixed64([7, 8], [start, end]);
    } else {
        writer.fixed64(7, start);
        writer.fixed64(8, end);
    }
}

/// Trace id, span id and `tracestate`, which spans and links have in the same fields.
fn identity(writer: &mut Writer, cx: &SpanContext) {
    writer.bytes_of(1, cx.trace_id().to_bytes());
    writer.bytes_of(2, cx.span_id().to_bytes());
    writer.bytes(3, cx.trace_state().as_bytes());
}

/// The W3C flags in the lower byte; above them that it is known whether the parent (of a link: the linked span) is
/// remote, and whether it is.
fn flags(cx: &SpanContext, is_remote: bool) -> u32 {
    const IS_REMOTE_IS_KNOWN: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;

    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(cx.flags().bits()) | IS_REMOTE_IS_KNOWN | remote
}

fn event(writer: &mut Writer, event: &Event) {
    writer.fixed64(1, event.time.as_unix_nanos());
    writer.bytes(2, event.name.as_bytes());
    attributes(writer, 3, &event.attributes);
    writer.uint(4, event.attributes.dropped().into());
}

fn link(writer: &mut Writer, link: &Link) {
    let cx = &link.span_context;
    identity(writer, cx);
    attributes(writer, 4, &link.attributes);
    writer.uint(5, link.attributes.dropped().into());
    writer.fixed32(6, flags(cx, cx.is_remote()));
}

#[cfg(test)]
mod tests;
