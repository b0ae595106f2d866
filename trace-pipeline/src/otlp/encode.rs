//! Spans as an `ExportTraceServiceRequest`, written straight from the records
//! ([opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto), `trace/v1/trace.proto`).

use tracing_core_ctx::attribute::{Array, Attributes, ValueRef};
use tracing_core_ctx::span::{Event, Link};
use tracing_core_ctx::{InstrumentationScope, Resource, SpanContext, SpanRecord, Status, semconv};

use super::protobuf::Writer;

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
    let mut writer = Writer::with_capacity(spans.len() * SPAN + SPAN);
    // ExportTraceServiceRequest.resource_spans
    writer.message(1, |writer| {
        // ResourceSpans.resource
        writer.message(1, |writer| {
            attributes(writer, 1, resource.attributes());
            writer.uint(2, resource.attributes().dropped().into());
        });
        let mut scopes: Vec<&InstrumentationScope> = Vec::new();
        for span in spans.clone() {
            let scope = span.scope();
            if scopes.contains(&scope) {
                continue;
            }
            scopes.push(scope);
            let of_scope = spans.clone().filter(|span| span.scope() == scope);
            // ResourceSpans.scope_spans
            writer.message(2, |writer| scope_spans(writer, scope, of_scope));
        }
        // ResourceSpans.schema_url
        writer.bytes(3, semconv::SCHEMA_URL.as_bytes());
    });
    writer.into_bytes()
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
        writer.message(2, |writer| span(writer, record));
    }
    // ScopeSpans.schema_url
    writer.bytes(3, scope.schema_url.as_bytes());
}

fn span(writer: &mut Writer, span: &SpanRecord) {
    let cx = span.span_context();
    identity(writer, cx);
    if let Some(parent) = span.parent() {
        writer.bytes(4, &parent.to_bytes());
    }
    writer.bytes(5, span.name().as_bytes());
    writer.uint(6, span.kind() as u64);
    writer.fixed64(7, span.start().as_unix_nanos());
    writer.fixed64(8, span.end().as_unix_nanos());
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

/// Trace id, span id and `tracestate`, which spans and links have in the same fields.
fn identity(writer: &mut Writer, cx: &SpanContext) {
    writer.bytes(1, &cx.trace_id().to_bytes());
    writer.bytes(2, &cx.span_id().to_bytes());
    writer.bytes(3, cx.trace_state().as_str().as_bytes());
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

fn attributes(writer: &mut Writer, field: u32, attributes: &Attributes) {
    for (key, of_key) in attributes {
        // KeyValue
        writer.message(field, |writer| {
            writer.bytes(1, key.as_bytes());
            writer.message(2, |writer| value(writer, of_key));
        });
    }
}

/// An `AnyValue`.
fn value(writer: &mut Writer, value: ValueRef<'_>) {
    match value {
        ValueRef::Str(text) => string(writer, text),
        ValueRef::Bool(flag) => boolean(writer, flag),
        ValueRef::I64(number) => integer(writer, number),
        ValueRef::F64(number) => double(writer, number),
        ValueRef::Array(array) => writer.message(5, |writer| elements(writer, array)),
        ValueRef::Bytes(bytes) => writer.bytes_always(7, bytes),
        // A type that is newer than this exporter: an `AnyValue` without content is a null.
        _ => {}
    }
}

/// The `values` of an `ArrayValue`.
fn elements(writer: &mut Writer, array: &Array) {
    fn each<T>(writer: &mut Writer, values: &[T], write: impl Fn(&mut Writer, &T)) {
        for value in values {
            writer.message(1, |writer| write(writer, value));
        }
    }

    match array {
        Array::Bool(flags) => each(writer, flags, |writer, flag| boolean(writer, *flag)),
        Array::F64(numbers) => each(writer, numbers, |writer, number| double(writer, *number)),
        Array::I64(numbers) => each(writer, numbers, |writer, number| integer(writer, *number)),
        Array::Str(texts) => each(writer, texts, |writer, text| string(writer, text)),
        _ => {}
    }
}

fn string(writer: &mut Writer, text: &str) {
    writer.bytes_always(1, text.as_bytes());
}

fn boolean(writer: &mut Writer, flag: bool) {
    writer.uint_always(2, flag.into());
}

fn integer(writer: &mut Writer, number: i64) {
    // An `int64`: the two's complement as it is.
    writer.uint_always(3, number.cast_unsigned());
}

fn double(writer: &mut Writer, number: f64) {
    writer.fixed64_always(4, number.to_bits());
}

#[cfg(test)]
mod tests;
