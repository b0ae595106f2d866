use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::{SpanBuilder, SpanRef, SpanWriter};
use crate::context::{FutureExt as _, WithContext};
use crate::{Context, Timestamp, semconv};

/// A span together with the right to end it.
///
/// It ends when [`end`](Self::end) or one of its kin is called, else when it is dropped; if it is dropped by a panic, it has
/// failed with `error.type` = `panic`. A span that does not record is a few words and does nothing.
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
}

impl Span {
    pub(super) const fn new(handle: SpanRef) -> Self {
        Self { handle }
    }

    /// A span that records nothing and has no identity.
    pub fn none() -> Self {
        Self::new(SpanRef::default())
    }

    /// Starts a child of the current span, by the tracer of that span. When nothing is being recorded here, neither is the child, and
    /// this costs a look at the current context.
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
    pub fn child(name: &str) -> Self {
        Context::with_current(|cx| {
            let live = cx.live()?;
            Some((live.tracer().clone(), cx.clone()))
        })
        .flatten()
        .map_or_else(Self::none, |(tracer, cx)| {
            SpanBuilder::new(&tracer, name).parent(&cx).start()
        })
    }

    /// Ends the span now.
    pub fn end(self) {
        self.finish(None, |_| {});
    }

    /// Ends the span at `time`; never before it started.
    pub fn end_at(self, time: Timestamp) {
        self.finish(Some(time), |_| {});
    }

    /// Lets `describe` write what is known only now, then ends the span. `describe` runs only when the span records.
    pub fn end_with(self, describe: impl FnOnce(&mut SpanWriter<'_>)) {
        self.finish(None, describe);
    }

    /// Runs `work` with this span as the current one.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _scope = self.context().attach();
        work()
    }

    /// The façade that others get.
    #[must_use]
    pub const fn handle(&self) -> &SpanRef {
        &self.handle
    }

    fn finish(mut self, time: Option<Timestamp>, describe: impl FnOnce(&mut SpanWriter<'_>)) {
        let handle = std::mem::take(&mut self.handle);
        if let Some(live) = handle.live() {
            live.end(time, describe);
        }
    }
}

impl Deref for Span {
    type Target = SpanRef;

    fn deref(&self) -> &SpanRef {
        &self.handle
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(live) = self.handle.live() else {
            return;
        };
        live.end(None, |span| {
            if std::thread::panicking() {
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

/// Lets any future run as the work of a span.
pub trait SpanFutureExt: Future + Sized {
    /// Makes `span` current while this future runs and ends it when the future is done. If the future is dropped before, the span ends with
    /// `ctx.outcome` = `cancelled`.
    ///
    /// ```
    /// use tracing_core_ctx::{SpanFutureExt as _, Tracer};
    ///
    /// # async fn work() {}
    /// # async fn demo(tracer: &Tracer) {
    /// work().in_span(tracer.span("work").start()).await;
    /// # }
    /// ```
    fn in_span(self, span: Span) -> InSpan<Self> {
        InSpan {
            inner: self.with_context(span.context()),
            span: Some(span),
        }
    }
}

impl<F: Future> SpanFutureExt for F {}

pin_project! {
    /// A future that is the work of a span. See [`SpanFutureExt::in_span`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InSpan<F> {
        #[pin]
        inner: WithContext<F>,
        span: Option<Span>,
    }

    impl<F> PinnedDrop for InSpan<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(span) = this.project().span.take()
                && !std::thread::panicking()
            {
                span.end_with(|span| span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED));
            }
        }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let poll = this.inner.poll(cx);
        if poll.is_ready()
            && let Some(span) = this.span.take()
        {
            span.end();
        }
        poll
    }
}
