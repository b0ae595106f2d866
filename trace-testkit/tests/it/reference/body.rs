use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use trace_testkit::http::{BoxError, TestBody};

use super::Fault;
use super::side::{End, Exchange};

pub(super) struct TracedBody {
    inner: Option<Pin<Box<TestBody>>>,
    exchange: Exchange,
}

impl TracedBody {
    pub(super) fn new(inner: TestBody, exchange: Exchange) -> Self {
        Self {
            inner: Some(Box::pin(inner)),
            exchange,
        }
    }
}

impl Body for TracedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        let is_current = |fault| fault != Fault::NotCurrentInBody;
        let Poll::Ready(frame) = this
            .exchange
            .inside(is_current, |_| inner.as_mut().poll_frame(cx))
        else {
            return Poll::Pending;
        };
        let waits = this.exchange.layer.has(Fault::EndsAtDropOfBody);
        match &frame {
            None if waits => {}
            None => this.exchange.end(End::Complete),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let is_last = frame.is_trailers() || inner.is_end_stream();
                this.exchange.frame(bytes, is_last && !waits);
                if frame.is_trailers() && this.exchange.layer.has(Fault::DropsTrailers) {
                    return Poll::Ready(None);
                }
            }
            Some(Err(_)) if this.exchange.layer.has(Fault::SeesNoBodyError) => {
                this.exchange.end(End::Complete);
            }
            Some(Err(error)) => this.exchange.fail(&**error),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.exchange.layer.has(Fault::LosesEnd)
            && self
                .inner
                .as_ref()
                .is_none_or(|inner| inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) if !self.exchange.layer.has(Fault::LosesSizeHint) => inner.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for TracedBody {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.exchange.inside(
            |fault| fault != Fault::NotCurrentInBodyDrop,
            |_| drop(inner),
        );
        if self.exchange.layer.has(Fault::EndsAtDropOfBody) {
            self.exchange.end(End::Complete);
        }
        self.exchange.dropped();
    }
}
