use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use http::Response;
use trace_testkit::http::{BoxError, TestFuture};

use super::Fault;
use super::body::TracedBody;
use super::side::Exchange;

pub(super) type Later = Box<dyn FnOnce() -> (TestFuture, Exchange) + Send>;

pub(super) struct TracedFuture {
    later: Option<Later>,
    inner: Option<Pin<Box<TestFuture>>>,
    exchange: Option<Exchange>,
}

impl TracedFuture {
    pub(super) fn new(inner: TestFuture, exchange: Exchange) -> Self {
        Self {
            later: None,
            inner: Some(Box::pin(inner)),
            exchange: Some(exchange),
        }
    }

    /// Starts when it is first polled.
    pub(super) fn later(later: Later) -> Self {
        Self {
            later: Some(later),
            inner: None,
            exchange: None,
        }
    }
}

impl Future for TracedFuture {
    type Output = Result<Response<TracedBody>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(later) = this.later.take() {
            let (inner, exchange) = later();
            this.inner = Some(Box::pin(inner));
            this.exchange = Some(exchange);
        }
        let (Some(inner), Some(exchange)) = (&mut this.inner, &mut this.exchange) else {
            return Poll::Pending;
        };
        let is_current = |fault| !matches!(fault, Fault::NotCurrentInPoll);
        let Poll::Ready(result) = exchange.inside(is_current, |_| inner.as_mut().poll(cx)) else {
            return Poll::Pending;
        };
        let Some(mut exchange) = this.exchange.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match result {
            Ok(mut response) => {
                exchange.head(&response);
                if exchange.layer.has(Fault::LosesExtensions) {
                    response.extensions_mut().clear();
                }
                Ok(response.map(|body| TracedBody::new(body, exchange)))
            }
            Err(error) => {
                exchange.fail(&*error);
                Err(if exchange.layer.has(Fault::LosesErrors) {
                    "lost".into()
                } else {
                    error
                })
            }
        })
    }
}

impl Drop for TracedFuture {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            let inner = self.inner.take();
            exchange.inside(|fault| fault != Fault::NotCurrentInDrop, |_| drop(inner));
            exchange.dropped();
        }
    }
}
