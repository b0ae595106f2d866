use std::fmt;
use std::sync::Arc;

use tracing_core_ctx::{Context, SpanContext, TraceFlags, Tracer};

/// Which ids a line gets, and under which names.
///
/// | | the trace | the span | its flags | the service |
/// |---|---|---|---|---|
/// | [`otel`](Self::otel) | `trace_id` | `span_id` | `trace_flags`, two hex digits | `service.name` |
/// | [`datadog`](Self::datadog) | `dd.trace_id`, decimal | `dd.span_id`, decimal | | `dd.service` |
/// | [`ecs`](Self::ecs) | `trace.id` | `span.id` | | `service.name` |
/// | [`gcp`](Self::gcp) | `logging.googleapis.com/trace`, with its project | `logging.googleapis.com/spanId` | `logging.googleapis.com/trace_sampled`, a truth value | `service.name` |
///
/// The service is that of the tracer that records the span; outside of recorded spans it is the one that [`service`](Self::service) names, if
/// any. A line outside of any trace has no ids.
#[derive(Clone, Debug)]
#[must_use = "it says what is written; `json` and `text` write it"]
pub struct LogIds {
    names: Names,
    service: Option<Arc<str>>,
    #[cfg(feature = "tracing")]
    pub(super) spans: Option<crate::layer::SpansOf>,
}

#[derive(Clone, Debug)]
enum Names {
    Datadog,
    Ecs,
    Gcp { project: Arc<str> },
    Otel,
}

/// What is written under a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    Flag(bool),
    /// Needs no escape.
    Plain(fmt::Arguments<'a>),
    Text(&'a str),
}

impl LogIds {
    /// The names of OpenTelemetry ("Trace Context in non-OTLP Log Formats").
    pub const fn otel() -> Self {
        Self::new(Names::Otel)
    }

    /// The names of Datadog: ids of 64 bits in decimal digits.
    pub const fn datadog() -> Self {
        Self::new(Names::Datadog)
    }

    /// The names of the Elastic Common Schema.
    pub const fn ecs() -> Self {
        Self::new(Names::Ecs)
    }

    /// The names of Google Cloud Logging, for traces of a project.
    pub fn gcp(project: &str) -> Self {
        Self::new(Names::Gcp {
            project: project.into(),
        })
    }

    const fn new(names: Names) -> Self {
        Self {
            names,
            service: None,
            #[cfg(feature = "tracing")]
            spans: None,
        }
    }

    /// The service on lines that no recorded span tells it for. Default: none is named there.
    pub fn service(mut self, name: &str) -> Self {
        self.service = Some(name.into());
        self
    }

    /// Shows each pair that a line written in `context` gets.
    pub(super) fn visit(&self, context: &Context, mut show: impl FnMut(&'static str, Shown<'_>)) {
        if let Some(span) = context.span_context() {
            self.visit_span(span, &mut show);
        }
        let tracer = context.span_ref().tracer();
        let recorded = tracer.as_ref().map(Tracer::resource);
        let service = recorded.map(|resource| resource.service_name());
        if let Some(service) = service.or(self.service.as_deref()) {
            let name = match self.names {
                Names::Datadog => "dd.service",
                Names::Ecs | Names::Gcp { .. } | Names::Otel => "service.name",
            };
            show(name, Shown::Text(service));
        }
    }

    fn visit_span(&self, span: &SpanContext, show: &mut impl FnMut(&'static str, Shown<'_>)) {
        let (trace_id, span_id, flags) = (span.trace_id(), span.span_id(), span.flags());
        match &self.names {
            Names::Datadog => {
                // The lower half of the trace id, which is what an agent knows.
                let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
                let trace = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                show("dd.trace_id", Shown::Plain(format_args!("{trace}")));
                let span = span_id.to_u64();
                show("dd.span_id", Shown::Plain(format_args!("{span}")));
            }
            Names::Ecs => {
                show("trace.id", Shown::Plain(format_args!("{trace_id}")));
                show("span.id", Shown::Plain(format_args!("{span_id}")));
            }
            Names::Gcp { project } => {
                show_text(
                    format_args!("projects/{project}/traces/{trace_id}"),
                    |text| show("logging.googleapis.com/trace", Shown::Text(text)),
                );
                show(
                    "logging.googleapis.com/spanId",
                    Shown::Plain(format_args!("{span_id}")),
                );
                show(
                    "logging.googleapis.com/trace_sampled",
                    Shown::Flag(flags.is_sampled()),
                );
            }
            Names::Otel => {
                show("trace_id", Shown::Plain(format_args!("{trace_id}")));
                show("span_id", Shown::Plain(format_args!("{span_id}")));
                show("trace_flags", Shown::Plain(format_args!("{}", Two(flags))));
            }
        }
    }

    /// As they stand behind a message: ` trace_id=.. span_id=..`.
    pub(super) fn write_text(&self, context: &Context, out: &mut String) {
        self.visit(context, |name, value| {
            out.push(' ');
            out.push_str(name);
            out.push('=');
            value.write_text(out);
        });
    }
}

fn show_text(text: fmt::Arguments<'_>, show: impl FnOnce(&str)) {
    show(&text.to_string());
}

/// The two hex digits of trace flags.
struct Two(TraceFlags);

impl fmt::Display for Two {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0.bits())
    }
}

