//! The messages of OTLP, as far as they are written here, with the names that their fields have in JSON.

use self::Kind::{
    Base64, Double, Doubles, Flag, Hex, Integer, Many, Number, Numbers, One, Text, Unsigned,
};

/// The fields of a message.
pub(super) struct Message(pub(super) &'static [Field]);

/// Number, name, and how the value is written.
pub(super) type Field = (u32, &'static str, Kind);

pub(super) enum Kind {
    Base64,
    Double,
    /// Packed.
    Doubles,
    Flag,
    /// An id.
    Hex,
    /// Of 64 bits: as a text, since numbers in JSON are mostly read as floats.
    Integer,
    Many(&'static Message),
    /// Of 32 bits, or a name of an enumeration, which OTLP writes as its number.
    Number,
    /// Packed, of 64 bits.
    Numbers,
    One(&'static Message),
    Text,
    /// Of 64 bits.
    Unsigned,
}

pub(super) static TRACES: Message = Message(&[(1, "resourceSpans", Many(&RESOURCE_SPANS))]);
pub(super) static METRICS: Message = Message(&[(1, "resourceMetrics", Many(&RESOURCE_METRICS))]);
pub(super) static LOGS: Message = Message(&[(1, "resourceLogs", Many(&RESOURCE_LOGS))]);

static RESOURCE_SPANS: Message = Message(&[
    (1, "resource", One(&RESOURCE)),
    (2, "scopeSpans", Many(&SCOPE_SPANS)),
    (3, "schemaUrl", Text),
]);
static SCOPE_SPANS: Message = Message(&[
    (1, "scope", One(&SCOPE)),
    (2, "spans", Many(&SPAN)),
    (3, "schemaUrl", Text),
]);
static SPAN: Message = Message(&[
    (1, "traceId", Hex),
    (2, "spanId", Hex),
    (3, "traceState", Text),
    (4, "parentSpanId", Hex),
    (5, "name", Text),
    (6, "kind", Number),
    (7, "startTimeUnixNano", Unsigned),
    (8, "endTimeUnixNano", Unsigned),
    (9, "attributes", Many(&KEY_VALUE)),
    (10, "droppedAttributesCount", Number),
    (11, "events", Many(&EVENT)),
    (12, "droppedEventsCount", Number),
    (13, "links", Many(&LINK)),
    (14, "droppedLinksCount", Number),
    (15, "status", One(&STATUS)),
    (16, "flags", Number),
]);
static EVENT: Message = Message(&[
    (1, "timeUnixNano", Unsigned),
    (2, "name", Text),
    (3, "attributes", Many(&KEY_VALUE)),
    (4, "droppedAttributesCount", Number),
]);
static LINK: Message = Message(&[
    (1, "traceId", Hex),
    (2, "spanId", Hex),
    (3, "traceState", Text),
    (4, "attributes", Many(&KEY_VALUE)),
    (5, "droppedAttributesCount", Number),
    (6, "flags", Number),
]);
static STATUS: Message = Message(&[(2, "message", Text), (3, "code", Number)]);

static RESOURCE_METRICS: Message = Message(&[
    (1, "resource", One(&RESOURCE)),
    (2, "scopeMetrics", Many(&SCOPE_METRICS)),
    (3, "schemaUrl", Text),
]);
static SCOPE_METRICS: Message = Message(&[
    (1, "scope", One(&SCOPE)),
    (2, "metrics", Many(&METRIC)),
    (3, "schemaUrl", Text),
]);
static METRIC: Message = Message(&[
    (1, "name", Text),
    (2, "description", Text),
    (3, "unit", Text),
    (5, "gauge", One(&NUMBERS)),
    (7, "sum", One(&NUMBERS)),
    (9, "histogram", One(&HISTOGRAM)),
]);
static NUMBERS: Message = Message(&[
    (1, "dataPoints", Many(&NUMBER_POINT)),
    (2, "aggregationTemporality", Number),
    (3, "isMonotonic", Flag),
]);
static NUMBER_POINT: Message = Message(&[
    (2, "startTimeUnixNano", Unsigned),
    (3, "timeUnixNano", Unsigned),
    (4, "asDouble", Double),
    (6, "asInt", Integer),
    (7, "attributes", Many(&KEY_VALUE)),
]);
static HISTOGRAM: Message = Message(&[
    (1, "dataPoints", Many(&HISTOGRAM_POINT)),
    (2, "aggregationTemporality", Number),
]);
static HISTOGRAM_POINT: Message = Message(&[
    (2, "startTimeUnixNano", Unsigned),
    (3, "timeUnixNano", Unsigned),
    (4, "count", Unsigned),
    (5, "sum", Double),
    (6, "bucketCounts", Numbers),
    (7, "explicitBounds", Doubles),
    (8, "exemplars", Many(&EXEMPLAR)),
    (9, "attributes", Many(&KEY_VALUE)),
]);
static EXEMPLAR: Message = Message(&[
    (2, "timeUnixNano", Unsigned),
    (3, "asDouble", Double),
    (4, "spanId", Hex),
    (5, "traceId", Hex),
]);

static RESOURCE_LOGS: Message = Message(&[
    (1, "resource", One(&RESOURCE)),
    (2, "scopeLogs", Many(&SCOPE_LOGS)),
    (3, "schemaUrl", Text),
]);
static SCOPE_LOGS: Message = Message(&[
    (1, "scope", One(&SCOPE)),
    (2, "logRecords", Many(&LOG_RECORD)),
    (3, "schemaUrl", Text),
]);
static LOG_RECORD: Message = Message(&[
    (1, "timeUnixNano", Unsigned),
    (2, "severityNumber", Number),
    (3, "severityText", Text),
    (5, "body", One(&ANY_VALUE)),
    (6, "attributes", Many(&KEY_VALUE)),
    (7, "droppedAttributesCount", Number),
    (8, "flags", Number),
    (9, "traceId", Hex),
    (10, "spanId", Hex),
    (11, "observedTimeUnixNano", Unsigned),
]);

static RESOURCE: Message = Message(&[
    (1, "attributes", Many(&KEY_VALUE)),
    (2, "droppedAttributesCount", Number),
]);
static SCOPE: Message = Message(&[(1, "name", Text), (2, "version", Text)]);
static KEY_VALUE: Message = Message(&[(1, "key", Text), (2, "value", One(&ANY_VALUE))]);
static ANY_VALUE: Message = Message(&[
    (1, "stringValue", Text),
    (2, "boolValue", Flag),
    (3, "intValue", Integer),
    (4, "doubleValue", Double),
    (5, "arrayValue", One(&ARRAY_VALUE)),
    (7, "bytesValue", Base64),
]);
static ARRAY_VALUE: Message = Message(&[(1, "values", Many(&ANY_VALUE))]);
