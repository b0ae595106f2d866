//! The context: which span is current, and what travels with it.
//!
//! ```
//! use tracing_core_ctx::Context;
//!
//! let cx = Context::current().with_baggage_entry("user.tier", "gold");
//! {
//!     let _scope = cx.attach();
//!     assert_eq!(Context::current().baggage().get("user.tier"), Some("gold"));
//! }
//! assert!(Context::current().baggage().is_empty());
//! ```
//!
//! A scope belongs to one thread and to synchronous code. A future or a stream takes its context along with
//! [`with_context`](crate::context::FutureExt::with_context), which makes it current in every poll and in its drop, and takes back in the
//! same moment whatever the code inside left attached: nothing leaks across an `.await`.

mod future;
mod hint;
mod identity;
mod moment;
mod neighbour;
mod node;
mod owner;
mod scope;
mod spans;
mod stream;
mod values;

use std::fmt;
use std::mem;

pub use future::{FutureExt, WithContext};
pub use hint::SamplingHint;
pub use identity::Identity;
pub use moment::{Moment, Watcher};
pub use neighbour::{Neighbour, NeighbourExists, set_neighbour};
use node::{Extras, Node};
pub use owner::Owner;
pub use scope::{Entered, Scope};
pub use stream::{StreamExt, StreamWithContext};
use triomphe::Arc;

use crate::span::{LiveSpan, SpanRef};
use crate::{Baggage, SpanContext};

/// A span, baggage and user values: cheap to clone, changed by copy.
///
/// A context is as large as a pointer, and the empty one points nowhere. Cloning it allocates nothing and counts one reference. What
/// it points to is used again by a later context. The default is the empty context, the same as [`Context::new`].
#[derive(Clone, Default)]
pub struct Context {
    node: Option<Arc<Node>>,
}

impl Context {
    /// No span, no baggage, no values.
    #[must_use]
    pub const fn new() -> Self {
        Self { node: None }
    }

