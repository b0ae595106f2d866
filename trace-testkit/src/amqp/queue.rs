use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use amq_protocol::types::{FieldTable, ShortString};
use tokio::time::Instant;

use super::arguments::QueueArguments;
use super::channel::Place;
use super::message::Message;

/// Messages in their order, and who waits for them.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: Arc<str>,
    /// Tells it from one of the same name before it.
    pub(super) born: u64,
    /// The connection that has it for itself.
    pub(super) owner: Option<u64>,
    pub(super) auto_delete: bool,
    pub(super) table: FieldTable,
    pub(super) arguments: QueueArguments,
    pub(super) consumers: VecDeque<Consumer>,
    ready: BTreeMap<u64, Entry>,
    next: u64,
}

/// A message in a queue, or in the hands of a consumer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) message: Arc<Message>,
    pub(super) redelivered: bool,
    expires: Option<Instant>,
}

/// Who gets messages as they come.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) at: Place,
    pub(super) tag: ShortString,
    pub(super) no_ack: bool,
    pub(super) exclusive: bool,
    /// How many messages it may hold at once; 0 is any number.
    pub(super) prefetch: u16,
    pub(super) held: usize,
    /// The next offset, of a stream.
    pub(super) offset: u64,
}

impl Queue {
    pub(super) fn new(
        name: Arc<str>,
        born: u64,
        table: FieldTable,
        arguments: QueueArguments,
    ) -> Self {
        Self {
            name,
            born,
            owner: None,
            auto_delete: false,
            table,
            arguments,
            consumers: VecDeque::new(),
            ready: BTreeMap::new(),
            next: 0,
        }
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn is_full(&self) -> bool {
        let most = self.arguments.max_length;
        most.is_some_and(|most| self.ready.len() >= most)
    }

    /// Adds a message at the end.
    pub(super) fn push(&mut self, message: Arc<Message>, now: Instant) {
        let own = message.time_to_live();
        let live = [self.arguments.message_ttl, own]
            .into_iter()
            .flatten()
            .min();
        let entry = Entry {
            message,
            redelivered: false,
            expires: live.and_then(|live| now.checked_add(live)),
        };
        self.ready.insert(self.next, entry);
        self.next += 1;
    }

    /// Puts a message back where it was.
    pub(super) fn put_back(&mut self, place: u64, mut entry: Entry) {
        entry.redelivered = true;
        self.ready.insert(place, entry);
    }

    /// Takes the first message and tells its place.
    pub(super) fn pop(&mut self) -> Option<(u64, Entry)> {
        self.ready.pop_first()
    }

    /// The first message from this offset on, which stays.
    pub(super) fn at_or_after(&self, offset: u64) -> Option<(u64, &Entry)> {
        let mut later = self.ready.range(offset..);
        later.next().map(|(offset, entry)| (*offset, entry))
    }

    /// The offset of the first message, and the one that the next will have.
    pub(super) fn offsets(&self) -> (u64, u64) {
        let first = self.ready.keys().next();
        (first.copied().unwrap_or(self.next), self.next)
    }

    /// Takes the messages at the front whose time is over. One that waits behind another is not looked at, as in RabbitMQ.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Entry> {
        let mut expired = Vec::new();
        while self.next_expiry().is_some_and(|at| at <= now) {
            expired.extend(self.pop().map(|(_, entry)| entry));
        }
        expired
    }

    /// When the message at the front expires.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.ready.first_key_value()?.1.expires
    }

    /// Takes the messages at the front that are too many.
    pub(super) fn shorten(&mut self) -> Vec<Entry> {
        let most = self.arguments.max_length.unwrap_or(usize::MAX);
        let mut dropped = Vec::new();
        while self.ready.len() > most {
            dropped.extend(self.pop().map(|(_, entry)| entry));
        }
        dropped
    }

    /// Drops all messages that wait.
    pub(super) fn purge(&mut self) -> usize {
        std::mem::take(&mut self.ready).len()
    }

    /// A consumer gives back the room of one message.
    pub(super) fn release(&mut self, at: Place, tag: &ShortString) {
        let mut consumers = self.consumers.iter_mut();
        if let Some(consumer) = consumers.find(|each| each.at == at && each.tag == *tag) {
            consumer.held = consumer.held.saturating_sub(1);
        }
    }
}

impl Consumer {
    /// Whether it may hold one more.
    pub(super) fn has_room(&self) -> bool {
        self.no_ack || self.prefetch == 0 || self.held < usize::from(self.prefetch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use amq_protocol::protocol::BasicProperties;

    use super::*;
    use crate::amqp::message::{Body, Store};

    fn queue(arguments: QueueArguments) -> Queue {
        Queue::new("q".into(), 0, FieldTable::default(), arguments)
    }

    fn message(key: &str, expiration: Option<&str>) -> Arc<Message> {
        let properties = BasicProperties::default();
        let properties = match expiration {
            Some(expiration) => properties.with_expiration(expiration.into()),
            None => properties,
        };
        let body = Body::announced(0, 0, &Store::default()).unwrap();
        Arc::new(Message::new(
            "".into(),
            key.into(),
            properties,
            body.into(),
            &Store::default(),
        ))
    }

    fn keys(entries: &[Entry]) -> Vec<&str> {
        let keys = entries
            .iter()
            .map(|entry| entry.message.routing_key.as_str());
        keys.collect()
    }

    #[test]
    fn what_is_put_back_comes_again_in_its_place() {
        let mut queue = queue(QueueArguments::default());
        let now = Instant::now();
        for key in ["a", "b", "c"] {
            queue.push(message(key, None), now);
        }
        let (place, first) = queue.pop().unwrap();
        let (_, second) = queue.pop().unwrap();
        assert_eq!(keys(&[first.clone(), second]), ["a", "b"]);
        queue.put_back(place, first);
        let (_, again) = queue.pop().unwrap();
        assert!(again.redelivered);
        assert_eq!(keys(&[again]), ["a"]);
        assert!(!queue.pop().unwrap().1.redelivered);
    }

    #[test]
    fn messages_expire_at_the_front_alone() {
        let mut queue = queue(QueueArguments {
            message_ttl: Some(Duration::from_secs(9)),
            ..QueueArguments::default()
        });
        let now = Instant::now();
        queue.push(message("long", None), now);
        queue.push(message("short", Some("1000")), now);
        assert!(queue.expire(now + Duration::from_secs(2)).is_empty());
        let over = queue.expire(now + Duration::from_secs(9));
        assert_eq!(keys(&over), ["long", "short"]);
        assert_eq!(queue.next_expiry(), None);
    }

    #[test]
    fn of_too_many_the_first_go() {
        let mut queue = queue(QueueArguments {
            max_length: Some(1),
            ..QueueArguments::default()
        });
        for key in ["a", "b", "c"] {
            queue.push(message(key, None), Instant::now());
        }
        assert_eq!(keys(&queue.shorten()), ["a", "b"]);
        assert!(queue.is_full());
        assert_eq!(queue.purge(), 1);
    }
}
