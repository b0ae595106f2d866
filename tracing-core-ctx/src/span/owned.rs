use std::error::Error;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::builder::Above;
use super::{SpanBuilder, SpanRef, SpanWriter};
use crate::{Context, Timestamp, semconv};

/// A span together with the right to end it.
///
/// It ends when [`end`](Self::end) or one of its kin is called, else when it is dropped; if a panic drops it, it has failed with
/// `error.type` = `panic`. A span that does not record is a few words and does nothing. One that is never dropped is never
/// handed over.
///
/// ```
/// use tracing_core_ctx::{SpanKind, Tracer};
///
/// # fn demo(tracer: &Tracer) {
/// let span = tracer.span("reindex").kind(SpanKind::Internal).start();
/// span.set("job.rows", 1_000);
/// {
///     let _scope = span.context().attach();
///     // Spans started here are its children.
/// }
/// span.end();
/// # }
/// ```
#[must_use = "a span that is dropped at once has ended"]
pub struct Span {
    handle: SpanRef,
    /// Whether it was started by code that a panic runs, such as a destructor: such a span did not panic itself.
    unwinding: bool,
    ended: bool,
}

impl Span {
    #[inline]
    pub(super) fn new(handle: SpanRef) -> Self {
        let unwinding = handle.is_live() && std::thread::panicking();
        Self {
            handle,
            unwinding,
            ended: false,
        }
    }

    /// A span that records nothing and has no identity: what runs in it runs in the context around it.
    #[inline]
    pub const fn none() -> Self {
        Self {
            handle: SpanRef::NONE,
            unwinding: false,
            ended: false,
        }
    }

    /// Starts a child of the current span, by the tracer of that span and in its application's name
    /// ([`TracerBuilder::scope`](crate::tracer::TracerBuilder::scope)). One with a kind, links or attributes that samplers see is
    /// started by [`child_with`](Self::child_with).
    ///
    /// When nothing is being recorded here, neither is the child: it passes on the identity that is current, and costs a look at the
    /// current context.
    ///
    /// ```
    /// use tracing_core_ctx::Span;
    ///
    /// fn price(items: &[u64]) -> u64 {
    ///     let span = Span::child("price");
    ///     span.set("shop.items", items.len());
    ///     items.iter().sum()
    /// }
    /// # price(&[1, 2]);
    /// ```
    ///
    /// The child **does not become current**: spans started beside it are its siblings. Its own work runs in
    /// [`in_scope`](Self::in_scope), or, when that awaits, [`in_span`](super::SpanFutureExt::in_span):
    ///
    /// ```
    /// use tracing_core_ctx::{Span, SpanFutureExt as _, SpanRef};
    ///
    /// # async fn convert(total: u64) -> u64 { total }
    /// # async fn demo(items: &[u64]) {
    /// let total: u64 = Span::child("add up").in_scope(|| items.iter().sum());
    ///
    /// let price = async {
    ///     SpanRef::current().set("shop.items", items.len()); // On `price`.
    ///     convert(total).await // Its spans are children of `price`.
    /// }
    /// .in_span(Span::child("price"))
    /// .await;
    /// # let _ = price;
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(demo(&[1, 2]));
    /// ```
    #[inline]
    pub fn child(name: &str) -> Self {
        if Context::is_nothing_current() {
            return Self::none();
        }
        Self::plain_child_of_current(name)
    }

    /// The context is looked at where it is: no code of the caller's runs here, and the parent need not be counted once more.
    #[inline(never)]
    fn plain_child_of_current(name: &str) -> Self {
        let child = Context::with_current(|cx| {
            let above = cx.span_ref();
            match above.live() {
                Some(live) => SpanBuilder::of_application(live.tracer(), name)
                    .parent(cx)
                    .start(),
                None => Self::new(above.clone()),
            }
        });
        child.unwrap_or(const { Self::none() })
    }

