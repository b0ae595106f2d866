use std::fmt::Display;

use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Span, SpanRef, Timestamp, semconv};

use crate::observe::Watch;

/// An operation under way in whose span nobody is, and who hears of its end. If it is dropped before, it was given up.
///
/// For such a span no context is made: it costs a copy of the one that is current, and is put away again.
pub(crate) struct UnderWay {
    span: Span,
    watch: Watch,
}

impl UnderWay {
    #[inline]
    pub(crate) const fn new(span: Span, watch: Watch) -> Self {
        Self { span, watch }
    }

    pub(crate) const fn span(&self) -> &SpanRef {
        self.span.handle()
    }

    /// Whether anybody wants to hear of its end.
    #[inline]
    pub(crate) const fn is_wanted(&self) -> bool {
        self.span.is_open() || self.watch.is_on()
    }

    /// Nothing.
    #[cfg(feature = "amqp")]
    pub(crate) fn none() -> Self {
        Self::new(Span::none(), Watch::default())
    }

    /// It was done; `describe` writes what is known only now.
    #[inline]
    pub(crate) fn done(&mut self, describe: impl FnOnce(&mut SpanWriter<'_>)) {
        self.done_at(None, describe);
    }

    /// The same at this time, or now.
    #[inline]
    pub(crate) fn done_at(
        &mut self,
        time: Option<Timestamp>,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) {
        if self.is_wanted() {
            let time = self.watch.end_at(time, None).or(time);
            self.span.end_at_with(time, describe);
        }
    }

    /// It has failed with an error that has this name, and says this.
    pub(crate) fn fail<E: AsRef<str>>(
        &mut self,
        error_type: impl FnOnce() -> E,
        error: &dyn Display,
    ) {
        self.fail_at(None, error_type, error);
    }

    /// The same at this time, or now.
    pub(crate) fn fail_at<E: AsRef<str>>(
        &mut self,
        time: Option<Timestamp>,
        error_type: impl FnOnce() -> E,
        error: &dyn Display,
    ) {
        if self.is_wanted() {
            let error_type = error_type();
            let error_type = error_type.as_ref();
            let time = self.watch.end_at(time, Some(error_type)).or(time);
            if self.span.is_open() {
                let text = error.to_string();
                self.span
                    .end_at_with(time, |span| span.fail(error_type, text));
            }
        }
    }
}

impl Drop for UnderWay {
    #[inline]
    fn drop(&mut self) {
        // How a panic ends it, the span itself knows.
        if self.span.is_open() && !std::thread::panicking() {
            self.span.end_at_with(None, |span| {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            });
        }
    }
}
