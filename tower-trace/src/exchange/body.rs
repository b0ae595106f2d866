use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tracing_core_ctx::ActiveSpan;

use super::{Complete, Describe, End, Exchange, Failure, run};

pin_project! {
    /// The body of a traced response: the same frames, the same length, and the end of the exchange.
    ///
    /// The exchange's context is current in every poll and while the inner body is dropped.
    pub struct ResponseBody<B, D: Describe> {
        #[pin]
        inner: Inner<B>,
        exchange: Exchange<D>,
        // What the reader has to come to, or more than anybody can read.
        length: u64,
        read: u64,
        // Whether the reader was told that nothing follows.
        told_end: AtomicBool,
    }

    impl<B, D: Describe> PinnedDrop for ResponseBody<B, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let inner = &mut this.inner;
            if inner.is_running() {
                run(this.exchange, || inner.set(Inner::gone()));
            }
            if !this.exchange.is_open() {
                return;
            }
            // A reader that knows the length, or was told, does not ask for the end.
            let is_complete = *this.length == *this.read || *this.told_end.get_mut();
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

pin_project! {
    /// The body, which can be dropped while the context is current: at its end or before. Then what it said of its size is left.
    #[project = InnerProjection]
    enum Inner<B> {
        Running { #[pin] body: B },
        Gone { size: SizeHint },
    }
}

impl<B> Inner<B> {
    fn gone() -> Self {
        Self::Gone {
            size: SizeHint::new(),
        }
    }

    const fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }
}

impl<B: Body> Inner<B> {
    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project() {
            InnerProjection::Running { body } => body.poll_frame(cx),
            InnerProjection::Gone { .. } => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Running { body } => body.is_end_stream(),
            Self::Gone { .. } => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Running { body } => body.size_hint(),
            Self::Gone { size } => *size,
        }
    }
}

/// Of a body whose length is not known.
const UNKNOWN: u64 = u64::MAX;

impl<B, D: Describe> ResponseBody<B, D> {
    pub(super) fn new(inner: B, exchange: Exchange<D>, length: Option<u64>) -> Self {
        Self {
            inner: Inner::Running { body: inner },
            exchange,
            length: length.unwrap_or(UNKNOWN),
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
        if !self.inner.is_running() {
            return Poll::Ready(None);
        }
        self.poll_running(cx)
    }

    fn is_end_stream(&self) -> bool {
        let is_end = self.inner.is_end_stream();
        if is_end {
            // It may have come after the last look at it, from another thread: that of the connection it is read from.
            self.told_end.store(true, Ordering::Relaxed);
        }
        is_end
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B, D> ResponseBody<B, D>
where
    B: Body,
    B::Error: 'static,
    D: Describe,
{
    /// One poll of the inner body. What that gives is large, and lies in one place from here to the reader.
    #[inline]
    fn poll_running(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let exchange = this.exchange;
        // By hand and not by `run`, which would move what the body gives.
        let mut running = exchange.running();
        let entered = running.enter();
        let mut polled = this.inner.as_mut().poll_frame(cx);
        let is_over = match &polled {
            Poll::Pending | Poll::Ready(Some(Err(_))) => false,
            Poll::Ready(None) => true,
            // Nothing follows trailers (RFC 9110, section 6.5).
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || this.inner.is_end_stream(),
        };
        if is_over {
            // What the body still holds goes while its context is current and before its span ends with it.
            let size = this.inner.size_hint();
            this.inner.set(Inner::Gone { size });
        }
        drop(entered);
        running.returned();
        if exchange.is_open() {
            show(exchange, &mut polled, is_over, this.read);
        }
        polled
    }
}
/// Shows the exchange what the body gave.
#[inline]
fn show<D: Describe, T: Buf, E: 'static>(
    exchange: &mut Exchange<D>,
    polled: &mut Poll<Option<Result<Frame<T>, E>>>,
    is_over: bool,
    read: &mut u64,
) {
    match polled {
        Poll::Pending => {}
        Poll::Ready(Some(Err(error))) => exchange.end(End::Failed(Failure::new(error))),
        Poll::Ready(Some(Ok(frame))) => {
            if let Some(data) = frame.data_ref() {
                *read = read.saturating_add(data.remaining() as u64);
                exchange.data(data);
            } else if let Some(trailers) = frame.trailers_mut() {
                exchange.trailers(trailers);
                exchange.end(End::Complete(Complete {
                    trailers: Some(trailers),
                    body_size: Some(*read),
                }));
            }
            if is_over {
                exchange.end(complete(*read));
            }
        }
        Poll::Ready(None) => exchange.end(complete(*read)),
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
            .field("length", &(self.length != UNKNOWN).then_some(self.length))
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
