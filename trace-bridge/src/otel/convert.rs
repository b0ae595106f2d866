//! The same things in both vocabularies.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace as otel;
use opentelemetry::{Array as OtelArray, KeyValue, Value as OtelValue};
use tracing_core_ctx::attribute::{Array, Attributes, KeyRef, Value, ValueRef};
use tracing_core_ctx::span::{Link, Status};
use tracing_core_ctx::{SpanContext, SpanId, SpanKind, Timestamp, TraceFlags, TraceId, TraceState};

/// `None` of one that is not valid. A `tracestate` that does not follow the grammar is left out.
pub(super) fn from_otel(theirs: &otel::SpanContext) -> Option<SpanContext> {
    let trace_id = TraceId::from_bytes(theirs.trace_id().to_bytes())?;
    let span_id = SpanId::from_bytes(theirs.span_id().to_bytes())?;
    let flags = TraceFlags::from_bits(theirs.trace_flags().to_u8());
    let ours = SpanContext::new(trace_id, span_id, flags).with_remote(theirs.is_remote());
    if *theirs.trace_state() == otel::TraceState::NONE {
        return Some(ours);
    }
    let header = theirs.trace_state().header();
    Some(match TraceState::from_headers([header.as_bytes()]) {
        Ok(state) => ours.with_trace_state(state),
        Err(_) => ours,
    })
}

pub(super) fn to_otel(ours: &SpanContext) -> otel::SpanContext {
    let state = if ours.trace_state().is_empty() {
        otel::TraceState::NONE
    } else {
        // Members that their grammar does not take are few; then none goes.
        otel::TraceState::from_key_value(ours.trace_state().iter()).unwrap_or_default()
    };
    otel::SpanContext::new(
        otel::TraceId::from_bytes(ours.trace_id().to_bytes()),
        to_otel_id(ours.span_id()),
        otel::TraceFlags::new(ours.flags().bits()),
        ours.is_remote(),
        state,
    )
}

pub(super) fn to_otel_id(ours: SpanId) -> otel::SpanId {
    otel::SpanId::from_bytes(ours.to_bytes())
}

pub(super) const fn kind(theirs: &otel::SpanKind) -> SpanKind {
    match theirs {
        otel::SpanKind::Client => SpanKind::Client,
        otel::SpanKind::Server => SpanKind::Server,
        otel::SpanKind::Producer => SpanKind::Producer,
        otel::SpanKind::Consumer => SpanKind::Consumer,
        otel::SpanKind::Internal => SpanKind::Internal,
    }
}

pub(super) fn status(theirs: otel::Status) -> Status {
    match theirs {
        otel::Status::Unset => Status::Unset,
        otel::Status::Error { description } => Status::error(description),
        otel::Status::Ok => Status::Ok,
    }
}

/// What is before the epoch is taken as the epoch.
pub(super) fn timestamp(theirs: SystemTime) -> Timestamp {
    let since = theirs.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Shows a value as one of ours.
pub(super) fn value<R>(theirs: &OtelValue, read: impl FnOnce(ValueRef<'_>) -> R) -> R {
    match theirs {
        OtelValue::Bool(flag) => read(ValueRef::Bool(*flag)),
        OtelValue::I64(number) => read(ValueRef::I64(*number)),
        OtelValue::F64(number) => read(ValueRef::F64(*number)),
        OtelValue::String(text) => read(ValueRef::Str(text.as_str())),
        OtelValue::Array(OtelArray::Bool(list)) => {
            read(ValueRef::Array(&Array::Bool(list.clone())))
        }
        OtelValue::Array(OtelArray::I64(list)) => read(ValueRef::Array(&Array::I64(list.clone()))),
        OtelValue::Array(OtelArray::F64(list)) => read(ValueRef::Array(&Array::F64(list.clone()))),
        OtelValue::Array(OtelArray::String(list)) => {
            let texts = list.iter().map(|text| text.as_str()).collect();
            read(ValueRef::Array(&texts))
        }
        // Of a kind that is newer than this: as text.
        other => read(ValueRef::Str(&other.as_str())),
    }
}

/// Goes through attributes as ours.
pub(super) fn each(theirs: &[KeyValue], mut take: impl FnMut(KeyRef<'_>, ValueRef<'_>)) {
    for pair in theirs {
        value(&pair.value, |value| {
            take(KeyRef::Borrowed(pair.key.as_str()), value);
        });
    }
}

/// `None` if it links to nothing that is valid.
pub(super) fn link(theirs: &otel::SpanContext, attributes: &[KeyValue]) -> Option<Link> {
    let mut link = Link::new(from_otel(theirs)?);
    each(attributes, |key, value| link.attributes.set(key, value));
    Some(link)
}

#[cfg_attr(
    not(feature = "opentelemetry-sdk"),
    expect(dead_code, reason = "for exporters")
)]
pub(super) fn system_time(ours: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ours.as_unix_nanos())
}

#[cfg_attr(
    not(feature = "opentelemetry-sdk"),
    expect(dead_code, reason = "for exporters")
)]
pub(super) fn key_values(ours: &Attributes) -> Vec<KeyValue> {
    ours.iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), otel_value(value.to_value())))
        .collect()
}

fn otel_value(ours: Value) -> OtelValue {
    match ours {
        Value::Bool(flag) => flag.into(),
        Value::I64(number) => number.into(),
        Value::F64(number) => number.into(),
        Value::Str(text) => text.into_owned().into(),
        // Their API has no bytes.
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        Value::Array(Array::Bool(list)) => OtelValue::Array(OtelArray::Bool(list)),
        Value::Array(Array::I64(list)) => OtelValue::Array(OtelArray::I64(list)),
        Value::Array(Array::F64(list)) => OtelValue::Array(OtelArray::F64(list)),
        Value::Array(Array::Str(list)) => {
            let texts = list.into_iter().map(Into::into).collect();
            OtelValue::Array(OtelArray::String(texts))
        }
        other => format!("{other:?}").into(),
    }
}
