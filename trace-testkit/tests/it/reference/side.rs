use std::cell::RefCell;
use std::sync::Arc;

use http::{Response, StatusCode};
use http_body::Body;
use trace_testkit::http::SpanEnd;
use tracing_core_ctx::context::Scope;
use tracing_core_ctx::semconv::{self, ctx_outcome, error_type};
use tracing_core_ctx::{Context, Span};

use super::{Fault, Layer, describe};

/// One exchange from its start to its only end.
pub(super) struct Exchange {
    pub(super) layer: Arc<Layer>,
    span: Option<Span>,
    context: Context,
    is_head: bool,
    pub(super) is_connect: bool,
    /// Bytes of the body that are still to come, if somebody said how many there are.
    left: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Cancelled,
    Complete,
    Panicked,
    Upgraded,
}

thread_local! {
    static LEAKED: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
}

impl Exchange {
    pub(super) fn new(layer: Arc<Layer>, span: Span, context: Context, is_head: bool) -> Self {
        let (span, context) = if layer.has(Fault::EndsWithLastContext) {
            (None, context.with_value(span))
        } else {
            (Some(span), context)
        };
        Self {
            layer,
            span,
            context,
            is_head,
            is_connect: false,
            left: None,
        }
    }

    /// Runs what is below with the context current, and ends the span if it panics.
    pub(super) fn inside<R>(
        &mut self,
        is_current: impl FnOnce(Fault) -> bool,
        run: impl FnOnce(&mut Self) -> R,
    ) -> R {
        struct Bomb<'a>(&'a mut Exchange);

        impl Drop for Bomb<'_> {
            fn drop(&mut self) {
                if !std::thread::panicking() || self.0.layer.has(Fault::PanicsAreCancellations) {
                    return;
                }
                let unseen = self.0.layer.has(Fault::PanicsUnseen);
                self.0.end(if unseen {
                    End::Cancelled
                } else {
                    End::Panicked
                });
            }
        }

        let bomb = Bomb(self);
        if bomb.0.layer.has(Fault::LeaksContext) {
            let _leaked = std::mem::ManuallyDrop::new(bomb.0.context.clone().attach());
            return run(&mut *bomb.0);
        }
        if bomb.0.layer.has(Fault::LeaksUntilDrop) {
            LEAKED.with_borrow_mut(|leaked| leaked.push(bomb.0.context.clone().attach()));
            return run(&mut *bomb.0);
        }
        if !is_current(bomb.0.layer.fault) {
            return run(&mut *bomb.0);
        }
        if bomb.0.layer.has(Fault::ScopeAcrossPolls) {
            // A guard of its own takes only its own frame away.
            let _scope = bomb.0.context.clone().attach();
            return run(&mut *bomb.0);
        }
        let mut context = bomb.0.context.clone();
        let _entered = context.enter();
        run(&mut *bomb.0)
    }

    pub(super) fn head<B: Body>(&mut self, response: &Response<B>) {
        let Some(span) = &self.span else { return };
        describe::response(&self.layer, response, span);
        let has_no_body = self.is_head && !self.layer.has(Fault::IgnoresHead)
            || matches!(
                response.status(),
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            ) && !self.layer.has(Fault::IgnoresHead);
        let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS
            || self.is_connect && response.status().is_success();
        if is_upgrade && !self.layer.has(Fault::IgnoresUpgrade) {
            self.end(End::Upgraded);
            return;
        }
        let ends_by_policy = self.layer.end == SpanEnd::Head || self.layer.has(Fault::EndsAtHead);
        let is_empty = response.body().is_end_stream() && !self.layer.has(Fault::WaitsForNone);
        if has_no_body || ends_by_policy || is_empty {
            self.end(End::Complete);
            return;
        }
        if !self.layer.has(Fault::IgnoresContentLength) {
            let said = response
                .headers()
                .get("content-length")
                .and_then(|value| value.to_str().ok()?.parse().ok());
            self.left = said.or_else(|| response.body().size_hint().exact());
        }
    }

    pub(super) fn frame(&mut self, bytes: usize, is_last: bool) {
        self.left = self.left.map(|left| left.saturating_sub(bytes as u64));
        if is_last && !self.layer.has(Fault::WaitsForNone) {
            self.end(End::Complete);
        }
    }

    pub(super) fn fail(&mut self, error: &(dyn std::error::Error + 'static)) {
        let Some(span) = self.span.take() else { return };
        if self.layer.has(Fault::MessageIsErrorType) {
            span.fail(&error.to_string(), "");
        } else {
            span.fail(error_type::OTHER, error.to_string());
        }
        span.end();
    }

    pub(super) fn dropped(&mut self) {
        let is_complete = self.left == Some(0);
        while LEAKED.with_borrow_mut(Vec::pop).is_some() {}
        let how = if std::thread::panicking() && !self.layer.has(Fault::PanicsUnseen) {
            End::Panicked
        } else if is_complete {
            End::Complete
        } else {
            End::Cancelled
        };
        self.end(how);
    }

    pub(super) fn end(&mut self, how: End) {
        let Some(span) = self.span.take() else { return };
        match how {
            End::Cancelled if self.layer.has(Fault::CancelIsError) => span.fail("cancelled", ""),
            End::Cancelled => span.set(semconv::CTX_OUTCOME, ctx_outcome::CANCELLED),
            End::Complete if self.layer.has(Fault::MarksSuccessOk) => {
                span.set_status(tracing_core_ctx::Status::Ok);
            }
            End::Complete => {}
            End::Panicked => span.fail(error_type::PANIC, ""),
            End::Upgraded => span.set(semconv::CTX_OUTCOME, ctx_outcome::UPGRADED),
        }
        span.end();
    }
}
