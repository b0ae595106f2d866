use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread::panicking;

use pin_project_lite::pin_project;
use tracing_core_ctx::{ActiveSpan, semconv};

use super::Measured;
use crate::failure::error_type;

pin_project! {
    /// What a service does with a message, in the message's process span.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct ResponseFuture<F> {
        // None once it is done, so that what it held is dropped before the span ends.
        #[pin]
        inner: Option<F>,
        active: ActiveSpan,
        measured: Measured,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                {
                    let _entered = this.active.enter();
                    this.inner.set(None);
                }
                // How a panic ends it, the span itself knows.
                if !panicking() {
                    this.active.end_with(|span| span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED));
                }
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, active: ActiveSpan, measured: Measured) -> Self {
        Self {
            inner: Some(inner),
            active,
            measured,
        }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            // As of any future that is polled again after its end, nothing can be expected.
            return Poll::Pending;
        };
        let output = {
            let watched = Watched::new(this.active, this.measured);
            let _entered = watched.active.enter();
            let output = ready!(inner.poll(cx));
            this.inner.set(None);
            output
        };
        let failed = output.is_err().then(error_type::<E>);
        let time = this.measured.end(failed);
        this.active.end_at_with(time, |span| {
            // The work may have said more.
            if let Some(failed) = failed
                && !span.status().is_error()
            {
                span.fail(failed, "");
            }
        });
        Poll::Ready(output)
    }
}

/// Ends the span if a panic comes by: whoever catches it may drop the future later, or never.
struct Watched<'a> {
    active: &'a mut ActiveSpan,
    measured: &'a mut Measured,
    was_panicking: bool,
}

impl<'a> Watched<'a> {
    fn new(active: &'a mut ActiveSpan, measured: &'a mut Measured) -> Self {
        Self {
            active,
            measured,
            was_panicking: panicking(),
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if panicking() && !self.was_panicking {
            let time = self.measured.end(Some(semconv::error_type::PANIC));
            self.active
                .end_at_with(time, |span| span.fail(semconv::error_type::PANIC, ""));
        }
    }
}
