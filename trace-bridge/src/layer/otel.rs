//! Fields that say how a span is, not what is known about it: those that tracing-opentelemetry has.

use tracing_core_ctx::{SpanKind, SpanRef, Status};

use super::fields::Given;

/// What such fields said.
#[derive(Debug, Default)]
pub(super) struct Otel {
    pub(super) kind: SpanKind,
    pub(super) name: Option<String>,
    code: Option<Code>,
    description: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Code {
    Error,
    Ok,
}

impl Otel {
    /// Takes a field, if it is one of those.
    #[inline]
    pub(super) fn take(&mut self, name: &str, value: Given<'_>) -> bool {
        match name.strip_prefix("otel.") {
            Some(rest) => self.take_one(rest, value),
            None => false,
        }
    }

    /// Whether [`take`](Self::take) takes such a field.
    #[inline]
    pub(super) fn takes(name: &str) -> bool {
        name.strip_prefix("otel.").is_some_and(|rest| {
            matches!(
                rest,
                "kind" | "name" | "status_code" | "status_description" | "status_message"
            )
        })
    }

    fn take_one(&mut self, name: &str, value: Given<'_>) -> bool {
        match name {
            "kind" => value.read_text(|text| self.kind = kind(text)),
            "name" => value.read_text(|text| self.name = Some(text.to_owned())),
            "status_code" => value.read_text(|text| self.code = code(text)),
            // The second is what the first was called in earlier versions.
            "status_description" | "status_message" => {
                value.read_text(|text| self.description = Some(text.to_owned()));
            }
            _ => return false,
        }
        true
    }

    /// What was said of the status; `None` if nothing was.
    pub(super) fn status(&mut self) -> Option<Status> {
        match (self.code, self.description.take()) {
            (Some(Code::Ok), _) => Some(Status::Ok),
            (_, Some(description)) => Some(Status::error(description)),
            (Some(Code::Error), None) => Some(Status::error("")),
            (None, None) => None,
        }
    }

    /// Says it of a span that runs already. Its kind stays what it was.
    pub(super) fn apply(mut self, span: &SpanRef) {
        if let Some(name) = &self.name {
            span.update_name(name);
        }
        if let Some(status) = self.status() {
            span.set_status(status);
        }
    }
}

fn kind(text: &str) -> SpanKind {
    [
        ("client", SpanKind::Client),
        ("consumer", SpanKind::Consumer),
        ("producer", SpanKind::Producer),
        ("server", SpanKind::Server),
    ]
    .into_iter()
    .find(|(name, _)| text.eq_ignore_ascii_case(name))
    .map_or(SpanKind::Internal, |(_, kind)| kind)
}

fn code(text: &str) -> Option<Code> {
    if text.eq_ignore_ascii_case("ok") {
        Some(Code::Ok)
    } else {
        text.eq_ignore_ascii_case("error").then_some(Code::Error)
    }
}
