use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{Describe, End, Exchange, Failure, ResponseBody, run};
use crate::head::{ResponseHead, content_length};
use crate::way_back::Echo;

pin_project! {
    /// The response of a traced service, on its way.
    ///
    /// The exchange's context is current in every poll and while the inner future is dropped.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, D: Describe> {
        // An option, so that it can be dropped while the context is current.
        #[pin]
        inner: Option<F>,
        exchange: Option<Exchange<D>>,
        echo: Option<Arc<Echo>>,
    }

    impl<F, D: Describe> PinnedDrop for ResponseFuture<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(exchange) = this.exchange.as_mut() {
                let inner = &mut this.inner;
                run(exchange, || inner.set(None));
                if std::thread::panicking() {
                    exchange.end(End::Panicked);
                }
            }
        }
    }
}

impl<F, D: Describe> ResponseFuture<F, D> {
    /// What the service gave when it was [called](Exchange::running). `echo` is what response headers tell the caller, or
    /// that a client has heard it.
    #[inline]
    pub const fn new(inner: F, exchange: Exchange<D>, echo: Option<Arc<Echo>>) -> Self {
        Self {
            inner: Some(inner),
            exchange: Some(exchange),
            echo,
        }
    }
}

impl<F, B, E, D> Future for ResponseFuture<F, D>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
    D: Describe,
{
    type Output = Result<Response<ResponseBody<B, D>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(exchange) = this.exchange.as_mut() else {
            // Polled again after it was ready, which the contract of futures forbids; waiting is the harmless answer.
            return Poll::Pending;
        };
        let is_open = exchange.is_open();
        let mut body = Announced::default();
        // By hand and not by `run`: what the service gives is large, and is moved to the one place where it belongs.
        let mut running = exchange.running();
        let entered = running.enter();
        let mut polled = match this.inner.as_mut().as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => Poll::Pending,
        };
        if let Poll::Ready(result) = &polled {
            // What the handler still holds goes while its context is current and before its span can end with it.
            this.inner.set(None);
            if is_open && let Ok(response) = result {
                body = Announced::by::<D, _>(response);
            }
        }
        drop(entered);
        running.returned();
        match &mut polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let echo = this.echo.take();
                if let Some(echo) = &echo {
                    echo.tell(exchange.context(), response);
                }
                exchange.head(ResponseHead::new(response), body.is_empty);
                if let Some(echo) = &echo {
                    echo.forget(response);
                }
            }
            Poll::Ready(Err(error)) => exchange.end(End::Failed(Failure::new(error))),
        }
        let Some(exchange) = this.exchange.take() else {
            return Poll::Pending;
        };
        polled.map_ok(|response| {
            response.map(|inner| ResponseBody::new(inner, exchange, body.length))
        })
    }
}

/// What is known of a body before it is read.
#[derive(Clone, Copy, Default)]
struct Announced {
    is_empty: bool,
    length: Option<u64>,
}

impl Announced {
    fn by<D: Describe, B: Body>(response: &Response<B>) -> Self {
        let length = || {
            let exact = response.body().size_hint().exact();
            exact.or_else(|| content_length(response.headers()))
        };
        Self {
            is_empty: response.body().is_end_stream(),
            length: if D::LENGTH_IS_END { length() } else { None },
        }
    }
}

impl<F, D: Describe> fmt::Debug for ResponseFuture<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
