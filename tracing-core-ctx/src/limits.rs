//! How much a span may hold.

/// Limits of one span, as the OpenTelemetry SDK specification names them.
///
/// What is over a limit is dropped, newest first, and counted on the span; nothing fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanLimits {
    /// Attributes of the span itself. Default 128; `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`.
    pub attributes: AttributeLimits,
    /// Events. Default 128; `OTEL_SPAN_EVENT_COUNT_LIMIT`.
    pub events: usize,
    /// Attributes of one event. Default 128; `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`.
    pub event_attributes: AttributeLimits,
    /// Links. Default 128; `OTEL_SPAN_LINK_COUNT_LIMIT`.
    pub links: usize,
    /// Attributes of one link. Default 128; `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`.
    pub link_attributes: AttributeLimits,
}

impl Default for SpanLimits {
    fn default() -> Self {
        Self {
            attributes: AttributeLimits::DEFAULT,
            events: 128,
            event_attributes: AttributeLimits::DEFAULT,
            links: 128,
            link_attributes: AttributeLimits::DEFAULT,
        }
    }
}

/// Limits of one table of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttributeLimits {
    /// How many keys.
    pub count: usize,
    /// How many Unicode characters of a text (bytes, of a byte value) are kept.
    pub value_length: usize,
}

impl AttributeLimits {
    /// 128 attributes, no limit on the length of a value: the specification's defaults.
    pub const DEFAULT: Self = Self {
        count: 128,
        value_length: usize::MAX,
    };

    /// No limit at all: for tables that only code fills, such as a resource.
    pub const UNLIMITED: Self = Self {
        count: usize::MAX,
        value_length: usize::MAX,
    };
}

/// The first `longest` characters of a text.
#[inline]
pub(crate) fn cut(text: &str, longest: usize) -> &str {
    // As many bytes as the limit has characters cannot be too many characters.
    if text.len() <= longest {
        return text;
    }
    cut_long(text, longest)
}

#[cold]
fn cut_long(text: &str, longest: usize) -> &str {
    match text.char_indices().nth(longest) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

impl Default for AttributeLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
