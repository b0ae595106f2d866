use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amq_protocol::protocol::BasicProperties;
use amq_protocol::types::ShortString;

use super::fault::Fault;
use super::wire;

/// The most that all messages together may take, in bytes. Whoever publishes more is thrown out.
pub(super) const MAX_STORED: usize = 256 * 1024 * 1024;

/// The largest body, in bytes.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// What a message takes beside its header and body.
const OVERHEAD: usize = 512;

/// The body of a message, as far as it has come. All messages that have it share it.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    size: usize,
    _room: Room,
}

impl Body {
    /// One of which nothing has come yet, announced by a header of so many bytes. There is room for all of it from now on.
    pub(super) fn announced(size: usize, header: usize, store: &Store) -> Result<Self, Fault> {
        let room = size + header;
        store.check(room)?;
        Ok(Self {
            bytes: Vec::new(),
            size,
            _room: store.take(room),
        })
    }

    /// Adds the next part.
    pub(super) fn add(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.bytes.len() + part.len() > self.size {
            return Err(Fault::frame_error("a body longer than was said"));
        }
        self.bytes.extend(part);
        Ok(())
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.bytes.len() == self.size
    }
}

/// A message in the broker. The copies of a fanout are one.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    header: Vec<u8>,
    body: Arc<Body>,
    store: Store,
    _room: Room,
}

impl Message {
    pub(super) fn new(
        exchange: ShortString,
        routing_key: ShortString,
        properties: BasicProperties,
        body: Arc<Body>,
        store: &Store,
    ) -> Self {
        let header = wire::header_payload(&properties, body.size);
        Self {
            exchange,
            routing_key,
            properties,
            _room: store.take(header.len() + OVERHEAD),
            header,
            body,
            store: store.clone(),
        }
    }

    /// The same message on another way.
    pub(super) fn sent_on(
        &self,
        exchange: ShortString,
        routing_key: ShortString,
        properties: BasicProperties,
    ) -> Self {
        let body = self.body.clone();
        Self::new(exchange, routing_key, properties, body, &self.store)
    }

    /// How long it may wait, if it says so.
    pub(super) fn time_to_live(&self) -> Option<Duration> {
        let expiration = self.properties.expiration().as_ref()?;
        expiration.as_str().parse().ok().map(Duration::from_millis)
    }

    /// Writes header and body behind the method that announces them.
    pub(super) fn put(&self, to: &mut Vec<u8>, channel: u16, frame_max: usize) {
        wire::put_content(to, channel, frame_max, &self.header, &self.body.bytes);
    }
}

/// How much memory all messages take.
#[derive(Clone, Debug, Default)]
pub(super) struct Store(Arc<AtomicUsize>);

/// Part of a [`Store`], given back when it is dropped.
#[derive(Debug)]
struct Room(Store, usize);

impl Store {
    /// Whether there is room for so many bytes more.
    pub(super) fn check(&self, bytes: usize) -> Result<(), Fault> {
        match self.0.load(Ordering::Relaxed).saturating_add(bytes) > MAX_STORED {
            true => Err(Fault::resource_error(format!(
                "all messages together may take {MAX_STORED} bytes"
            ))),
            false => Ok(()),
        }
    }

    fn take(&self, bytes: usize) -> Room {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Room(self.clone(), bytes)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(size: usize, store: &Store) -> Message {
        let mut body = Body::announced(size, 0, store).unwrap();
        body.add(&vec![0; size]).unwrap();
        assert!(body.is_whole() && body.add(&[0]).is_err());
        let properties = BasicProperties::default();
        Message::new("".into(), "q".into(), properties, body.into(), store)
    }

    #[test]
    fn a_body_takes_its_room_when_it_is_announced_and_once_however_many_share_it() {
        let store = Store::default();
        let bodies: Vec<_> = (0..16)
            .map(|_| Body::announced(MAX_BODY, 0, &store).unwrap())
            .collect();
        assert!(Body::announced(1, 0, &store).is_err(), "none has come yet");
        drop(bodies);
        let first = message(MAX_BODY, &store);
        let shared: Vec<_> = (0..100)
            .map(|_| first.sent_on("".into(), "r".into(), BasicProperties::default()))
            .collect();
        assert!(store.check(MAX_STORED - 2 * MAX_BODY).is_ok());
        drop(first);
        assert!(store.check(MAX_STORED).is_err());
        drop(shared);
        assert_eq!(store.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_message_gives_its_room_back() {
        let store = Store::default();
        let message = message(1000, &store);
        let again = message.sent_on("".into(), "r".into(), BasicProperties::default());
        assert!(store.0.load(Ordering::Relaxed) > 1000 + 2 * OVERHEAD);
        assert!(store.check(MAX_STORED).is_err());
        drop((message, again));
        assert_eq!(store.0.load(Ordering::Relaxed), 0);
        assert!(store.check(MAX_STORED).is_ok());
    }
}
