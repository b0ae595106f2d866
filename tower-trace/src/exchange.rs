//! One exchange: a request, its response, and the span that covers both.
//!
//! This is the mechanism; it knows no attribute name. What is said about an exchange is a policy's business ([`Describe`]). The
//! mechanism sees to it that the end comes once, at the right moment, and that the context is current wherever foreign
//! code runs.
//!
//! # When an exchange ends
//!
//! | what happens | [`End`] |
//! |---|---|
//! | the body's last frame was read, or there is none to read (`HEAD`, 204, 304, an empty body) | `Complete` |
//! | 101, or 2xx to a `CONNECT`: the connection now belongs to another protocol | `Upgraded` |
//! | the service or the body gave an error | `Failed` |
//! | the future or the body was dropped before | `Cancelled` |
//! | the service or the body panicked | `Panicked` |
//!
//! A body is complete, too, if its reader drops it when there is nothing left to ask for: after as many bytes as were announced, or when
//! `is_end_stream` has said so. hyper does both. Complete means read: whether the last bytes reach the other side, only the network knows.

mod body;
mod end;
mod failure;
mod future;
mod watch;

use std::fmt;

pub use body::ResponseBody;
use bytes::Buf;
pub use end::{Complete, Describe, End};
pub use failure::Failure;
pub use future::ResponseFuture;
use http::{HeaderMap, Method, StatusCode};
use tracing_core_ctx::context::Entered;
use tracing_core_ctx::{ActiveSpan, Context};
pub use watch::{Late, Watch};

use crate::head::ResponseHead;

/// An exchange under way: its context, its span, and what a policy remembers of the request.
///
/// If it is dropped without an end, it was cancelled.
pub struct Exchange<D: Describe> {
    active: ActiveSpan,
    /// Gone when the exchange has ended.
    describe: Option<D>,
    method: Special,
}

/// Methods whose responses have no body, or one that is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    Connect,
    Head,
    None,
}

impl<D: Describe> Exchange<D> {
    /// An exchange that the span of `active` covers, or that somebody [watches](Watch) though it has none. Its context is current while the
    /// service and the body run.
    pub fn new(method: &Method, active: ActiveSpan, describe: D) -> Self {
        Self {
            active,
            describe: Some(describe),
            method: Special::of(method),
        }
    }

    /// An exchange that nobody records or watches: only its context travels.
    #[must_use]
    pub const fn unrecorded(active: ActiveSpan) -> Self {
        Self {
            active,
            describe: None,
            method: Special::None,
        }
    }

    /// Whether somebody waits for its end.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.describe.is_some()
    }

    /// The context of the exchange.
    #[must_use]
    pub const fn context(&self) -> &Context {
        self.active.context()
    }

    /// What is said about its end, until it has ended.
    #[must_use]
    #[inline]
    pub const fn describe(&self) -> Option<&D> {
        self.describe.as_ref()
    }

    /// Foreign code is about to run.
    #[inline]
    pub const fn running(&mut self) -> Running<'_, D> {
        Running {
            exchange: self,
            has_returned: false,
        }
    }

    /// Looks at the head of the response; ends the exchange if nothing can follow it.
    #[inline]
    fn head(&mut self, head: ResponseHead<'_>, body_is_empty: bool) {
        let Some(describe) = &mut self.describe else {
            return;
        };
        let keep = describe.on_response(head, self.active.span());
        if self.method.is_upgrade(head.status) {
            self.end(End::Upgraded);
        } else if body_is_empty || !self.method.has_body(head.status) || keep.is_break() {
            self.end(End::Complete(Complete::default()));
        }
    }

    /// Shows a data frame that passes on.
    #[inline]
    fn data(&mut self, data: &dyn Buf) {
        if let Some(describe) = &mut self.describe {
            describe.on_data(data, self.active.span());
        }
    }

    /// Shows the trailers that pass on.
    fn trailers(&mut self, trailers: &mut HeaderMap) {
        if let Some(describe) = &mut self.describe {
            describe.on_trailers(trailers, self.active.context());
        }
    }

    /// Ends the exchange; the second end does nothing.
    #[inline]
    fn end(&mut self, end: End<'_>) {
        if self.describe.is_some() {
            self.end_open(end);
        }
    }

    /// By itself: an exchange has many places where it can end, and ends at one.
    #[inline(never)]
    fn end_open(&mut self, end: End<'_>) {
        if let Some(describe) = &mut self.describe {
            let time = describe.on_ending(&end, self.active.span());
            self.active
                .end_at_with(time, |span| describe.on_end(&end, span));
            self.describe = None;
        }
    }
}

impl Special {
    fn of(method: &Method) -> Self {
        match *method {
            Method::CONNECT => Self::Connect,
            Method::HEAD => Self::Head,
            _ => Self::None,
        }
    }

    fn is_upgrade(self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || (self == Self::Connect && status.is_success())
    }

    fn has_body(self, status: StatusCode) -> bool {
        self != Self::Head && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

impl<D: Describe> Drop for Exchange<D> {
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}

impl<D: Describe> fmt::Debug for Exchange<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("context", self.context())
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

/// Runs foreign code with the exchange's context current. If it panics, the exchange has ended by that, whoever catches the panic.
#[inline]
fn run<D: Describe, R>(exchange: &mut Exchange<D>, foreign: impl FnOnce() -> R) -> R {
    let mut running = exchange.running();
    let result = {
        let _entered = running.enter();
        foreign()
    };
    running.returned();
    result
}

/// Foreign code of an exchange is running. Who does not say that it [returned](Self::returned) tells of a panic, by which the exchange has ended,
/// whoever catches it.
///
/// A guard, and no function that takes a closure: a request, and what becomes of it, is large, and every closure would move it.
///
/// ```
/// # use http::{Request, Response};
/// # use tower_service::Service;
/// # use tower_trace::exchange::{Describe, Exchange, ResponseFuture};
/// # fn call<S: Service<Request<()>>, D: Describe>(
/// #     service: &mut S, mut exchange: Exchange<D>, request: Request<()>,
/// # ) -> ResponseFuture<S::Future, D> {
/// let mut running = exchange.running();
/// let entered = running.enter();
/// let answer = service.call(request);
/// drop(entered);
/// running.returned();
/// ResponseFuture::new(answer, exchange, None)
/// # }
/// ```
#[must_use = "it is told that foreign code has returned"]
pub struct Running<'a, D: Describe> {
    exchange: &'a mut Exchange<D>,
    has_returned: bool,
}

impl<D: Describe> Running<'_, D> {
    /// Makes the exchange's context current.
    #[inline]
    pub fn enter(&mut self) -> Entered<'_> {
        self.exchange.active.enter()
    }

    /// It has returned.
    #[inline]
    pub fn returned(mut self) {
        self.has_returned = true;
    }
}

impl<D: Describe> fmt::Debug for Running<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

impl<D: Describe> Drop for Running<'_, D> {
    #[inline]
    fn drop(&mut self) {
        if !self.has_returned {
            self.exchange.end(End::Panicked);
        }
    }
}