    /// Starts a [`child`](Self::child) of the current span and lets `build` say what is known before it starts.
    ///
    /// `build` runs only when there is a span that records here. A parent that it gives counts instead of the current one.
    ///
    /// ```
    /// use tracing_core_ctx::{Span, SpanFutureExt as _, SpanKind, semconv};
    ///
    /// # struct Row;
    /// # async fn query(_: &str) -> Vec<Row> { Vec::new() }
    /// async fn carts() -> Vec<Row> {
    ///     let span = Span::child_with("SELECT carts", |span| {
    ///         span.kind(SpanKind::Client)
    ///             .attribute(semconv::DB_SYSTEM_NAME, "postgresql")
    ///             .attribute(semconv::DB_QUERY_SUMMARY, "SELECT carts")
    ///     });
    ///     query("SELECT * FROM carts WHERE id = $1").in_span(span).await
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(carts());
    /// ```
    #[inline]
    pub fn child_with(name: &str, build: impl FnOnce(SpanBuilder<'_>) -> SpanBuilder<'_>) -> Self {
        if Context::is_nothing_current() {
            return Self::none();
        }
        Self::child_of_current(name, build)
    }

    #[inline(never)]
    fn child_of_current(
        name: &str,
        build: impl FnOnce(SpanBuilder<'_>) -> SpanBuilder<'_>,
    ) -> Self {
        let around = Context::with_current(|cx| match cx.span_ref() {
            span if span.is_live() => Around::Recording(Above::of(cx)),
            span => Around::Passing(span.clone()),
        });
        match around {
            Some(Around::Recording(above)) => Self::child_of(&above, name, build),
            Some(Around::Passing(span)) => Self::new(span),
            None => Self::none(),
        }
    }

    fn child_of(
        above: &Above,
        name: &str,
        build: impl FnOnce(SpanBuilder<'_>) -> SpanBuilder<'_>,
    ) -> Self {
        let Some(live) = above.span().live() else {
            return Self::none();
        };
        build(SpanBuilder::of_application(live.tracer(), name).below(above)).start()
    }

    /// Ends the span now and hands it to the tracer's sink.
    #[inline]
    pub fn end(mut self) {
        if self.handle.is_none() {
            // There is nothing to drop, and so no destructor to call.
            let _none = ManuallyDrop::new(self);
            return;
        }
        // Ended by reference: a span is not moved into the call.
        self.ended = true;
        if self.handle.is_live() {
            self.end_live(None);
        }
    }

    /// Ends the span at `time`; never before it started.
    pub fn end_at(mut self, time: Timestamp) {
        self.ended = true;
        self.end_live(Some(time));
    }

    /// Ends the span now and lets `describe` write what is known only at the end. `describe` runs only when the span records; if it
    /// panics, the span has ended all the same.
    pub fn end_with(mut self, describe: impl FnOnce(&mut SpanWriter<'_>)) {
        self.ended = true;
        self.handle.end(None, describe);
    }

    /// The same where the span lies, for one that is kept in something else; at a moment that somebody else has already been told, or with
    /// `None` now. The second end does nothing.
    #[inline]
    pub fn end_at_with(
        &mut self,
        time: Option<Timestamp>,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) {
        if !std::mem::replace(&mut self.ended, true) {
            self.handle.end(time, describe);
        }
    }

    /// Whether it records and was not ended by this.
    #[must_use]
    #[inline]
    pub const fn is_open(&self) -> bool {
        !self.ended && self.handle.is_live()
    }

    /// Runs `work` with this span as the current one. The span goes on afterwards.
    ///
    /// Not for futures: one that `work` returns is polled when the span is no longer current. A future runs in its span by
    /// [`in_span`](super::SpanFutureExt::in_span); in a span that has to outlive it, by
    /// `with_context(span.context())` ([`FutureExt`](crate::context::FutureExt::with_context)).
    ///
    /// ```
    /// use tracing_core_ctx::{Span, SpanRef};
    ///
    /// let span = Span::child("price");
    /// span.in_scope(|| SpanRef::current().set("shop.items", 3)); // On `price`.
    /// span.set("shop.total", 12); // Still running.
    /// ```
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let mut context = self.context();
        let _entered = context.enter();
        work()
    }

    /// The same for work that may fail: an error that it returns is [recorded](SpanRef::record_failure), unless the work has said itself how it failed.
    ///
    /// ```
    /// use tracing_core_ctx::Span;
    ///
    /// let number = Span::child("parse").try_in_scope(|| "7".parse::<u32>());
    /// assert_eq!(number, Ok(7));
    /// ```
    ///
    /// # Errors
    ///
    /// That of the work.
    pub fn try_in_scope<T, E: Error>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let result = self.in_scope(work);
        if let Err(error) = &result {
            self.record_failure_unless_failed(error);
        }
        result
    }

    /// The façade that others get.
    #[must_use]
    pub const fn handle(&self) -> &SpanRef {
        &self.handle
    }

    fn end_live(&mut self, time: Option<Timestamp>) {
        self.handle.end(time, |_| {});
    }
}

/// Where a child is to be started.
enum Around {
    Passing(SpanRef),
    Recording(Above),
}

impl Deref for Span {
    type Target = SpanRef;

    fn deref(&self) -> &SpanRef {
        &self.handle
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if self.ended || !self.handle.is_live() {
            return;
        }
        self.end_dropped();
    }
}

impl Span {
    /// By itself, so that whoever drops a span that has ended, or never was one, calls nobody.
    #[inline(never)]
    fn end_dropped(&mut self) {
        let panicked = !self.unwinding && std::thread::panicking();
        self.handle.end(None, |span| {
            if panicked {
                span.fail(semconv::error_type::PANIC, "");
            }
        });
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