    /// Whether it says nothing, as far as that is quickly told: one that said something once may not know.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.node.is_none()
    }

    /// A copy of the context that is current on this thread; the empty context when none was attached, and while the
    /// thread is being torn down.
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        scope::with_current(Self::clone).unwrap_or_default()
    }

    /// Looks at the current context without copying it; `None` while the thread is being torn down.
    ///
    /// While `read` runs, nothing can be attached: it sees, it does not call out.
    #[inline]
    pub(crate) fn with_current<R>(read: impl FnOnce(&Self) -> R) -> Option<R> {
        scope::with_current(read)
    }

    /// Whether nothing has been made current on this thread, which is quickly told.
    #[inline]
    pub(crate) fn is_nothing_current() -> bool {
        scope::is_empty()
    }

    /// Makes this context current on this thread until the scope is dropped.
    ///
    /// For synchronous code. The scope is not [`Send`], so a future that holds one across an `.await` cannot be spawned on
    /// threads; in async code use [`with_context`](FutureExt::with_context), which is current in every poll and only there.
    ///
    /// Scopes are meant to be dropped in the reverse order, but any order is safe: one that is dropped too early stops to count when
    /// those above it are gone. One that is never dropped ([`std::mem::forget`]) stays current until the [`scope`](Self::scope),
    /// the [`Entered`] guard or the poll of a [`WithContext`] around it ends.
    #[must_use = "the context is current only while the scope lives"]
    #[inline]
    pub fn attach(self) -> Scope {
        scope::attach(self)
    }

    /// Makes this context current while `run` runs, and takes back whatever `run` left attached, also when it panics.
    ///
    /// Not for futures: one that `run` returns is polled when this context is no longer current. Use
    /// [`with_context`](FutureExt::with_context), or [`in_span`](crate::SpanFutureExt::in_span) for the work of a span.
    ///
    /// A thread takes a context along by it:
    ///
    /// ```
    /// use tracing_core_ctx::Context;
    ///
    /// let cx = Context::new().with_baggage_entry("user.tier", "gold");
    /// let thread = std::thread::spawn(move || {
    ///     cx.scope(|| Context::current().baggage().get("user.tier").map(str::to_owned))
    /// });
    /// assert_eq!(thread.join().unwrap().as_deref(), Some("gold"));
    /// ```
    pub fn scope<R>(&self, run: impl FnOnce() -> R) -> R {
        let mut context = self.clone();
        let _entered = context.enter();
        run()
    }

    /// Makes this context current by moving it, for a state machine that owns it and is polled often: no reference is
    /// counted. It is back in place when the guard is dropped, also by a panic; whatever was left attached above it is gone then.
    ///
    /// Guards are dropped in the reverse order. Like a [`Scope`], one must not be held across an `.await`: when the guard around
    /// it ends first, the moved context ends with it, and its owner is left with the empty one.
    #[must_use = "the context is current only while the guard lives"]
    #[inline]
    pub fn enter(&mut self) -> Entered<'_> {
        scope::enter(self)
    }

    /// The context of the span that is current here, whether it records or came from afar.
    #[must_use]
    #[inline]
    pub fn span_context(&self) -> Option<&SpanContext> {
        self.span_ref().span_context()
    }

    /// The span that is current here, to describe it. It does nothing if there is none, or none that records.
    #[must_use]
    pub fn span(&self) -> SpanRef {
        self.span_ref().clone()
    }

    /// The same, borrowed.
    #[must_use]
    #[inline]
    pub fn span_ref(&self) -> &SpanRef {
        const NONE: &SpanRef = &SpanRef::NONE;
        self.node.as_ref().map_or(NONE, |node| &node.span)
    }

    /// The entries that travel with the request.
    #[must_use]
    pub fn baggage(&self) -> &Baggage {
        const NONE: &Baggage = &Baggage::new();
        self.extras().map_or(NONE, |extras| &extras.baggage)
    }

    /// The value of type `T` that [`with_value`](Self::with_value) put here; `None` if there is none of exactly this type.
    #[must_use]
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extras()?.values.get()
    }

    /// Whether there are values of the application in it, which live as long as a copy of it does.
    #[must_use]
    #[inline]
    pub fn has_values(&self) -> bool {
        self.extras()
            .is_some_and(|extras| !extras.values.is_empty())
    }

    /// What the caller wished for sampling, if it said so without or beside a span context.
    #[must_use]
    #[inline]
    pub fn sampling_hint(&self) -> Option<SamplingHint> {
        self.node.as_ref()?.hint
    }

    /// Whether spans started here are not recorded, because the work is [telemetry's own](Self::suppressed) or was
    /// [left out](Self::untraced). Default: no.
    #[must_use]
    #[inline]
    pub fn is_suppressed(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.suppressed)
    }

    /// Whether the work is [telemetry's own](Self::suppressed), which is not logged either. Default: no.
    #[must_use]
    pub fn is_telemetry(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.telemetry)
    }

    /// The same with other baggage, in place of all that was there.
    #[must_use]
    pub fn with_baggage(mut self, baggage: Baggage) -> Self {
        if self.extras().is_some() || !baggage.is_empty() {
            self.change(|node| {
                Arc::make_mut(node.extras.get_or_insert_default()).baggage = baggage;
            });
        }
        self
    }

    /// The same with one entry of the baggage set, all others kept. An empty name is ignored.
    ///
    /// ```
    /// use tracing_core_ctx::Context;
    ///
    /// let cx = Context::current().with_baggage_entry("user.tier", "gold");
    /// cx.scope(|| assert_eq!(Context::current().baggage().get("user.tier"), Some("gold")));
    /// ```
    ///
    /// Baggage is sent to whoever is called: put nothing in it that a stranger may not read.
    #[must_use]
    pub fn with_baggage_entry(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let baggage = self.baggage().with(name, value);
        self.with_baggage(baggage)
    }

    /// The same with `value` in place of any other value of type `T`. A value stays in this process: what travels is [`Baggage`].
    ///
    /// ```
    /// use tracing_core_ctx::Context;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Tenant(u32);
    ///
    /// let cx = Context::new().with_value(Tenant(7));
    /// assert_eq!(cx.value(), Some(&Tenant(7)));
    /// ```
    #[must_use]
    pub fn with_value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.change(|node| {
            let extras = Arc::make_mut(node.extras.get_or_insert_default());
            extras.values.set(value);
        });
        self
    }

    /// The same with the caller's wish for sampling.
    #[must_use]
    pub fn with_sampling_hint(mut self, hint: SamplingHint) -> Self {
        self.change(|node| node.hint = Some(hint));
        self
    }

    /// The same without a wish for sampling.
    #[must_use]
    pub fn without_sampling_hint(mut self) -> Self {
        if self.sampling_hint().is_some() {
            self.change(|node| node.hint = None);
        }
        self
    }

    /// The same, marked as telemetry's own work: spans started below it are not recorded, so that an exporter does not trace
    /// itself.
    #[must_use]
    pub fn suppressed(mut self) -> Self {
        self.change(|node| {
            node.suppressed = true;
            node.telemetry = true;
        });
        self
    }

    /// The same for work that somebody chose not to trace, such as answers to probes: spans started below it are not recorded. Its logs are.
    #[must_use]
    pub fn untraced(mut self) -> Self {
        self.change(|node| node.suppressed = true);
        self
    }

    /// Whether the current span is one of this process that does not record: then its children do not either, whoever starts them.
    #[must_use]
    #[inline]
    pub fn is_unrecorded(&self) -> bool {
        self.node
            .as_ref()
            .is_some_and(|node| node.span.is_unrecorded())
    }

    #[inline]
    pub(crate) fn live(&self) -> Option<&LiveSpan> {
        self.span_ref().live()
    }

    /// The same, if nobody else has this context or its span.
    #[inline]
    pub(crate) fn live_mut(&mut self) -> Option<&mut LiveSpan> {
        Arc::get_mut(self.node.as_mut()?)?.span.live_mut()
    }

    fn extras(&self) -> Option<&Extras> {
        self.node.as_ref()?.extras.as_deref()
    }

    /// Changes what this context says, and no other one that shares it.
    #[inline]
    fn change(&mut self, change: impl FnOnce(&mut Node)) {
        let mut node = self.node.take().unwrap_or_else(node::empty);
        let mut shared = None;
        if !Arc::is_unique(&node) {
            let copy = node::copy(&node);
            shared = Some(mem::replace(&mut node, copy));
        }
        // What is replaced is dropped when the change is made: it may be a value that uses contexts itself.
        if let Some(own) = Arc::get_mut(&mut node) {
            change(own);
        }
        self.node = Some(node);
        drop(Self { node: shared });
    }
}

impl Drop for Context {
    /// Mostly it is empty: whoever drops it sees that, and calls nobody.
    #[inline]
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node::release(node);
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("span_context", &self.span_context())
            .field("recording", &self.span_ref().is_live())
            .field("baggage", self.baggage())
            .field("suppressed", &self.is_suppressed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
