use std::borrow::Cow;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{self, Poll};

use tracing_core_ctx::context::Entered;
use tracing_core_ctx::{ActiveSpan, Context, SpanRef, semconv};

use crate::failure::error_type;
use crate::observe::{Failure, Watch};

/// A process span and the right to end it, for work that is no single future: it owns its data and may outlive the message.
///
/// It ends by [`end`](Self::end), or when it is dropped; if a panic drops it, it has failed.
#[derive(Debug)]
#[must_use = "a span that is dropped at once has ended"]
pub struct Processing(ActiveSpan, Watch);

impl Processing {
    pub(super) const fn new(active: ActiveSpan, watch: Watch) -> Self {
        Self(active, watch)
    }

    /// The context with this span as the current one: work in it with
    /// [`with_context`](tracing_core_ctx::context::FutureExt::with_context) or [`scope`](Context::scope).
    #[must_use]
    pub const fn context(&self) -> &Context {
        self.0.context()
    }

    /// The span, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.0.span()
    }

    /// Makes the span current until the guard is dropped, for work that does not await.
    pub fn enter(&mut self) -> Entered<'_> {
        self.0.enter()
    }

    /// Ends the span now.
    pub fn end(mut self) {
        let time = self.1.end(None);
        self.0.end_at_with(time, |_| {});
    }

    /// Ends it as failed, with what kind of error.
    ///
    /// ```no_run
    /// # async fn handle(message: queue_trace::kafka::TracedOwnedMessage) {
    /// let processing = message.start_process();
    /// // .. by several hands, one of which failed.
    /// processing.fail("no-stamp");
    /// # }
    /// ```
    pub fn fail(mut self, error_type: &str) {
        let failure = Failure {
            error_type,
            error: &"",
        };
        self.1.end_with(&mut self.0, Some(failure));
    }

    /// The span, for somebody else to end, and who is to be told.
    #[cfg(feature = "tower")]
    pub(crate) fn into_parts(self) -> (ActiveSpan, Watch) {
        (self.0, self.1)
    }

    /// Runs `work` as all there is to do. If it is dropped before its end, the span ends with `ctx.outcome` = `cancelled`.
    pub(super) async fn run<F: Future>(self, work: impl FnOnce() -> F) -> F::Output {
        self.run_judging(work, |_| None).await
    }

    /// The same with work that may fail.
    pub(super) async fn try_run<F, T, E>(self, work: impl FnOnce() -> F) -> F::Output
    where
        F: Future<Output = Result<T, E>>,
    {
        let judge = |output: &F::Output| output.is_err().then(error_type::<E>);
        self.run_judging(work, judge).await
    }

    async fn run_judging<F: Future>(
        self,
        work: impl FnOnce() -> F,
        judge: impl FnOnce(&F::Output) -> Option<&'static str>,
    ) -> F::Output {
        let mut running = Running(self.0, self.1);
        // What makes the future is part of the work.
        let mut work = pin!(Some(async move { work().await }));
        let output = Within {
            work: work.as_mut(),
            active: &mut running.0,
        }
        .await;
        let failed = judge(&output);
        let time = running.1.end(failed);
        running.0.end_at_with(time, |span| {
            // The work may have said more.
            if let Some(failed) = failed
                && !span.status().is_error()
            {
                span.fail(failed, "");
            }
        });
        output
    }
}

/// Where a message was processed last, so that it can be settled there.
#[derive(Clone, Default)]
pub(super) struct Processed {
    /// Of the first span that is recorded. All others leave but a mark, which costs less.
    recorded: OnceLock<Context>,
    /// Of those after it, which are rare.
    again: Again,
    unrecorded: Mark,
}

impl Processed {
    #[inline]
    pub(super) fn set(&self, active: &ActiveSpan) {
        if active.is_open() {
            let mut is_first = false;
            self.recorded.get_or_init(|| {
                is_first = true;
                active.context().clone()
            });
            if !is_first {
                self.again.set(active.context());
            }
        } else if active.context().is_unrecorded() {
            self.unrecorded.0.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn recorded(&self) -> Option<Cow<'_, Context>> {
        let again = self.again.get().map(Cow::Owned);
        again.or_else(|| self.recorded.get().map(Cow::Borrowed))
    }

    /// Whether it was processed in a span that a sampler has dropped, and in no other.
    #[inline]
    pub(super) fn is_unrecorded(&self) -> bool {
        self.unrecorded.0.load(Ordering::Relaxed) && self.recorded.get().is_none()
    }
}

/// A context that gives way to the next one.
#[derive(Default)]
struct Again(OnceLock<Box<Mutex<Context>>>);

impl Again {
    #[cold]
    fn set(&self, context: &Context) {
        let last = self.0.get_or_init(Box::default);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, context.clone());
        // What is in a context may be the user's own.
        drop(last);
        drop(before);
    }

    #[inline]
    fn get(&self) -> Option<Context> {
        let last = self.0.get()?;
        let last = last.lock().unwrap_or_else(PoisonError::into_inner);
        Some(last.clone())
    }
}

impl Clone for Again {
    fn clone(&self) -> Self {
        let last = self.get().map(|last| Box::new(Mutex::new(last)));
        Self(last.map_or_else(OnceLock::new, OnceLock::from))
    }
}

#[derive(Default)]
struct Mark(AtomicBool);

impl Clone for Mark {
    fn clone(&self) -> Self {
        Self(self.0.load(Ordering::Relaxed).into())
    }
}

/// Work whose span is current in every poll, and when it is dropped.
struct Within<'a, F> {
    work: Pin<&'a mut Option<F>>,
    active: &'a mut ActiveSpan,
}

impl<F: Future> Future for Within<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let Self { work, active } = &mut *self;
        let _entered = active.enter();
        let Some(running) = work.as_mut().as_pin_mut() else {
            // As of any future that is polled again after its end, nothing can be expected.
            return Poll::Pending;
        };
        let output = task::ready!(running.poll(cx));
        work.set(None);
        Poll::Ready(output)
    }
}

impl<F> Drop for Within<'_, F> {
    fn drop(&mut self) {
        if self.work.is_some() {
            let _entered = self.active.enter();
            self.work.set(None);
        }
    }
}

struct Running(ActiveSpan, Watch);

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.end_with(|span| {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            });
        }
    }
}
