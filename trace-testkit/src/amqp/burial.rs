use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;
use tracing_core_ctx::Clock as _;

use super::death::{Death, Reason};
use super::fault::short;
use super::message::Message;
use super::queue::{Entry, Queue};
use super::vhost::Vhost;

/// A dead message on its way to the exchange of dead letters.
#[derive(Debug)]
pub(super) struct Grave {
    message: Arc<Message>,
    queue: Arc<str>,
    reason: Reason,
    exchange: String,
    routing_key: Option<String>,
}

impl Grave {
    /// None if nobody wants the dead letters of this queue.
    pub(super) fn of(queue: &Queue, entry: Entry, reason: Reason) -> Option<Self> {
        let arguments = &queue.arguments;
        Some(Self {
            message: entry.message,
            queue: queue.name.clone(),
            reason,
            exchange: arguments.dead_letter_exchange.clone()?,
            routing_key: arguments.dead_letter_routing_key.clone(),
        })
    }
}

/// # Dead letters
impl Vhost {
    /// Sends all dead letters on, and those that die of that.
    pub(super) fn bury(&mut self) {
        while let Some(grave) = self.graves.pop_front() {
            let message = &grave.message;
            let death = Death {
                reason: grave.reason,
                queue: &grave.queue,
                exchange: message.exchange.as_str(),
                routing_key: message.routing_key.as_str(),
                time: self.clock.now().as_unix_nanos() / 1_000_000_000,
            };
            let properties = death.written_into(&message.properties);
            let key = match grave.routing_key {
                Some(key) => short(&key),
                None => message.routing_key.clone(),
            };
            let Some(mut queues) = self.route(&grave.exchange, key.as_str(), &properties) else {
                continue;
            };
            if grave.reason != Reason::Rejected {
                queues.retain(|queue| !Death::is_circle(&properties, queue));
            }
            let message = message.sent_on(short(&grave.exchange), key, properties);
            self.enqueue(&queues, Arc::new(message));
        }
    }

    /// Takes away what is over, in all queues.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        let Self { queues, graves, .. } = self;
        for queue in queues.values_mut() {
            for entry in queue.expire(now) {
                graves.extend(Grave::of(queue, entry, Reason::Expired));
            }
        }
        self.bury();
    }

    /// When the next message expires.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.queues.values().filter_map(Queue::next_expiry).min()
    }

    /// Adds a message to queues, and hands it over where somebody waits. False if one of them refuses it.
    pub(super) fn enqueue(&mut self, names: &BTreeSet<Arc<str>>, message: Arc<Message>) -> bool {
        let now = Instant::now();
        let mut accepted = true;
        for name in names {
            let Some(queue) = self.queues.get_mut(name) else {
                continue;
            };
            if queue.arguments.rejects_publish && queue.is_full() {
                accepted = false;
                continue;
            }
            queue.push(message.clone(), now);
            if queue.next_expiry().is_some() {
                self.expiry_moved.notify_one();
            }
            self.hand_over(name);
            self.shorten(name);
        }
        accepted
    }

    pub(super) fn shorten(&mut self, name: &str) {
        let Self { queues, graves, .. } = self;
        if let Some(queue) = queues.get_mut(name) {
            for entry in queue.shorten() {
                graves.extend(Grave::of(queue, entry, Reason::MaxLength));
            }
        }
    }
}
