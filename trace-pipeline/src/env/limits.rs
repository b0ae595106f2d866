use tracing_core_ctx::limits::{AttributeLimits, SpanLimits};

use super::Vars;

/// A limit named for spans, events or links wins over the general one.
pub(super) fn read(vars: &Vars<'_>) -> SpanLimits {
    let count = vars.count("OTEL_ATTRIBUTE_COUNT_LIMIT");
    let value_length = vars
        .count("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")
        .or_else(|| vars.count("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"));
    let attributes = |limits: &mut AttributeLimits, name: &str| {
        if let Some(count) = vars.count(name).or(count) {
            limits.count = count;
        }
        if let Some(value_length) = value_length {
            limits.value_length = value_length;
        }
    };

    let mut limits = SpanLimits::default();
    attributes(&mut limits.attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT");
    attributes(
        &mut limits.event_attributes,
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    );
    attributes(
        &mut limits.link_attributes,
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    );
    if let Some(events) = vars.count("OTEL_SPAN_EVENT_COUNT_LIMIT") {
        limits.events = events;
    }
    if let Some(links) = vars.count("OTEL_SPAN_LINK_COUNT_LIMIT") {
        limits.links = links;
    }
    limits
}
