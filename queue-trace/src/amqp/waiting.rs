use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use lapin::message::BasicReturnMessage;
use lapin::{Confirmation, PublisherConfirm};
use tracing_core_ctx::{Timestamp, Tracer};

use super::confirm::end;
use crate::under_way::UnderWay;

/// The confirmations of a channel that nobody awaits one by one: those of publications that are confirmed together.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    owed: VecDeque<Owed>,
    /// What came back meanwhile, for who asks.
    returned: Vec<BasicReturnMessage>,
}

/// So many are kept. What is beyond is lapin's alone, and nobody hears of it.
const MOST: usize = 1024;

struct Owed {
    confirm: PublisherConfirm,
    sending: UnderWay,
    answered: Arc<Answered>,
}

/// When the broker answered: nobody may look in the very moment.
struct Answered {
    tracer: Tracer,
    time: OnceLock<Timestamp>,
}

impl Wake for Answered {
    fn wake(self: Arc<Self>) {
        self.time.get_or_init(|| self.tracer.now());
    }
}

impl Owed {
    fn poll(&mut self) -> Poll<lapin::Result<Confirmation>> {
        let waker = Waker::from(Arc::clone(&self.answered));
        Pin::new(&mut self.confirm).poll(&mut Context::from_waker(&waker))
    }

    /// Ends the span; what has come back.
    fn end(mut self, answer: lapin::Result<Confirmation>) -> Option<BasicReturnMessage> {
        let time = self.answered.time.get().copied();
        end(&mut self.sending, &answer, time);
        answer.ok().and_then(Confirmation::take_message)
    }
}

impl Waiting {
    /// Waits for an answer, if there is room, and looks who has got his.
    pub(super) fn push(&self, confirm: PublisherConfirm, sending: UnderWay, tracer: &Tracer) {
        let answered = Arc::new(Answered {
            tracer: tracer.clone(),
            time: OnceLock::new(),
        });
        let mut owed = Owed {
            confirm,
            sending,
            answered,
        };
        match owed.poll() {
            Poll::Ready(answer) => self.keep(owed.end(answer)),
            Poll::Pending => {
                let mut kept = self.lock();
                if kept.owed.len() + kept.returned.len() < MOST {
                    kept.owed.push_back(owed);
                } else {
                    // As one that was given up.
                    drop(kept);
                    drop(owed);
                }
            }
        }
        while let Some((owed, answer)) = self.answered() {
            self.keep(owed.end(answer));
        }
    }

    /// The first, if it has its answer.
    fn answered(&self) -> Option<(Owed, lapin::Result<Confirmation>)> {
        let mut kept = self.lock();
        let Poll::Ready(answer) = kept.owed.front_mut()?.poll() else {
            return None;
        };
        Some((kept.owed.pop_front()?, answer))
    }

    /// Waits for all of them. Their spans have ended then.
    pub(super) async fn wait(&self) {
        loop {
            // Without the lock while it waits.
            let Some(mut owed) = self.lock().owed.pop_front() else {
                return;
            };
            let answer = poll_fn(|cx| Pin::new(&mut owed.confirm).poll(cx)).await;
            self.keep(owed.end(answer));
        }
    }

    /// What has come back until now.
    pub(super) fn take_returned(&self) -> Vec<BasicReturnMessage> {
        std::mem::take(&mut self.lock().returned)
    }

    fn keep(&self, returned: Option<BasicReturnMessage>) {
        self.lock().returned.extend(returned);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let owed = self.lock().owed.len();
        f.debug_struct("Waiting").field("owed", &owed).finish()
    }
}
