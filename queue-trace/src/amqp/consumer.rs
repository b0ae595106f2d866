use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use lapin::Consumer;
use lapin::message::DeliveryResult;
use tracing_core_ctx::context::FutureExt as _;

use super::delivery::TracedDelivery;
use super::processing::Work;
use super::source::Source;

/// A [`Consumer`] whose deliveries are process spans: a stream, or with [`set_delegate`](Self::set_delegate) a callback.
///
/// A process span starts when the delivery is handed over, not while it waits among the prefetched ones.
#[derive(Clone, Debug)]
pub struct TracedConsumer {
    inner: Consumer,
    source: Arc<Source>,
}

impl TracedConsumer {
    pub(super) fn new(inner: Consumer, source: Source) -> Self {
        Self {
            inner,
            source: Arc::new(source),
        }
    }

    /// The consumer itself. What it hands over is not traced.
    #[must_use]
    pub const fn inner(&self) -> &Consumer {
        &self.inner
    }

    /// [`Consumer::set_delegate`]: lapin spawns what `handle` returns for each delivery. It runs as the work of the process span.
    pub fn set_delegate<F, H>(&self, handle: H)
    where
        F: Future<Output = ()> + Send + 'static,
        H: Fn(lapin::Result<Option<TracedDelivery>>) -> F + Send + Sync + 'static,
    {
        let source = Arc::clone(&self.source);
        self.inner.set_delegate(move |delivery: DeliveryResult| {
            let delivery =
                delivery.map(|some| some.map(|delivery| TracedDelivery::new(delivery, &source)));
            match delivery {
                Ok(Some(delivery)) => delivery.run(|delivery| handle(Ok(Some(delivery)))),
                nothing => Work::of_none(handle(nothing).with_current_context()),
            }
        });
    }
}

impl Stream for TracedConsumer {
    type Item = lapin::Result<TracedDelivery>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.inner).poll_next(cx) {
            Poll::Ready(Some(Ok(delivery))) => {
                Poll::Ready(Some(Ok(TracedDelivery::new(delivery, &self.source))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Deref for TracedConsumer {
    type Target = Consumer;

    fn deref(&self) -> &Consumer {
        &self.inner
    }
}
