//! What happens when something is logged, and what an error is.

use tracing::span::Id;
use tracing::{Event, Level, Metadata};
use tracing_core_ctx::attribute::{KeyRef, ValueRef};
use tracing_core_ctx::context::Owner;
use tracing_core_ctx::{Context, SpanRef, semconv};

use super::fields::{Given, each};
use super::place::{self, TARGET};
use super::{Events, TracingLayer};

/// Whether a field of a span says that it failed: `error`, unless it is `false`, and whatever is handed over as an error.
pub(super) fn is_error(name: &str, value: Given<'_>) -> bool {
    match value {
        Given::Error(_) => true,
        Given::Value(ValueRef::Bool(is_error)) => name == "error" && is_error,
        _ => name == "error",
    }
}

/// Marks a span as failed if a field of it says so.
pub(super) fn record_error(span: &SpanRef, name: &str, value: Given<'_>) {
    if !is_error(name, value) {
        return;
    }
    match value {
        // With its causes.
        Given::Error(error) => span.record_failure(error),
        Given::Value(ValueRef::Bool(_)) => span.fail(semconv::error_type::OTHER, ""),
        text => text.read_text(|text| {
            span.event(semconv::EXCEPTION_EVENT, |event| {
                event.set(semconv::EXCEPTION_MESSAGE, text);
            });
            span.fail(semconv::error_type::OTHER, text.to_owned());
        }),
    }
}

/// What has to be known of an event before it can be told.
#[derive(Default)]
struct Gist {
    message: Option<String>,
    /// The field `error`, in words.
    error: Option<String>,
    /// An error with its causes.
    chain: Option<String>,
}

impl Gist {
    fn of(event: &Event<'_>) -> Self {
        let mut gist = Self::default();
        event.record(&mut each(|name, value| match name {
            "message" => value.read_text(|text| gist.message = Some(text.to_owned())),
            _ if !is_error(name, value) => {}
            _ => match value {
                Given::Error(error) => {
                    gist.chain = Some(chain(error));
                    if name == "error" {
                        gist.error = Some(String::new());
                    }
                }
                Given::Value(ValueRef::Bool(_)) => gist.error = Some(String::new()),
                text => text.read_text(|text| gist.error = Some(text.to_owned())),
            },
        }));
        gist
    }

    /// Whether it is what `#[instrument(err)]` reports: an error and no message.
    const fn is_returned_error(&self) -> bool {
        self.message.is_none() && self.error.is_some()
    }

    fn exception(&self) -> Option<&str> {
        let error = self.error.as_deref().filter(|_| self.message.is_none());
        let text = self.chain.as_deref().or(error);
        text.filter(|text| !text.is_empty())
    }

    /// How the span failed that the event is in, if the event says that it did.
    fn failure(self, level: &Level) -> Option<String> {
        let is_failure = *level == Level::ERROR || self.is_returned_error();
        let error = self.error.filter(|error| !error.is_empty());
        let description = self.chain.or(error).or(self.message);
        is_failure.then(|| description.unwrap_or_default())
    }
}

impl TracingLayer {
    pub(super) fn event(&self, event: &Event<'_>) {
        if event.is_root() {
            return;
        }
        let context = match event.parent() {
            Some(parent) => self.spans.recorded(parent),
            None => Some(Context::current()),
        };
        let Some(context) = context.filter(|context| context.span_ref().is_recording()) else {
            return;
        };
        let (span, metadata) = (context.span_ref(), event.metadata());
        if self.settings.events == Events::InLogs
            && *metadata.level() != Level::ERROR
            && metadata.fields().field("error").is_none()
        {
            return;
        }
        let gist = Gist::of(event);
        if self.settings.events == Events::OnSpans {
            self.tell(span, event, &gist);
        }
        if let Some(description) = gist.failure(metadata.level())
            && (event.parent().is_some() || self.is_ours(span))
        {
            span.fail(semconv::error_type::OTHER, description);
        }
    }

    fn tell(&self, span: &SpanRef, event: &Event<'_>, gist: &Gist) {
        let metadata = event.metadata();
        let is_exception = gist.is_returned_error();
        let name = match &gist.message {
            Some(message) => message.clone(),
            None if is_exception => semconv::EXCEPTION_EVENT.to_owned(),
            None => metadata.name().to_owned(),
        };
        span.event(name, |writer| {
            place::describe_event(&self.settings, metadata, writer);
            if let Some(text) = gist.exception() {
                writer.set(semconv::EXCEPTION_MESSAGE, text);
            }
            let is_of_log = is_of_log(metadata);
            event.record(&mut each(|name, value| match name {
                "message" => {}
                "error" if is_exception => {}
                name => {
                    if let Some(key) = key_of(name, is_of_log) {
                        value.read(|value| writer.set(KeyRef::Static(key), value));
                    }
                }
            }));
        });
    }

    /// Whether `tracing` opened the span that is current. Others judge their success by themselves: a server's span fails by its
    /// answer and not by what is logged on the way.
    fn is_ours(&self, span: &SpanRef) -> bool {
        let id = |span: &SpanRef| span.span_context().map(|span| span.span_id());
        Owner::last_of(self.number.get())
            .and_then(|last| self.spans.recorded(&Id::from_u64(last.number())))
            .is_some_and(|last| id(last.span_ref()) == id(span))
    }
}

/// What a field of an event is called. Of a line of the `log` crate counts what it says of itself, and not what its bridge says.
pub(crate) fn key_of(field: &'static str, is_of_log: bool) -> Option<&'static str> {
    match field {
        "log.target" if is_of_log => Some(TARGET.name()),
        "log.file" if is_of_log => Some(semconv::CODE_FILE_PATH.name()),
        "log.line" if is_of_log => Some(semconv::CODE_LINE_NUMBER.name()),
        "log.module_path" if is_of_log => None,
        name => Some(name),
    }
}

/// Whether an event was a line of the `log` crate.
pub(crate) fn is_of_log(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "log" && metadata.fields().field("log.target").is_some()
}

/// The message of an error and of its causes, eight at most.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    for _ in 0..=8 {
        let Some(error) = next else { break };
        Given::Error(error).read_text(|one| {
            // Many errors already print their cause.
            if text.is_empty() {
                one.clone_into(&mut text);
            } else if !text.contains(one) {
                text.push_str(": ");
                text.push_str(one);
            }
        });
        next = error.source();
    }
    text
}
