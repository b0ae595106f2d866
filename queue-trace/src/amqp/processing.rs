use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{self, Poll, ready};
use std::thread::panicking;

use pin_project_lite::pin_project;
use tracing_core_ctx::context::{FutureExt as _, WithContext};
use tracing_core_ctx::{ActiveSpan, Context, SpanRef, semconv};

use crate::observe::Watch;

/// The process span of a delivery, which whoever holds the delivery may end.
pub(super) struct Processing {
    /// The context alone: who ends the span has that.
    context: ActiveSpan,
    /// `None` where nobody wants to know.
    ending: Option<Mutex<Option<Ending>>>,
    /// With what the work has failed, if it has.
    failed: OnceLock<&'static str>,
    /// The last work was dropped before its end.
    was_given_up: AtomicBool,
}

/// The right to end it.
#[derive(Default)]
pub(super) struct Ending {
    /// `None` if somebody else has it.
    span: Option<ActiveSpan>,
    watch: Watch,
}

impl Processing {
    #[inline]
    pub(super) fn new(span: ActiveSpan, watch: Watch) -> Self {
        let (context, ending) = match span.is_open() || watch.is_on() {
            false => (span, None),
            true => {
                let context = ActiveSpan::passing(span.context().clone());
                let span = Some(span);
                (context, Some(Mutex::new(Some(Ending { span, watch }))))
            }
        };
        Self {
            context,
            ending,
            failed: OnceLock::new(),
            was_given_up: AtomicBool::new(false),
        }
    }

    pub(super) const fn context(&self) -> &Context {
        self.context.context()
    }

    pub(super) fn span(&self) -> &SpanRef {
        self.context.span()
    }

    /// Whether anybody wants to know how it ends.
    #[inline]
    pub(super) const fn is_wanted(&self) -> bool {
        self.ending.is_some()
    }

    /// The right to end it, once.
    #[inline]
    pub(super) fn take(&self) -> Option<Ending> {
        let ending = self.ending.as_ref()?;
        // What is done with it, observers among it, is done without the lock.
        let mut ending = ending.lock().unwrap_or_else(PoisonError::into_inner);
        ending.take()
    }

    /// Ends it; `how` the delivery was settled is said if somebody knows.
    pub(super) fn end(&self, ending: Ending, how: Option<&str>) {
        let Ending { span, mut watch } = ending;
        let failed = self.failed.get().copied();
        let time = watch.end(failed);
        let Some(mut span) = span else { return };
        span.end_at_with(time, |span| {
            span.set_opt(semconv::CTX_MESSAGE_SETTLEMENT, how);
            if self.was_given_up.load(Ordering::Relaxed) {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            }
            // The work may have said more.
            if let Some(failed) = failed
                && !span.status().is_error()
            {
                span.fail(failed, "");
            }
        });
    }

    /// The span, for somebody else to end.
    #[cfg(feature = "tower")]
    pub(super) fn lend(&mut self) -> Option<ActiveSpan> {
        self.ending_mut()?.span.take()
    }

    /// Who is to be told of its end, for somebody else to tell.
    #[cfg(feature = "tower")]
    pub(super) fn lend_watch(&mut self) -> Watch {
        let watch = self.ending_mut().map(|ending| &mut ending.watch);
        watch.map(std::mem::take).unwrap_or_default()
    }

    #[cfg(feature = "tower")]
    fn ending_mut(&mut self) -> Option<&mut Ending> {
        let ending = self.ending.as_mut()?.get_mut();
        ending.unwrap_or_else(PoisonError::into_inner).as_mut()
    }

    /// The work has failed with this. The first time counts.
    pub(super) fn failed(&self, error_type: &'static str) {
        self.failed.get_or_init(|| error_type);
    }

    /// Lets `work` run in it.
    pub(super) fn work<F: Future>(&self, work: F) -> Work<'_, F> {
        Work {
            work: work.with_context(self.context().clone()),
            processing: Some(self),
            is_done: false,
        }
    }
}

pin_project! {
    /// What processes a delivery, in its span. Made by [`TracedDelivery::process`](super::TracedDelivery::process) and
    /// [`TracedDelivery::run`](super::TracedDelivery::run).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Work<'a, F> {
        #[pin]
        work: WithContext<F>,
        // None if the work has the delivery, which then sees itself how it ends.
        processing: Option<&'a Processing>,
        is_done: bool,
    }

    impl<F> PinnedDrop for Work<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            // A panic that comes by is none of the work's own, and the span itself knows how that ends it.
            if !this.is_done && !panicking() {
                match this.processing {
                    Some(processing) => processing.was_given_up.store(true, Ordering::Relaxed),
                    None => {
                        let span = this.work.context().span_ref();
                        span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
                    }
                }
            }
        }
    }
}

impl<F> Work<'static, F> {
    /// Work that has the delivery.
    pub(super) const fn owning(work: WithContext<F>) -> Self {
        Self {
            work,
            processing: None,
            is_done: false,
        }
    }

    /// Work on no delivery.
    pub(super) const fn of_none(work: WithContext<F>) -> Self {
        Self {
            work,
            processing: None,
            is_done: true,
        }
    }
}

impl<F: Future> Future for Work<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = {
            let _watched = Watched {
                processing: *this.processing,
                is_done: this.is_done,
                was_panicking: panicking(),
            };
            ready!(this.work.poll(cx))
        };
        *this.is_done = true;
        if let Some(processing) = this.processing {
            processing.was_given_up.store(false, Ordering::Relaxed);
        }
        Poll::Ready(output)
    }
}

/// Sees a panic that comes by.
struct Watched<'w, 'a> {
    processing: Option<&'a Processing>,
    is_done: &'w mut bool,
    was_panicking: bool,
}

impl Drop for Watched<'_, '_> {
    fn drop(&mut self) {
        if panicking() && !self.was_panicking {
            *self.is_done = true;
            if let Some(processing) = self.processing {
                processing.failed(semconv::error_type::PANIC);
            }
        }
    }
}
