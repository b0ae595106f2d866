//! What is known of a span or an event by where it is in the code, and on which thread.

use std::thread;

use tracing::Metadata;
use tracing_core_ctx::attribute::{Key, KeyRef};
use tracing_core_ctx::semconv;
use tracing_core_ctx::span::{EventWriter, SpanTemplate, SpanWriter};

use super::Settings;
use super::fields::in_words;

/// Not of the conventions, which have no name for either; those that tracing-opentelemetry has.
pub(super) const LEVEL: Key<str> = Key::new("level");
pub(crate) const TARGET: Key<str> = Key::new("target");

/// What all spans of a callsite say.
pub(super) fn describe(
    settings: &Settings,
    metadata: &Metadata<'static>,
    template: &mut SpanTemplate,
) {
    // These two are copied with the values, so that there is room by reference for the names of fields.
    if settings.target {
        let name = KeyRef::Borrowed(TARGET.name());
        template.set(name, metadata.target());
    }
    if settings.level {
        let name = KeyRef::Borrowed(LEVEL.name());
        template.set(name, metadata.level().as_str());
    }
    if settings.location {
        if let Some(file) = metadata.file() {
            template.set(semconv::CODE_FILE_PATH, file);
        }
        if let Some(line) = metadata.line() {
            template.set(semconv::CODE_LINE_NUMBER, line);
        }
    }
    if settings.function_names
        && let Some(module) = metadata.module_path()
    {
        in_words(format_args!("{module}::{}", metadata.name()), |name| {
            template.set(semconv::CODE_FUNCTION_NAME, name);
        });
    }
}

pub(super) fn describe_thread(span: &mut SpanWriter<'_>) {
    span.set_opt(semconv::THREAD_ID, thread_id());
    span.set_opt(semconv::THREAD_NAME, thread::current().name());
}

/// Whether [`describe_thread`] says it.
pub(super) fn is_of_thread(name: &str) -> bool {
    name == semconv::THREAD_ID.name() || name == semconv::THREAD_NAME.name()
}

pub(super) fn describe_event(
    settings: &Settings,
    metadata: &Metadata<'static>,
    event: &mut EventWriter<'_>,
) {
    event.set(LEVEL, metadata.level().as_str());
    event.set(TARGET, metadata.target());
    if settings.location {
        if let Some(file) = metadata.file() {
            event.set(semconv::CODE_FILE_PATH, file);
        }
        if let Some(line) = metadata.line() {
            event.set(semconv::CODE_LINE_NUMBER, line);
        }
    }
}

/// The number of this thread, as the runtime of the language counts. It is only told by its `Debug`.
fn thread_id() -> Option<i64> {
    thread_local! {
        static ID: Option<i64> = {
            let id = format!("{:?}", thread::current().id());
            id.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
        };
    }
    ID.try_with(|id| *id).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_a_number_of_its_own() {
        let here = thread_id();
        assert!(here.is_some());
        assert_ne!(thread::spawn(thread_id).join().unwrap(), here);
    }
}
