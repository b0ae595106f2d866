use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use lapin::message::BasicReturnMessage;
use lapin::{Confirmation, PublisherConfirm};
use tracing_core_ctx::{SpanRef, Timestamp, Tracer};

use super::facts;
use super::waiting::Waiting;
use crate::under_way::UnderWay;

/// The broker's answer to a publication, as a future: lapin's, which ends the span of the publication.
///
/// If it is dropped without having been awaited, it counts for [`wait_for_confirms`](super::TracedChannel::wait_for_confirms), as lapin's own, and the span
/// ends with the broker's answer. If it is dropped while it is awaited, or there are more than 1024 on the channel, the span ends with `ctx.outcome` =
/// `cancelled`: nobody knows what became of the message.
#[must_use = "the span ends when the broker's answer is awaited"]
pub struct TracedConfirm {
    /// `None` when it waits elsewhere.
    inner: Option<PublisherConfirm>,
    /// Where it waits if nobody awaits it here.
    waiting: Option<(Arc<Waiting>, Tracer)>,
    /// What was there at once.
    ready: Option<Ready>,
    sending: UnderWay,
}

/// An answer for which nobody had to wait. Few are large, and this is moved often.
enum Ready {
    NotRequested,
    Other(Box<lapin::Result<Confirmation>>),
}

/// Ends the span of a publication by the broker's answer, that came at this time or now.
pub(super) fn end(
    sending: &mut UnderWay,
    answer: &lapin::Result<Confirmation>,
    time: Option<Timestamp>,
) {
    match answer {
        Err(error) => sending.fail_at(time, || facts::error_type(error), error),
        Ok(Confirmation::Ack(Some(returned))) => {
            sending.fail_at(time, || error_of(returned), &returned.reply_text);
        }
        Ok(Confirmation::Nack(_)) => sending.fail_at(time, || "nack", &""),
        Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => sending.done_at(time, |_| {}),
    }
}

fn error_of(returned: &BasicReturnMessage) -> Cow<'static, str> {
    match returned.error() {
        Some(error) => facts::protocol_error(error.kind()).into(),
        None => returned.reply_code.to_string().into(),
    }
}

impl TracedConfirm {
    /// `owed`: where to wait for the answer, if the broker was asked for one at all.
    pub(super) fn new(
        mut inner: PublisherConfirm,
        mut sending: UnderWay,
        owed: Option<(&Arc<Waiting>, &Tracer)>,
    ) -> Self {
        let is_owed = owed.is_some();
        let waiting = owed.filter(|_| sending.is_wanted());
        let waiting = waiting.map(|(waiting, tracer)| (Arc::clone(waiting), tracer.clone()));
        // Where no confirms are asked for the answer is there, and few await it.
        let mut now = Context::from_waker(Waker::noop());
        let ready = match is_owed {
            true => Poll::Pending,
            false => Pin::new(&mut inner).poll(&mut now),
        };
        let ready = match ready {
            Poll::Ready(answer) => {
                end(&mut sending, &answer, None);
                Some(match answer {
                    Ok(Confirmation::NotRequested) => Ready::NotRequested,
                    other => Ready::Other(Box::new(other)),
                })
            }
            Poll::Pending => None,
        };
        Self {
            inner: Some(inner),
            waiting,
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
        // Who awaits it and gives it up does not want to wait.
        this.waiting = None;
        let Some(inner) = &mut this.inner else {
            return Poll::Pending;
        };
        let answer = Pin::new(inner).poll(cx);
        // Looked at where it lies: it is large.
        if let Poll::Ready(answer) = &answer {
            end(&mut this.sending, answer, None);
        }
        answer
    }
}

impl Drop for TracedConfirm {
    #[inline]
    fn drop(&mut self) {
        if let Some((waiting, tracer)) = self.waiting.take()
            && let Some(inner) = self.inner.take()
        {
            let sending = std::mem::replace(&mut self.sending, UnderWay::none());
            waiting.push(inner, sending, &tracer);
        }
    }
}

impl fmt::Debug for TracedConfirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedConfirm")
            .field("span", self.span())
            .finish_non_exhaustive()
    }
}
