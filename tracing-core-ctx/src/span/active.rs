use std::fmt;

use super::{LiveSpan, SpanRef, SpanWriter};
use crate::context::Entered;
use crate::{Context, Timestamp, semconv};

/// A span, the context in which it is current, and the right to end it: what an instrumentation carries through its state machine.
///
/// It moves as one value, and nothing is counted when it is entered and left. Where nothing is recorded only the context travels. If it
/// is dropped the span ends, as a [`Span`](super::Span) does. Made by [`SpanBuilder::start_in`](super::SpanBuilder::start_in).
///
/// ```
/// use tracing_core_ctx::{Context, SpanKind, Tracer, semconv};
///
/// # fn demo(tracer: &Tracer, caller: Context) {
/// let mut active = tracer
///     .span("GET /users/{id}")
///     .kind(SpanKind::Server)
///     .start_in(caller, |span| span.set(semconv::HTTP_REQUEST_METHOD, "GET"));
/// {
///     let _entered = active.enter();
///     // The work of one poll.
/// }
/// active.end_with(|span| span.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200));
/// # }
/// ```
#[must_use = "a span that is dropped at once has ended"]
pub struct ActiveSpan {
    context: Context,
    open: bool,
    /// Whether it was started by code that a panic runs: such a span did not panic itself.
    unwinding: bool,
}

impl ActiveSpan {
    /// The context alone, with no span of its own to end.
    pub const fn passing(context: Context) -> Self {
        Self {
            context,
            open: false,
            unwinding: false,
        }
    }

    pub(super) fn open(context: Context) -> Self {
        Self {
            context,
            open: true,
            unwinding: std::thread::panicking(),
        }
    }

    /// The context with this span as the current one.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The span, for those who describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.context.span_ref()
    }

    /// Whether it records and has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Makes the context current by moving it; see [`Context::enter`].
    #[must_use = "the context is current only while the guard lives"]
    #[inline]
    pub fn enter(&mut self) -> Entered<'_> {
        self.context.enter()
    }

    /// Ends the span now and lets `describe` write what is known only at the end. The second end does nothing. If `describe` panics, the
    /// span has ended all the same.
    #[inline]
    pub fn end_with(&mut self, describe: impl FnOnce(&mut SpanWriter<'_>)) {
        self.end_at_with(None, describe);
    }

    /// The same at a moment that somebody else has already been told; with `None` it is now.
    #[inline]
    pub fn end_at_with(
        &mut self,
        time: Option<Timestamp>,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let recording = match self.context.live_mut() {
            Some(live) => live.take_alone(),
            None => self.context.live().and_then(LiveSpan::take),
        };
        if let (Some(recording), Some(live)) = (recording, self.context.live()) {
            live.end(recording, time, describe);
        }
    }
}

impl Drop for ActiveSpan {
    #[inline]
    fn drop(&mut self) {
        if self.open {
            let panicked = !self.unwinding && std::thread::panicking();
            self.end_with(|span| {
                if panicked {
                    span.fail(semconv::error_type::PANIC, "");
                }
            });
        }
    }
}

impl fmt::Debug for ActiveSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveSpan")
            .field("span", self.span())
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
