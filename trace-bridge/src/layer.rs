//! Spans and events of `tracing`, in the tree of the core.

mod asked;
mod callbacks;
mod callsites;
mod event;
mod ext;
mod fields;
mod made;
mod number;
mod open;
mod otel;
mod place;
mod start;
mod timings;

use std::fmt;
use std::sync::Arc;

use callsites::Callsites;
#[cfg(feature = "otlp-logs")]
pub(crate) use event::{is_of_log, key_of};
pub use ext::TracingSpanExt;
#[cfg(feature = "otlp-logs")]
pub(crate) use fields::each;
use made::MadeBy;
use number::Number;
use open::OpenSpans;
pub(crate) use open::SpansOf;
#[cfg(feature = "otlp-logs")]
pub(crate) use place::TARGET;
use tracing::span::Id;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::context::Owner;

/// Puts the spans of [`tracing`](::tracing) into the tree: a layer of [`tracing_subscriber`].
///
/// A `tracing` span that is opened while a span of this project is current is its child, whoever started that one: a server layer, a
/// consumer, [`Span::child`](tracing_core_ctx::Span::child). While it is entered it is the current [`Context`](tracing_core_ctx::Context),
/// so that calls and messages made inside are its children. An event becomes an event of the span that is current.
///
/// ```
/// use trace_bridge::TracingLayer;
/// use tracing_core_ctx::{Context, Tracer};
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::prelude::*;
///
/// # let tracer = Tracer::noop();
/// let subscriber = tracing_subscriber::registry()
///     .with(LevelFilter::INFO)
///     .with(tracing_subscriber::fmt::layer())
///     .with(TracingLayer::new(tracer));
///
/// #[tracing::instrument]
/// fn price(items: u32) -> u32 {
///     tracing::info!(items, "pricing"); // An event of `price`.
///     items * 3
/// }
/// tracing::subscriber::with_default(subscriber, || price(4));
/// ```
///
/// - A span starts when it is made and ends when its last handle is dropped, however often it was entered. One that is dropped by a panic has failed
///   with `error.type` = `panic`.
/// - The registry keeps a handle of a span for each one below it. A span that is left for the last time while spans below it are open, or work
///   goes on in its context, has ended then: a task that it spawned does not make it longer.
/// - Fields are attributes with their types. A whole number beyond 64 signed bits becomes its decimal digits, a field that is only `Debug` or
///   `Display` a text of at most 64 KiB. A `Debug` that panics costs its field.
/// - `otel.name`, `otel.kind`, `otel.status_code` and `otel.status_description` say what they say in tracing-opentelemetry. The
///   kind counts when the span is made.
/// - An `error` field, and what `#[instrument(err)]` reports, is an `exception` event and sets the status. An event of level `ERROR` sets
///   the status of the `tracing` span it is in; a span that `tracing` did not open judges for itself.
/// - Samplers see the fields that a span is made with, level, target and place; fields are read for them only if they ask.
/// - Below a span that does not record, nothing is recorded; the span then carries the context and no more, and
///   nothing is allocated for it.
/// - `parent: None` begins a trace; `parent: &span` is obeyed.
///
/// Spans outside of any traced request begin traces, see [`roots`](Self::roots). Libraries open spans of level `DEBUG` and `TRACE`
/// for every connection: filter by level. Where one level does for logs and spans, as above, that costs a span 30 instructions; a filter for this layer alone
/// ([`with_filter`](tracing_subscriber::Layer::with_filter)) costs 570.
pub struct TracingLayer {
    tracer: Tracer,
    spans: Arc<OpenSpans>,
    callsites: Callsites,
    made: MadeBy,
    /// Tells this layer from others on the same thread: two subscribers may both have a span 1.
    number: Number,
    settings: Settings,
}

/// What becomes of an event of `tracing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Events {
    /// It is an event of the span that is current, and it sets the status if it tells of an error.
    #[default]
    OnSpans,
    /// It only sets the status, if it tells of an error: the log has the rest, with the ids of the span.
    InLogs,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    busy_and_idle: bool,
    events: Events,
    function_names: bool,
    level: bool,
    location: bool,
    roots: bool,
    target: bool,
    threads: bool,
}

impl TracingLayer {
    /// A layer whose traces are begun by `tracer`. A child of a span that records is started by the tracer of that span, so one layer
    /// serves all services of a process.
    #[must_use]
    pub fn new(tracer: Tracer) -> Self {
        Self {
            tracer,
            spans: Arc::new(OpenSpans::new()),
            callsites: Callsites::new(),
            made: MadeBy::STRANGER,
            number: Number::next(),
            settings: Settings {
                busy_and_idle: false,
                events: Events::default(),
                function_names: false,
                level: true,
                location: true,
                roots: true,
                target: true,
                threads: false,
            },
        }
    }

    /// Whether `busy_ns` and `idle_ns` tell for how many nanoseconds a span was entered, and was not. Default: no. It costs a look at the
    /// clock at each entry and exit.
    #[must_use]
    pub const fn busy_and_idle(mut self, is_on: bool) -> Self {
        self.settings.busy_and_idle = is_on;
        self
    }

    /// Who makes the context of a span current.
    #[inline]
    fn owner(&self, id: &Id) -> Owner {
        Owner::new(self.number.get(), id.into_u64())
    }

    pub(crate) fn spans_of(&self) -> SpansOf {
        SpansOf(Arc::clone(&self.spans))
    }

    /// What becomes of events. Default: [`Events::OnSpans`].
    #[must_use]
    pub const fn events(mut self, events: Events) -> Self {
        self.settings.events = events;
        self
    }

    /// Whether `code.function.name` is the module and the name of the span, for programs whose spans are made by `#[instrument]` and named after
    /// their functions. Default: no, since `tracing` does not tell such a span from another one.
    #[must_use]
    pub const fn function_names(mut self, is_on: bool) -> Self {
        self.settings.function_names = is_on;
        self
    }

    /// Whether `level` is the level of a span. Default: yes. Events always have theirs.
    #[must_use]
    pub const fn level(mut self, is_on: bool) -> Self {
        self.settings.level = is_on;
        self
    }

    /// Whether `code.file.path` and `code.line.number` tell where a span or event is made. Default: yes.
    #[must_use]
    pub const fn location(mut self, is_on: bool) -> Self {
        self.settings.location = is_on;
        self
    }

    /// Whether a span outside of any traced request begins a trace. Default: yes. Without, it is not recorded.
    #[must_use]
    pub const fn roots(mut self, is_on: bool) -> Self {
        self.settings.roots = is_on;
        self
    }

    /// Whether `target` is the target of a span. Default: yes. Events always have theirs.
    #[must_use]
    pub const fn target(mut self, is_on: bool) -> Self {
        self.settings.target = is_on;
        self
    }

    /// Whether `thread.id` and `thread.name` tell on which thread a span is made. Default: no.
    #[must_use]
    pub const fn threads(mut self, is_on: bool) -> Self {
        self.settings.threads = is_on;
        self
    }
}

impl fmt::Debug for TracingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracingLayer")
            .field("tracer", &self.tracer)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
