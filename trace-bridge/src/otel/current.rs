use std::cell::RefCell;

use opentelemetry::baggage::{BaggageExt as _, BaggageMetadata, KeyValueMetadata};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context as OtelContext, ContextGuard};
use tracing_core_ctx::baggage::Entry;
use tracing_core_ctx::context::{Neighbour, NeighbourExists, set_neighbour};
use tracing_core_ctx::{Baggage, Context, SpanContext};

use super::span::BridgeSpan;
use super::{convert, open};

/// Keeps one current context for both, in the whole process: what we make current is current for OpenTelemetry's API, and the other way
/// round. In every poll, in destructors, in consumers. So is baggage, and so is that work is [telemetry's own](Context::suppressed). A context
/// of theirs that was made from one of ours, or [read](super::TextMap) out of headers, knows all of it wherever it is made current.
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

/// What we made current last, or read out of headers, as a value of their contexts: one that somebody keeps and makes current elsewhere
/// still knows all of it, and not just the ids.
struct Ours(Context);

/// What we attached for a context of ours.
struct Attached {
    depth: usize,
    /// What was current before.
    below: OtelContext,
    /// Whether it is `below` itself, in the place of what others left there.
    is_again: bool,
    guard: ContextGuard,
}

thread_local! {
    static ATTACHED: RefCell<Vec<Attached>> = const { RefCell::new(Vec::new()) };
}

impl Neighbour for Bridge {
    fn entered(&self, context: &Context, depth: usize) {
        // If what others left is gone by now, what stood in its place goes too.
        if let Some(again) = take_again() {
            drop(again.guard);
            keep(again.depth, again.below);
        }
        let below = OtelContext::current();
        let attached = Attached {
            depth,
            guard: theirs(&below, context).attach(),
            below,
            is_again: false,
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
        leave(depth);
    }

    fn ended(&self, depth: usize) {
        let below = leave(depth);
        let again = take_again();
        if let Some(below) = again.as_ref().map(|again| again.below.clone()).or(below) {
            drop(again);
            keep(depth, below);
        }
    }

    fn above(&self, ours: &Context) -> Option<Context> {
        OtelContext::map_current(|theirs| {
            let mut changed = context_of(theirs, ours);
            if !has_baggage(theirs, ours.baggage()) {
                let context = changed.take().unwrap_or_else(|| ours.clone());
                changed = Some(context.with_baggage(baggage_of(theirs)));
            }
            let is_telemetry = theirs.is_telemetry_suppressed() || ours.is_telemetry();
            if is_telemetry && !changed.as_ref().unwrap_or(ours).is_telemetry() {
                let context = changed.take().unwrap_or_else(|| ours.clone());
                changed = Some(context.suppressed());
            }
            changed
        })
    }
}

/// Takes away what stands above `depth`, and says what was current before.
fn leave(depth: usize) -> Option<OtelContext> {
    let left = ATTACHED.try_with(|list| match list.try_borrow_mut() {
        Ok(mut list) => split(&mut list, depth),
        Err(_) => Vec::new(),
    });
    let mut left = left.ok()?;
    let mut below = None;
    // From the top; outside of the list, since destructors of foreign values may call us.
    while let Some(attached) = left.pop() {
        drop(attached.guard);
        below = Some(attached.below);
    }
    below
}

/// Makes `below` current again if others have left something there: a guard that is held across an `.await`, which would be current in
/// the next task.
fn keep(depth: usize, below: OtelContext) {
    if OtelContext::map_current(|current| is_same(current, &below)) {
        return;
    }
    let again = Attached {
        depth,
        guard: below.clone().attach(),
        below,
        is_again: true,
    };
    let kept = ATTACHED.try_with(|list| match list.try_borrow_mut() {
        Ok(mut list) => {
            list.push(again);
            None
        }
        Err(_) => Some(again),
    });
    drop(kept);
}

fn take_again() -> Option<Attached> {
    let taken = ATTACHED.try_with(|list| {
        let mut list = list.try_borrow_mut().ok()?;
        list.pop_if(|attached| attached.is_again)
    });
    taken.ok().flatten()
}

/// Whether two contexts say the same of what both APIs have.
fn is_same(one: &OtelContext, other: &OtelContext) -> bool {
    let ours = |context: &OtelContext| context.get::<Ours>().map(std::ptr::from_ref);
    ours(one) == ours(other)
        && one.span().span_context() == other.span().span_context()
        && std::ptr::eq(one.baggage(), other.baggage())
        && one.is_telemetry_suppressed() == other.is_telemetry_suppressed()
}

/// Takes those out that stand above `depth`.
fn split(list: &mut Vec<Attached>, depth: usize) -> Vec<Attached> {
    match list.iter().position(|attached| attached.depth > depth) {
        Some(place) => list.split_off(place),
        None => Vec::new(),
    }
}

/// What `theirs` says is current where ours has `ours`; `None` if it says nothing else, or nothing.
pub(super) fn context_of(theirs: &OtelContext, ours: &Context) -> Option<Context> {
    let span = span_of(theirs);
    let known = known(theirs, span.as_ref());
    // By the ids alone: what their grammar does not take of a `tracestate` is missing in theirs.
    let is_whole = |known: &&Context| match &span {
        Some(span) => is_in(known, span),
        None => true,
    };
    if let Some(known) = known.filter(is_whole) {
        return (known.identity() != ours.identity()).then(|| known.clone());
    }
    let span = span?;
    if is_in(ours, &span) {
        return None;
    }
    Some(in_span(known.unwrap_or(ours).clone(), span))
}

/// Whether `theirs` was made from `ours`.
pub(super) fn is_made_from(theirs: &OtelContext, ours: &Context) -> bool {
    let known = theirs.get::<Ours>();
    known.is_some_and(|Ours(known)| known.identity() == ours.identity())
}

/// All that `theirs` knows, whatever is current.
pub(super) fn whole(theirs: &OtelContext) -> Context {
    let span = span_of(theirs);
    let ours = known(theirs, span.as_ref()).cloned().unwrap_or_default();
    let ours = match span {
        Some(span) => in_span(ours, span),
        None => ours,
    };
    if has_baggage(theirs, ours.baggage()) {
        return ours;
    }
    ours.with_baggage(baggage_of(theirs))
}

/// What of ours `theirs` was made from, if that is of the trace of `span`, or neither is of any.
fn known<'a>(theirs: &'a OtelContext, span: Option<&SpanContext>) -> Option<&'a Context> {
    let Ours(known) = theirs.get::<Ours>()?;
    let trace_of = |span: &SpanContext| span.trace_id();
    (known.span_context().map(trace_of) == span.map(trace_of)).then_some(known)
}