impl Shown<'_> {
    /// In quotes, where it would not end where it ends.
    fn write_text(self, out: &mut String) {
        use fmt::Write as _;

        // Writing to a text does not fail.
        let _ = match self {
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Plain(text) => out.write_fmt(text),
            Self::Text(text) if text.contains(|c: char| c.is_whitespace() || c == '"') => {
                write!(out, "{text:?}")
            }
            Self::Text(text) => out.write_str(text),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::{Resource, SpanId, SpanSink, TraceId};

    use super::*;

    fn context() -> Context {
        let trace_id = TraceId::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736).unwrap();
        let span_id = SpanId::from_u64(0x00f0_67aa_0ba9_02b7).unwrap();
        Context::new().with_remote_span(SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED))
    }

    fn text(ids: &LogIds, context: &Context) -> String {
        let mut text = String::new();
        ids.write_text(context, &mut text);
        text
    }

    #[test]
    fn each_back_end_has_its_names() {
        for (ids, expected) in [
            (
                LogIds::otel(),
                " trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 trace_flags=01 service.name=shop",
            ),
            (
                LogIds::datadog(),
                " dd.trace_id=11803532876627986230 dd.span_id=67667974448284343 dd.service=shop",
            ),
            (
                LogIds::ecs(),
                " trace.id=4bf92f3577b34da6a3ce929d0e0e4736 span.id=00f067aa0ba902b7 service.name=shop",
            ),
            (
                LogIds::gcp("acme"),
                " logging.googleapis.com/trace=projects/acme/traces/4bf92f3577b34da6a3ce929d0e0e4736 \
                 logging.googleapis.com/spanId=00f067aa0ba902b7 logging.googleapis.com/trace_sampled=true service.name=shop",
            ),
        ] {
            assert_eq!(text(&ids.service("shop"), &context()), expected);
        }
    }

    #[test]
    fn outside_of_a_trace_there_is_the_service_if_it_is_named() {
        assert_eq!(text(&LogIds::otel(), &Context::new()), "");
        let ids = LogIds::otel().service("the shop");
        assert_eq!(text(&ids, &Context::new()), " service.name=\"the shop\"");
    }

    #[test]
    fn the_service_is_that_of_the_span() {
        #[derive(Debug)]
        struct Sink;
        impl SpanSink for Sink {
            fn submit(&self, _: tracing_core_ctx::SpanRecord) {}
        }

        let tracer = Tracer::builder()
            .resource(Resource::new("mail"))
            .sink(Sink)
            .build();
        let span = tracer.span("send").start();
        let line = text(&LogIds::otel().service("shop"), &span.context());
        assert!(line.ends_with(" service.name=mail"), "{line}");
    }
}
