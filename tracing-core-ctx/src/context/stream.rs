use std::pin::Pin;
use std::task::{self, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Context;

/// Lets any stream take a context along.
pub trait StreamExt: Stream + Sized {
    /// Makes `context` current in every poll of this stream and in its drop.
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use tracing_core_ctx::{Baggage, Context, context::StreamExt as _};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let cx = Context::new().with_baggage(Baggage::new().with("user.tier", "gold"));
    /// let tiers = stream::iter(0..2).map(|_| Context::current().baggage().get("user.tier").map(str::to_owned));
    /// let seen: Vec<_> = tiers.with_context(cx).collect().await;
    /// assert_eq!(seen, [Some("gold".to_owned()), Some("gold".to_owned())]);
    /// # });
    /// ```
    fn with_context(self, context: Context) -> StreamWithContext<Self> {
        StreamWithContext {
            inner: Some(self),
            context,
        }
    }

    /// Takes the context that is current now along.
    fn with_current_context(self) -> StreamWithContext<Self> {
        self.with_context(Context::current())
    }
}

impl<S: Stream> StreamExt for S {}

pin_project! {
    /// A stream that runs in its own context. See [`StreamExt::with_context`].
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct StreamWithContext<S> {
        // An option, so that the stream can be dropped while its context is current.
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

impl<S> StreamWithContext<S> {
    /// The context that the stream runs in.
    pub const fn context(&self) -> &Context {
        &self.context
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
