use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tracing_core_ctx::ActiveSpan;

use super::{Complete, Describe, End, Exchange, Failure, Running, run};

pin_project! {
    /// The body of a traced response: the same frames, the same length, and the end of the exchange.
    ///
    /// The exchange's context is current in every poll and while the inner body is dropped.
    pub struct ResponseBody<B, D: Describe> {
        // An option, so that it can be dropped while the context is current: at the end of the body or before.
        #[pin]
        inner: Option<B>,
        // What the inner body said of its size when it was at its end.
        size_at_end: SizeHint,
        exchange: Exchange<D>,
        length: Option<u64>,
        read: u64,
        // Whether the reader was told that nothing follows.
        told_end: AtomicBool,
    }

    impl<B, D: Describe> PinnedDrop for ResponseBody<B, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let inner = &mut this.inner;
            if inner.is_some() {
                run(this.exchange, || inner.set(None));
            }
            // A reader that knows the length, or was told, does not ask for the end.
            let is_complete = *this.length == Some(*this.read) || *this.told_end.get_mut();
            this.exchange.end(if is_complete {
                complete(*this.read)
            } else if std::thread::panicking() {
                End::Panicked
            } else {
                End::Cancelled
            });
        }
    }
}

impl<B, D: Describe> ResponseBody<B, D> {
    pub(super) fn new(inner: B, exchange: Exchange<D>, length: Option<u64>) -> Self {
        Self {
            inner: Some(inner),
            size_at_end: SizeHint::new(),
            exchange,
            length,
            read: 0,
            told_end: AtomicBool::new(false),
        }
    }
}

impl<B, D> Body for ResponseBody<B, D>
where
    B: Body,
    B::Error: 'static,
    D: Describe,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let exchange = this.exchange;
        if this.inner.is_none() {
            return Poll::Ready(None);
        }
        // By hand and not by `run`, which would move what the body gives.
        let mut running = Running::over(exchange);
        let entered = running.enter();
        let mut polled = match this.inner.as_mut().as_pin_mut() {
            None => Poll::Ready(None),
            Some(mut inner) => {
                let polled = inner.as_mut().poll_frame(cx);
                let is_over = match &polled {
                    Poll::Pending | Poll::Ready(Some(Err(_))) => false,
                    Poll::Ready(None) => true,
                    // Nothing follows trailers (RFC 9110, section 6.5).
                    Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || inner.is_end_stream(),
                };
                if is_over {
                    // What the body still holds goes while its context is current and before its span ends with it.
                    *this.size_at_end = inner.size_hint();
                    this.inner.set(None);
                }
                polled
            }
        };
        drop(entered);
        running.returned();
        if !exchange.is_open() {
            return polled;
        }
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            *this.read = this.read.saturating_add(data.remaining() as u64);
            exchange.data(data);
        }
        match &mut polled {
            Poll::Pending => {}
            Poll::Ready(Some(Err(error))) => exchange.end(End::Failed(Failure::new(error))),
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {
                if let Some(trailers) = frame.trailers_mut() {
                    exchange.trailers(trailers);
                }
                exchange.end(End::Complete(Complete {
                    trailers: frame.trailers_ref(),
                    body_size: Some(*this.read),
                }));
            }
            Poll::Ready(_) if this.inner.is_none() => exchange.end(complete(*this.read)),
            Poll::Ready(_) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let is_end = self.inner.as_ref().is_none_or(Body::is_end_stream);
        if is_end {
            // It may have come after the last look at it, from another thread: that of the connection it is read from.
            self.told_end.store(true, Ordering::Relaxed);
        }
        is_end
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| self.size_at_end, Body::size_hint)
    }
}

/// For services whose bodies are made from nothing, such as those behind an empty fallback.
impl<B: Default, D: Describe> Default for ResponseBody<B, D> {
    fn default() -> Self {
        Self::new(
            B::default(),
            Exchange::unrecorded(ActiveSpan::passing(tracing_core_ctx::Context::new())),
            None,
        )
    }
}

impl<B, D: Describe> fmt::Debug for ResponseBody<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("exchange", &self.exchange)
            .field("length", &self.length)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

const fn complete<'a>(size: u64) -> End<'a> {
    End::Complete(Complete {
        trailers: None,
        body_size: Some(size),
    })
}
