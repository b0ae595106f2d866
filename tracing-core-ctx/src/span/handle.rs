use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::event::EventWriter;
use super::{Event, Link, LiveSpan, SpanWriter, Status};
use crate::attribute::{AttributeKey, AttributeValue};
use crate::{Context, SpanContext, Timestamp, semconv};

/// A span that someone else ends: it can be described, from any thread, as long as it runs.
///
/// ```
/// use tracing_core_ctx::{Context, semconv};
///
/// // In a handler, far below the layer that started the span:
/// let span = Context::current().span();
/// span.set("shop.cart.size", 3);
/// span.event("cart.checked", |_| {});
/// ```
///
/// When nothing records, every method returns at once; ask [`is_recording`](Self::is_recording) before computing something
/// costly. What is written after the end is ignored and counted.
#[derive(Clone, Default)]
pub struct SpanRef {
    span_context: Option<SpanContext>,
    live: Option<Arc<LiveSpan>>,
}

impl SpanRef {
    pub(crate) const fn new(span_context: Option<SpanContext>, live: Option<Arc<LiveSpan>>) -> Self {
        Self { span_context, live }
    }

    /// The span that is current on this thread.
    #[must_use]
    pub fn current() -> Self {
        Context::with_current(Context::span).unwrap_or_default()
    }

    /// Its identity; `None` when there is no span at all.
    #[must_use]
    pub const fn span_context(&self) -> Option<&SpanContext> {
        self.span_context.as_ref()
    }

    /// Whether something is listening.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.has_ended())
    }

    /// Sets an attribute; a second value for a key replaces the first.
    pub fn set<K: AttributeKey>(&self, key: K, value: impl AttributeValue<K::Type>) {
        if self.live.is_none() {
            return;
        }
        // Both are taken before the lock: they may be foreign code.
        let (key_ref, value) = (key.key(), value.value());
        if cfg!(debug_assertions) && K::BY_HAND {
            semconv::check::report_once(key_ref.as_str(), value);
        }
        self.write(|span| span.put(key_ref, value));
    }

    /// Replaces the name.
    pub fn update_name(&self, name: &str) {
        self.write(|span| span.update_name(name));
    }

    /// Takes a status over if the order `Ok` > `Error` > `Unset` allows it.
    pub fn set_status(&self, status: Status) {
        self.write(|span| span.set_status(status));
    }

    /// Adds an event that happened now. `describe` runs only when something records.
    pub fn event(&self, name: impl Into<Cow<'static, str>>, describe: impl FnOnce(&mut EventWriter<'_>)) {
        if let Some(live) = &self.live {
            self.event_at(live.tracer().now(), name, describe);
        }
    }

    /// Adds an event that happened at `time`.
    pub fn event_at(
        &self,
        time: Timestamp,
        name: impl Into<Cow<'static, str>>,
        describe: impl FnOnce(&mut EventWriter<'_>),
    ) {
        let Some(live) = &self.live else {
            return;
        };
        // Described before the lock is taken: `describe` may use the span itself.
        let mut event = Event::new(name, time);
        describe(&mut EventWriter {
            attributes: &mut event.attributes,
            limits: &live.tracer().limits().event_attributes,
        });
        live.write(|span| span.push_event(event));
    }

    /// Adds a link. Samplers do not see it: give links at the start where they are known.
    pub fn link(&self, link: Link) {
        self.write(|span| span.push_link(link));
    }

    /// Marks the operation as failed: error status and `error.type`. See [`SpanWriter::fail`].
    pub fn fail(&self, error_type: &str, description: impl Into<Cow<'static, str>>) {
        self.write(|span| span.fail(error_type, description));
    }

    /// Marks the operation as failed with `error`: error status with its message, `error.type` with the name of its type, and
    /// an `exception` event.
    ///
    /// ```
    /// # use tracing_core_ctx::SpanRef;
    /// # fn read() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// if let Err(error) = read() {
    ///     SpanRef::current().record_failure(&error);
    /// }
    /// ```
    pub fn record_failure<E: Error + ?Sized>(&self, error: &E) {
        if !self.is_recording() {
            return;
        }
        // The message is made by foreign code, so before the lock is taken.
        let text = message(error);
        let kind = std::any::type_name::<E>();
        let error_type = if kind.contains("dyn ") { semconv::error_type::OTHER } else { kind };
        self.exception(kind, &text, false);
        self.write(|span| span.fail(error_type, text));
    }

    /// Records an error that the operation coped with: an `exception` event marked as handled. The status is not touched.
    pub fn record_handled<E: Error + ?Sized>(&self, error: &E) {
        if self.is_recording() {
            self.exception(std::any::type_name::<E>(), &message(error), true);
        }
    }

    fn exception(&self, kind: &str, text: &str, handled: bool) {
        self.event("exception", |event| {
            if !kind.contains("dyn ") {
                event.set(semconv::EXCEPTION_TYPE, kind);
            }
            event.set(semconv::EXCEPTION_MESSAGE, text);
            if handled {
                event.set(semconv::CTX_HANDLED, true);
            }
        });
    }

    /// A context with this span as the current one and everything else as it is now.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::current().with_span(self)
    }

    pub(crate) const fn live(&self) -> Option<&Arc<LiveSpan>> {
        self.live.as_ref()
    }

    pub(super) fn write(&self, write: impl FnOnce(&mut SpanWriter<'_>)) {
        if let Some(live) = &self.live {
            live.write(write);
        }
    }
}

impl fmt::Debug for SpanRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanRef")
            .field("span_context", &self.span_context)
            .field("recording", &self.is_recording())
            .finish()
    }
}

/// The message of an error and of what caused it, at most eight causes deep.
fn message<E: Error + ?Sized>(error: &E) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..8 {
        let Some(error) = cause else {
            break;
        };
        let more = error.to_string();
        // Many errors already print their cause.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