fn span_of(theirs: &OtelContext) -> Option<SpanContext> {
    if !theirs.has_active_span() {
        return None;
    }
    convert::from_otel(theirs.span().span_context())
}

fn is_in(ours: &Context, span: &SpanContext) -> bool {
    ours.span_context().is_some_and(|known| {
        known.trace_id() == span.trace_id() && known.span_id() == span.span_id()
    })
}

/// `ours` with a span of theirs, or as it is if that is its own.
fn in_span(ours: Context, span: SpanContext) -> Context {
    if is_in(&ours, &span) {
        return ours;
    }
    match open::find(&span) {
        Some(open) => ours.with_span(&open),
        None => ours.with_remote_span(span),
    }
}

/// Our context as one of theirs. Values of others, which `below` has, stay.
fn theirs(below: &OtelContext, ours: &Context) -> OtelContext {
    let shown = BridgeSpan::shown(ours.span_ref());
    let mut theirs = remembering(below, ours).with_span(shown);
    if !has_baggage(&theirs, ours.baggage()) {
        theirs = with_baggage(&theirs, ours.baggage());
    }
    // What is left out of traces is logged all the same, which this would stop.
    if ours.is_telemetry() {
        theirs = theirs.with_telemetry_suppressed();
    }
    theirs
}

/// `theirs`, which knows `ours` from then on.
pub(super) fn remembering(theirs: &OtelContext, ours: &Context) -> OtelContext {
    theirs.with_value(Ours(ours.clone()))
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
