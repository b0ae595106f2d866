use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::{Span, SpanRef};
use crate::context::{FutureExt as _, WithContext};
use crate::semconv;

/// Lets any future run as the work of a span.
pub trait SpanFutureExt: Future + Sized {
    /// Makes `span` current while this future runs and ends it when the future is done. Everything else of its context is as it is
    /// where this is called: that goes along when the future is spawned.
    ///
    /// If the future is dropped before, the span ends when all that the future held is dropped, with `ctx.outcome` = `cancelled`.
    /// If it panics, the span has failed with `error.type` = `panic`, whoever catches the panic.
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

    /// The same for a future that may fail: an error that it returns is [recorded](SpanRef::record_failure), unless the work has said itself how it
    /// failed.
    ///
    /// Errors that are no [`Error`], such as `anyhow::Error` and `Box<dyn Error>`, are recorded by hand, as [`record_failure`](SpanRef::record_failure)
    /// says.
    ///
    /// ```
    /// use tracing_core_ctx::{Span, SpanFutureExt as _};
    ///
    /// # async fn read(path: &str) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # async fn demo() -> Result<(), std::io::Error> {
    /// let carts = read("carts.json").try_in_span(Span::child("load carts")).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn try_in_span<T, E: Error>(self, span: Span) -> InSpan<Failing<Self>>
    where
        Self: Future<Output = Result<T, E>>,
    {
        Failing { inner: self }.in_span(span)
    }
}

impl<F: Future> SpanFutureExt for F {}

pin_project! {
    /// A future whose error the current span records. See [`SpanFutureExt::try_in_span`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Failing<F> {
        #[pin]
        inner: F,
    }
}

impl<F, T, E> Future for Failing<F>
where
    F: Future<Output = Result<T, E>>,
    E: Error,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let poll = self.project().inner.poll(cx);
        if let Poll::Ready(Err(error)) = &poll {
            SpanRef::current().record_failure_unless_failed(error);
        }
        poll
    }
}

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
            let this = this.project();
            if this.span.is_none() {
                return;
            }
            // First, so that destructors can still write on the span, and spans in there end before it.
            this.inner.drop_inner();
            if let Some(span) = this.span.take() {
                span.end_with(|span| span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED));
            }
        }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut watch = PanicWatch {
            span: this.span,
            polling: true,
        };
        let poll = this.inner.poll(cx);
        watch.polling = false;
        if poll.is_ready()
            && let Some(span) = watch.span.take()
        {
            span.end();
        }
        poll
    }
}

/// Ends the span of a poll that panics. Not left to the drop of the future: when that comes, the panic may have been caught, or
/// be the panic of somebody else.
struct PanicWatch<'a> {
    span: &'a mut Option<Span>,
    polling: bool,
}

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        if self.polling
            && let Some(span) = self.span.take()
        {
            span.end_with(|span| span.fail(semconv::error_type::PANIC, ""));
        }
    }
}
