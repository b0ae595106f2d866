use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::Context;

/// Lets any future take a context along.
pub trait FutureExt: Future + Sized {
    /// Makes `context` current in every poll of this future and in its drop, which comes as soon as it is done.
    ///
    /// What the code inside attaches and leaves attached at the end of a poll is taken away: the next poll starts with
    /// `context` again.
    ///
    /// ```
    /// use tracing_core_ctx::{Baggage, Context, context::FutureExt as _};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let cx = Context::new().with_baggage(Baggage::new().with("user.tier", "gold"));
    /// let tier = async { Context::current().baggage().get("user.tier").map(str::to_owned) };
    /// assert_eq!(tier.with_context(cx).await.as_deref(), Some("gold"));
    /// # });
    /// ```
    fn with_context(self, context: Context) -> WithContext<Self> {
        WithContext {
            inner: Some(self),
            context,
        }
    }

    /// Takes the context that is current now along, to a spawned task for example.
    ///
    /// ```no_run
    /// use tracing_core_ctx::context::FutureExt as _;
    ///
    /// # async fn work() {}
    /// tokio::spawn(work().with_current_context());
    /// ```
    fn with_current_context(self) -> WithContext<Self> {
        self.with_context(Context::current())
    }
}

impl<F: Future> FutureExt for F {}

pin_project! {
    /// A future that runs in its own context. See [`FutureExt::with_context`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct WithContext<F> {
        // An option, so that the future can be dropped while its context is current.
        #[pin]
        inner: Option<F>,
        context: Context,
    }

    impl<F> PinnedDrop for WithContext<F> {
        fn drop(this: Pin<&mut Self>) {
            if this.inner.is_some() {
                this.drop_inner();
            }
        }
    }
}

impl<F> WithContext<F> {
    /// The context that the future runs in.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Drops the future while its context is current. It must not be polled any more.
    pub(crate) fn drop_inner(self: Pin<&mut Self>) {
        let mut this = self.project();
        let _entered = this.context.enter();
        this.inner.set(None);
    }
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _entered = this.context.enter();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            // As of any future that is polled again after its end, nothing can be expected.
            return Poll::Pending;
        };
        let output = task::ready!(inner.poll(cx));
        this.inner.set(None);
        Poll::Ready(output)
    }
}
