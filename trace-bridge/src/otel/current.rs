use std::cell::RefCell;

use opentelemetry::baggage::{BaggageExt as _, BaggageMetadata, KeyValueMetadata};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context as OtelContext, ContextGuard};
use tracing_core_ctx::baggage::Entry;
use tracing_core_ctx::context::{Neighbour, NeighbourExists, set_neighbour};
use tracing_core_ctx::{Baggage, Context, SpanContext, SpanRef};

use super::span::BridgeSpan;
use super::{convert, open};

/// Keeps one current context for both, in the whole process: what we make current is current for OpenTelemetry's API, and the other way
/// round. In every poll, in destructors, in consumers. So is baggage.
///
/// Each time that a context of ours becomes current, a few allocations are made for theirs.
///
/// # Errors
///
/// If there is such a bridge already.
pub fn follow_current() -> Result<(), NeighbourExists> {
    set_neighbour(Bridge)
}

#[derive(Debug)]
struct Bridge;

/// The span that we made current last, as a value of their contexts: a context that somebody keeps and makes current elsewhere still
/// knows it, and not just its ids.
struct Ours(SpanRef);

/// What we attached for a context of ours.
struct Attached {
    depth: usize,
    _guard: ContextGuard,
}

thread_local! {
    static ATTACHED: RefCell<Vec<Attached>> = const { RefCell::new(Vec::new()) };
}

impl Neighbour for Bridge {
    fn entered(&self, context: &Context, depth: usize) {
        let attached = Attached {
            depth,
            _guard: theirs(context).attach(),
        };
        let left = ATTACHED.try_with(|list| match list.try_borrow_mut() {
            Ok(mut list) => {
                let left = split(&mut list, depth - 1);
                list.push(attached);
                left
            }
            // Nobody calls while the list is in use.
            Err(_) => vec![attached],
        });
        drop(left);
    }

    fn left(&self, depth: usize) {
        let left = ATTACHED.try_with(|list| match list.try_borrow_mut() {
            Ok(mut list) => split(&mut list, depth),
            Err(_) => Vec::new(),
        });
        if let Ok(mut left) = left {
            // From the top; outside of the list, since destructors of foreign values may call us.
            while left.pop().is_some() {}
        }
    }

    fn above(&self, ours: &Context) -> Option<Context> {
        OtelContext::map_current(|theirs| {
            let mut changed = context_of(theirs, ours);
            if !has_baggage(theirs, ours.baggage()) {
                let context = changed.take().unwrap_or_else(|| ours.clone());
                changed = Some(context.with_baggage(baggage_of(theirs)));
            }
            if theirs.is_telemetry_suppressed() && !ours.is_suppressed() {
                let context = changed.take().unwrap_or_else(|| ours.clone());
                changed = Some(context.suppressed());
            }
            changed
        })
    }
}

/// Takes those out that stand above `depth`.
fn split(list: &mut Vec<Attached>, depth: usize) -> Vec<Attached> {
    match list.iter().position(|attached| attached.depth > depth) {
        Some(place) => list.split_off(place),
        None => Vec::new(),
    }
}

/// `ours` with the span of `theirs`; `None` if that has none, or the same.
pub(super) fn context_of(theirs: &OtelContext, ours: &Context) -> Option<Context> {
    if !theirs.has_active_span() {
        return None;
    }
    let span = convert::from_otel(theirs.span().span_context())?;
    // By the ids alone: what their grammar does not take of a `tracestate` is missing in theirs.
    let is_span = |known: &SpanContext| {
        known.trace_id() == span.trace_id() && known.span_id() == span.span_id()
    };
    if ours.span_context().is_some_and(is_span) {
        return None;
    }
    let is_same = |known: &SpanRef| known.span_context().is_some_and(is_span);
    let known = theirs.get::<Ours>().map(|ours| &ours.0);
    let ours = ours.clone();
    Some(match known.filter(|known| is_same(known)) {
        Some(known) => ours.with_span(known),
        None => match open::find(&span) {
            Some(open) => ours.with_span(&open),
            None => ours.with_remote_span(span),
        },
    })
}

/// Our context as one of theirs. Values of others stay.
fn theirs(ours: &Context) -> OtelContext {
    let mut theirs = OtelContext::current()
        .with_value(Ours(ours.span()))
        .with_span(BridgeSpan::shown(ours.span_ref()));
    if !has_baggage(&theirs, ours.baggage()) {
        theirs = with_baggage(&theirs, ours.baggage());
    }
    if ours.is_suppressed() {
        theirs = theirs.with_telemetry_suppressed();
    }
    theirs
}

fn has_baggage(theirs: &OtelContext, ours: &Baggage) -> bool {
    let theirs = theirs.baggage();
    let is_same = |entry: &Entry| {
        let found = theirs.get(entry.name());
        found.is_some_and(|value| value.as_str() == entry.value())
    };
    theirs.len() == ours.len() && ours.iter().all(is_same)
}

pub(super) fn with_baggage(theirs: &OtelContext, ours: &Baggage) -> OtelContext {
    let entries = ours.iter().map(|entry| {
        let metadata = BaggageMetadata::from(entry.metadata());
        KeyValueMetadata::new(entry.name().to_owned(), entry.value().to_owned(), metadata)
    });
    theirs.with_baggage(entries.collect::<Vec<_>>())
}

pub(super) fn baggage_of(theirs: &OtelContext) -> Baggage {
    let entries = theirs.baggage().iter();
    entries
        .map(|(key, (value, metadata))| Entry::new(key.as_str(), value.as_str(), metadata.as_str()))
        .collect()
}
