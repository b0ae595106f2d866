use std::collections::BTreeSet;
use std::sync::Arc;

use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::{self, AMQPMethod};

use super::burial::Grave;
use super::channel::{Place, Unacked};
use super::death::Reason;
use super::fault::Fault;
use super::vhost::Vhost;

/// What a consumer says became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    Dead,
    Again,
}

impl Verdict {
    const fn requeue(yes: bool) -> Self {
        match yes {
            true => Self::Again,
            false => Self::Dead,
        }
    }
}

/// # What becomes of messages that were handed over
impl Vhost {
    pub(super) fn ack(&mut self, at: Place, ack: &basic::Ack) -> Result<(), Fault> {
        self.settle(at, ack.delivery_tag, ack.multiple, Verdict::Done)
    }

    pub(super) fn nack(&mut self, at: Place, nack: &basic::Nack) -> Result<(), Fault> {
        let verdict = Verdict::requeue(nack.requeue);
        self.settle(at, nack.delivery_tag, nack.multiple, verdict)
    }

    pub(super) fn reject(&mut self, at: Place, reject: &basic::Reject) -> Result<(), Fault> {
        let verdict = Verdict::requeue(reject.requeue);
        self.settle(at, reject.delivery_tag, false, verdict)
    }

    pub(super) fn recover(&mut self, at: Place, requeue: bool, answer: bool) -> Result<(), Fault> {
        if !requeue {
            return Err(Fault::not_implemented("recover without requeue"));
        }
        let held = std::mem::take(&mut self.channel(at)?.unacked);
        self.put_all_back(at, held.into_values());
        if answer {
            let ok = AMQPMethod::RecoverOk(basic::RecoverOk {});
            self.send(at, AMQPClass::Basic(ok));
        }
        Ok(())
    }

    fn settle(
        &mut self,
        at: Place,
        tag: u64,
        multiple: bool,
        verdict: Verdict,
    ) -> Result<(), Fault> {
        let unacked = &mut self.channel(at)?.unacked;
        let settled: Vec<Unacked> = match (tag, multiple) {
            (0, true) => std::mem::take(unacked).into_values().collect(),
            _ if !unacked.contains_key(&tag) => {
                return Err(Fault::precondition_failed(format!(
                    "unknown delivery tag {tag}"
                )));
            }
            (_, true) => {
                let later = unacked.split_off(&(tag + 1));
                std::mem::replace(unacked, later).into_values().collect()
            }
            (_, false) => unacked.remove(&tag).into_iter().collect(),
        };
        if verdict == Verdict::Again {
            self.put_all_back(at, settled.into_iter());
            return Ok(());
        }
        let mut queues = BTreeSet::new();
        for unacked in settled {
            self.release(at, &unacked);
            let queue = self.queues.get(&unacked.queue);
            let Some(queue) = queue.filter(|queue| queue.born == unacked.born) else {
                continue;
            };
            if verdict == Verdict::Dead && !queue.arguments.is_stream {
                self.graves
                    .extend(Grave::of(queue, unacked.entry, Reason::Rejected));
            }
            queues.insert(unacked.queue);
        }
        self.hand_over_all(at, queues);
        Ok(())
    }

    /// Puts messages back where they were, and hands them over again.
    pub(super) fn put_all_back(&mut self, at: Place, messages: impl Iterator<Item = Unacked>) {
        let mut queues = BTreeSet::new();
        for unacked in messages {
            self.release(at, &unacked);
            let queue = self.queues.get_mut(&unacked.queue);
            let Some(queue) = queue.filter(|queue| queue.born == unacked.born) else {
                continue;
            };
            if !queue.arguments.is_stream {
                queue.put_back(unacked.place, unacked.entry);
            }
            queues.insert(unacked.queue);
        }
        for queue in &queues {
            self.expiry_moved.notify_one();
            self.hand_over(queue);
            self.shorten(queue);
        }
        self.hand_over_all(at, BTreeSet::new());
    }

    /// Hands over what waits in these queues; where consumers share a limit, in all that they take from.
    fn hand_over_all(&mut self, at: Place, mut queues: BTreeSet<Arc<str>>) {
        if let Ok(channel) = self.channel(at)
            && channel.shared_prefetch > 0
        {
            queues.extend(channel.consumers.values().cloned());
        }
        for queue in queues {
            self.hand_over(&queue);
        }
    }

    fn release(&mut self, at: Place, unacked: &Unacked) {
        let Some(tag) = &unacked.consumer else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&unacked.queue) {
            queue.release(at, tag);
        }
    }
}
