use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::event::EventWriter;
use super::{Event, Link, LiveRef, LiveSpan, SpanBuilder, SpanWriter, Status, exception};
use crate::attribute::{AttributeKey, AttributeValue};
use crate::{Context, SpanContext, SpanId, Timestamp, TraceState, Tracer, semconv};

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
/// costly. What is written after the end is ignored and counted in [`Tracer::stats`](crate::Tracer::stats).
///
/// No method holds a lock while it runs code of its caller: closures, conversions and `Display` may use the same span.
#[derive(Clone, Default)]
pub struct SpanRef {
    is: Is,
}

/// What a handle refers to.
#[derive(Clone, Default)]
enum Is {
    /// A span that records.
    Live(LiveRef),
    /// No span.
    #[default]
    Nothing,
    /// A span that does not record here: its identity passes through.
    Passing(SpanContext),
}

impl SpanRef {
    pub(crate) const NONE: Self = Self { is: Is::Nothing };

    pub(super) const fn of_live(live: LiveRef) -> Self {
        Self { is: Is::Live(live) }
    }

    /// A span that does not record here.
    pub(crate) const fn passing(span_context: SpanContext) -> Self {
        Self {
            is: Is::Passing(span_context),
        }
    }

    /// What it says of a span that does not record here.
    #[inline]
    pub(crate) const fn passing_mut(&mut self) -> Option<&mut SpanContext> {
        match &mut self.is {
            Is::Passing(span_context) => Some(span_context),
            Is::Live(_) | Is::Nothing => None,
        }
    }

    /// The `tracestate` of its identity.
    #[inline]
    pub(super) fn into_trace_state(self) -> TraceState {
        match self.is {
            Is::Live(live) => live.get().map_or(TraceState::EMPTY, |live| {
                live.span_context().trace_state().clone()
            }),
            Is::Nothing => TraceState::EMPTY,
            Is::Passing(span_context) => span_context.into_trace_state(),
        }
    }

    /// Whether it is a span of this process that does not record.
    #[inline]
    pub(crate) const fn is_unrecorded(&self) -> bool {
        match &self.is {
            Is::Passing(span_context) => !span_context.is_remote(),
            Is::Live(_) | Is::Nothing => false,
        }
    }

    /// The span that is current on this thread.
    #[must_use]
    pub fn current() -> Self {
        Context::with_current(|cx| cx.span_ref().clone()).unwrap_or_default()
    }

    /// Its identity; `None` when there is no span at all.
    #[must_use]
    #[inline]
    pub fn span_context(&self) -> Option<&SpanContext> {
        match &self.is {
            Is::Live(live) => live.get().map(LiveSpan::span_context),
            Is::Nothing => None,
            Is::Passing(span_context) => Some(span_context),
        }
    }

    /// The local root that it belongs to, if it records here.
    #[inline]
    pub(super) fn local_root(&self) -> Option<SpanId> {
        self.live().map(LiveSpan::local_root)
    }

