use tracing_core_ctx::attribute::{AttributeKey, AttributeValue, Attributes};
use tracing_core_ctx::limits::SpanLimits;
use tracing_core_ctx::{Clock as _, Context, SpanContext, SystemClock, Timestamp};

/// How much is kept of a body, in bytes.
const MAX_BODY: usize = 64 << 10;

/// One line of a log ([data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/)).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord {
    /// When it was written.
    pub time: Timestamp,
    /// How grave it is.
    pub severity: Severity,
    /// What it says: at most 64 KiB.
    pub body: String,
    /// What is known beside it.
    pub attributes: Attributes,
    /// The span in which it was written, recorded or not.
    pub span: Option<SpanContext>,
}

/// How grave a line of a log is, as the number and the short name of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Severity {
    /// For following a program step by step.
    Trace = 1,
    /// For finding errors.
    Debug = 5,
    /// That something happened.
    Info = 9,
    /// That something may be wrong.
    Warn = 13,
    /// That something is wrong.
    Error = 17,
    /// That the program cannot go on.
    Fatal = 21,
}

impl Severity {
    /// The short name: `INFO`.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

impl LogRecord {
    /// A line that is written now, in the span of the current context.
    #[must_use]
    pub fn new(severity: Severity, body: impl Into<String>) -> Self {
        let mut body = body.into();
        if body.len() > MAX_BODY {
            let mut end = MAX_BODY;
            while !body.is_char_boundary(end) {
                end -= 1;
            }
            body.truncate(end);
        }
        Self {
            time: SystemClock::new().now(),
            severity,
            body,
            attributes: Attributes::new(),
            span: Context::current().span_context().cloned(),
        }
    }

    /// Sets an attribute, within OpenTelemetry's default limits: 128 of them.
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        let limits = SpanLimits::default().attributes;
        self.attributes.set_within(&limits, key, value);
    }

    /// Its bytes in memory, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.body.capacity() + self.attributes.weight()
    }
}
