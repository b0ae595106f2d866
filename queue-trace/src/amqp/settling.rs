use std::future::{Future, poll_fn};
use std::pin::pin;

use tracing_core_ctx::{ActiveSpan, Span, semconv};

use crate::observe::Watch;

/// The span of settling a delivery, in which nobody is, and who hears of its end. If it is dropped before, it was given up.
pub(super) struct Settling {
    span: Option<Span>,
    watch: Watch,
}

impl Settling {
    pub(super) const fn new(span: Span, watch: Watch) -> Self {
        Self {
            span: Some(span),
            watch,
        }
    }

    pub(super) fn done(mut self) {
        self.watch.end(None);
        if let Some(span) = self.span.take() {
            span.end();
        }
    }

    pub(super) fn fail(mut self, error_type: &str) {
        self.watch.end(Some(error_type));
        if let Some(span) = self.span.take() {
            span.end_with(|span| span.fail(error_type, ""));
        }
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if let Some(span) = self.span.take()
            && !std::thread::panicking()
        {
            span.end_with(|span| {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            });
        }
    }
}

/// Runs `work` with a span as the current one.
pub(super) async fn within<F: Future>(active: &mut ActiveSpan, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _entered = active.enter();
        work.as_mut().poll(cx)
    })
    .await
}
