use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use lapin::message::BasicReturnMessage;
use lapin::{Confirmation, PublisherConfirm};
use tracing_core_ctx::SpanRef;

use super::facts;
use crate::under_way::UnderWay;

/// The broker's answer to a publication, as a future: lapin's, which ends the span of the publication.
///
/// If it is dropped before, the span ends with `ctx.outcome` = `cancelled`: nobody knows what became of the message. As lapin's own, it then counts
/// for `wait_for_confirms`.
#[must_use = "the span ends when the broker's answer is awaited"]
pub struct TracedConfirm {
    inner: PublisherConfirm,
    /// What was there at once.
    ready: Option<Ready>,
    sending: UnderWay,
}

/// An answer for which nobody had to wait. Few are large, and this is moved often.
enum Ready {
    NotRequested,
    Other(Box<lapin::Result<Confirmation>>),
}

/// Ends the span of a publication by the broker's answer.
fn end(sending: &mut UnderWay, answer: &lapin::Result<Confirmation>) {
    match answer {
        Err(error) => sending.fail(|| facts::error_type(error), error),
        Ok(Confirmation::Ack(Some(returned))) => {
            sending.fail(|| error_of(returned), &returned.reply_text);
        }
        Ok(Confirmation::Nack(_)) => sending.fail(|| "nack", &""),
        Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => sending.done(|_| {}),
    }
}

fn error_of(returned: &BasicReturnMessage) -> Cow<'static, str> {
    match returned.error() {
        Some(error) => facts::protocol_error(error.kind()).into(),
        None => returned.reply_code.to_string().into(),
    }
}

impl TracedConfirm {
    /// `is_owed`: whether the broker was asked to answer at all.
    pub(super) fn new(mut inner: PublisherConfirm, mut sending: UnderWay, is_owed: bool) -> Self {
        // Where no confirms are asked for the answer is there, and few await it.
        let mut now = Context::from_waker(Waker::noop());
        let ready = match is_owed {
            true => Poll::Pending,
            false => Pin::new(&mut inner).poll(&mut now),
        };
        let ready = match ready {
            Poll::Ready(answer) => {
                end(&mut sending, &answer);
                Some(match answer {
                    Ok(Confirmation::NotRequested) => Ready::NotRequested,
                    other => Ready::Other(Box::new(other)),
                })
            }
            Poll::Pending => None,
        };
        Self {
            inner,
            ready,
            sending,
        }
    }

    /// The span of the publication, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.sending.span()
    }
}

impl Future for TracedConfirm {
    type Output = lapin::Result<Confirmation>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.ready.take() {
            Some(Ready::NotRequested) => return Poll::Ready(Ok(Confirmation::NotRequested)),
            Some(Ready::Other(answer)) => return Poll::Ready(*answer),
            None => {}
        }
        let answer = Pin::new(&mut this.inner).poll(cx);
        // Looked at where it lies: it is large.
        if let Poll::Ready(answer) = &answer {
            end(&mut this.sending, answer);
        }
        answer
    }
}

impl fmt::Debug for TracedConfirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedConfirm")
            .field("span", self.span())
            .finish_non_exhaustive()
    }
}
