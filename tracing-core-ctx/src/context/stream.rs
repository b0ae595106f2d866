use std::pin::Pin;
use std::task::{self, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Context;

/// Lets any stream take a context along.
pub trait StreamExt: Stream + Sized {
    /// Makes `context` current in every poll of this stream and in its drop.
    fn with_context(self, context: Context) -> StreamWithContext<Self> {
        StreamWithContext {
            inner: Some(self),
            context,
        }
    }
}

impl<S: Stream> StreamExt for S {}

pin_project! {
    /// A stream that runs in its own context. See [`StreamExt::with_context`].
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct StreamWithContext<S> {
        #[pin]
        inner: Option<S>,
        context: Context,
    }

    impl<S> PinnedDrop for StreamWithContext<S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.context.enter();
            this.inner.set(None);
        }
    }
}

impl<S: Stream> Stream for StreamWithContext<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let _entered = this.context.enter();
        match this.inner.as_mut().as_pin_mut() {
            Some(inner) => inner.poll_next(cx),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => (0, Some(0)),
        }
    }
}