    /// Whether what is written now is kept: the span records and has not ended.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.live().is_some_and(|live| !live.has_ended())
    }

    /// The tracer that starts its children, in the application's name as [`Span::child`](crate::Span::child) does: for bridges that start them
    /// in another context than the current one. `None` for a span that was not recording when this handle was made.
    #[must_use]
    #[inline]
    pub fn tracer(&self) -> Option<Tracer> {
        let tracer = self.live()?.tracer();
        Some(tracer.with_scope(tracer.application()))
    }

    /// A child about to start, by the [`tracer`](Self::tracer) that starts children. `None` for a span that was not recording when this handle was made.
    #[must_use]
    #[inline]
    pub fn child_span<'a>(&'a self, name: &'a str) -> Option<SpanBuilder<'a>> {
        Some(SpanBuilder::of_application(self.live()?.tracer(), name))
    }

    /// Sets an attribute; a second value for a key replaces the first.
    #[inline(always)]
    pub fn set<K: AttributeKey>(&self, key: K, value: impl AttributeValue<K::Type>) {
        if self.is_live() {
            self.set_live(key, value);
        }
    }

    fn set_live<K: AttributeKey>(&self, key: K, value: impl AttributeValue<K::Type>) {
        // Both are taken before the lock: they may be foreign code.
        let (key_ref, value) = (key.key(), value.value());
        if cfg!(debug_assertions) && K::BY_HAND {
            semconv::check::report_once(key_ref.as_str(), value);
        }
        self.write(|span| span.put(key_ref, value));
    }

    /// Sets an attribute if there is a value; `None` leaves what is there.
    ///
    /// ```
    /// use tracing_core_ctx::SpanRef;
    ///
    /// let coupon: Option<&str> = None;
    /// SpanRef::current().set_opt("shop.coupon", coupon);
    /// ```
    pub fn set_opt<K: AttributeKey>(&self, key: K, value: Option<impl AttributeValue<K::Type>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Replaces the name. Samplers have seen the one that was given at the start.
    pub fn update_name(&self, name: &str) {
        self.write(|span| span.update_name(name));
    }

    /// Takes a status over if the order `Ok` > `Error` > `Unset` allows it. The later of two failures counts, unless it has no
    /// description.
    pub fn set_status(&self, status: Status) {
        self.write(|span| span.set_status(status));
    }

    /// Adds an event that happened now. `describe` runs only when something records.
    pub fn event(
        &self,
        name: impl Into<Cow<'static, str>>,
        describe: impl FnOnce(&mut EventWriter<'_>),
    ) {
        if let Some(live) = self.recording() {
            add_event(live, live.tracer().now(), name.into(), describe);
        }
    }

    /// Adds an event that happened at `time`.
    pub fn event_at(
        &self,
        time: Timestamp,
        name: impl Into<Cow<'static, str>>,
        describe: impl FnOnce(&mut EventWriter<'_>),
    ) {
        if let Some(live) = self.recording() {
            add_event(live, time, name.into(), describe);
        }
    }

    /// Adds a link, to a [`SpanContext`] or with attributes. Samplers do not see it: give links at the start where they are known.
    pub fn link(&self, link: impl Into<Link>) {
        if self.live().is_some() {
            let link = link.into();
            self.write(|span| span.link(link));
        }
    }

    /// Marks the operation as failed: error status and `error.type`. See [`SpanWriter::fail`].
    pub fn fail(&self, error_type: &str, description: impl Into<Cow<'static, str>>) {
        if self.live().is_some() {
            // Converted before the lock is taken, as everything that may be foreign code.
            let description = description.into();
            self.write(|span| span.fail(error_type, description));
        }
    }

    /// Marks the operation as failed with `error`: error status with its message, `error.type` with the name of its type, and
    /// an `exception` event.
    ///
    /// The message is followed by those of its causes, as far as it does not say them itself; at most eight of them, 16 KiB in all.
    /// They are recorded as they are: an error that prints a URL with secrets in it, as those of HTTP clients may, is to be redacted first. Of a
    /// `dyn Error` the type is not known: its `error.type` is `_OTHER`.
    ///
    /// ```
    /// # use tracing_core_ctx::SpanRef;
    /// # fn read() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// if let Err(error) = read() {
    ///     SpanRef::current().record_failure(&error);
    /// }
    /// ```
    ///
    /// A `Box<dyn Error>` is not an [`Error`] itself; what it holds is. Pass `&*error`:
    ///
    /// ```
    /// # use std::error::Error;
    /// # use tracing_core_ctx::SpanRef;
    /// # fn import() -> Result<(), Box<dyn Error + Send + Sync>> { Err("no such file".into()) }
    /// if let Err(error) = import() {
    ///     SpanRef::current().record_failure(&*error);
    /// }
    /// ```
    pub fn record_failure<E: Error + ?Sized>(&self, error: &E) {
        let Some(live) = self.recording() else {
            return;
        };
        // The message is made by foreign code, so before the lock is taken.
        let text = exception::message(error);
        let kind = exception::type_of::<E>();
        add_exception(live, kind, &text, false);
        self.write(|span| span.fail(kind.unwrap_or(semconv::error_type::OTHER), text));
    }

    /// The same where nobody has said yet that it failed.
    pub(super) fn record_failure_unless_failed<E: Error>(&self, error: &E) {
        let mut has_failed = false;
        self.write(|span| has_failed = span.has_failed());
        if !has_failed {
            self.record_failure(error);
        }
    }

    /// Records an error that the operation coped with: an `exception` event marked with `ctx.handled`. Neither the status nor
    /// `error.type` is touched: the operation did not fail.
    ///
    /// Of a `Box<dyn Error>` pass `&*error`, as to [`record_failure`](Self::record_failure).
    ///
    /// ```
    /// # use std::error::Error;
    /// # use tracing_core_ctx::SpanRef;
    /// # fn cached() -> Result<u32, Box<dyn Error>> { Err("cold".into()) }
    /// # fn computed() -> u32 { 3 }
    /// let price = cached().unwrap_or_else(|error| {
    ///     SpanRef::current().record_handled(&*error);
    ///     computed()
    /// });
    /// # assert_eq!(price, 3);
    /// ```
    pub fn record_handled<E: Error + ?Sized>(&self, error: &E) {
        if let Some(live) = self.recording() {
            add_exception(
                live,
                exception::type_of::<E>(),
                &exception::message(error),
                true,
            );
        }
    }

    /// A context with this span as the current one and everything else as it is now; the current context if this span has no identity.
    #[must_use]
    pub fn context(&self) -> Context {
        let current = Context::current();
        if self.span_context().is_some() {
            current.with_span(self)
        } else {
            current
        }
    }

    #[inline]
    pub(crate) fn live(&self) -> Option<&LiveSpan> {
        match &self.is {
            Is::Live(live) => live.get(),
            Is::Nothing | Is::Passing(_) => None,
        }
    }

    /// The same, if nobody else has this span.
    #[inline]
    pub(crate) fn live_mut(&mut self) -> Option<&mut LiveSpan> {
        match &mut self.is {
            Is::Live(live) => live.get_mut(),
            Is::Nothing | Is::Passing(_) => None,
        }
    }

    /// Ends the span; see [`LiveSpan::end`].
    #[inline]
    pub(super) fn end(&mut self, end: Option<Timestamp>, finish: impl FnOnce(&mut SpanWriter<'_>)) {
        let recording = match self.live_mut() {
            Some(live) => live.take_alone(),
            None => self.live().and_then(LiveSpan::take),
        };
        if let (Some(recording), Some(live)) = (recording, self.live()) {
            live.end(recording, end, finish);
        }
    }

    /// Whether it refers to no span at all.
    pub(super) const fn is_none(&self) -> bool {
        matches!(self.is, Is::Nothing)
    }

    /// Whether it refers to a span that was recording when the handle was made.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.is, Is::Live(_))
    }

    /// The span, if it still runs. That it does not is counted as a late write.
    fn recording(&self) -> Option<&LiveSpan> {
        let live = self.live()?;
        if live.has_ended() {
            live.tracer().count_late_write();
            return None;
        }
        Some(live)
    }

    pub(super) fn write(&self, write: impl FnOnce(&mut SpanWriter<'_>)) {
        if let Some(live) = self.live() {
            live.write(write);
        }
    }
}

impl fmt::Debug for SpanRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanRef")
            .field("span_context", &self.span_context())
            .field("recording", &self.is_recording())
            .finish()
    }
}

/// Describes the event before the lock is taken: `describe` may use the span itself.
fn add_event(
    live: &LiveSpan,
    time: Timestamp,
    name: Cow<'static, str>,
    describe: impl FnOnce(&mut EventWriter<'_>),
) {
    let mut event = Event::new(name, time);
    describe(&mut EventWriter {
        attributes: &mut event.attributes,
        limits: &live.tracer().limits().event_attributes,
    });
    live.write(|span| span.push_event(event));
}

fn add_exception(live: &LiveSpan, kind: Option<&str>, text: &str, handled: bool) {
    add_event(
        live,
        live.tracer().now(),
        semconv::EXCEPTION_EVENT.into(),
        |event| {
            if let Some(kind) = kind {
                event.set(semconv::EXCEPTION_TYPE, kind);
            }
            event.set(semconv::EXCEPTION_MESSAGE, text);
            if handled {
                event.set(semconv::CTX_HANDLED, true);
            }
        },
    );
}
