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

/// A message in the broker. The copies of a fanout are one.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    header: Vec<u8>,
    body: Arc<[u8]>,
    store: Store,
    _room: Room,
}

impl Message {
    pub(super) fn new(
        exchange: ShortString,
        routing_key: ShortString,
        properties: BasicProperties,
        body: Arc<[u8]>,
        store: &Store,
    ) -> Self {
        let header = wire::header_payload(&properties, body.len());
        Self {
            exchange,
            routing_key,
            properties,
            _room: store.take(header.len() + body.len() + OVERHEAD),
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
        wire::put_content(to, channel, frame_max, &self.header, &self.body);
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

    #[test]
    fn a_message_gives_its_room_back() {
        let store = Store::default();
        let properties = BasicProperties::default();
        let body: Arc<[u8]> = vec![0; 1000].into();
        let message = Message::new("".into(), "q".into(), properties.clone(), body, &store);
        let again = message.sent_on("".into(), "r".into(), properties);
        assert!(store.0.load(Ordering::Relaxed) > 2000);
        assert!(store.check(MAX_STORED).is_err());
        drop((message, again));
        assert_eq!(store.0.load(Ordering::Relaxed), 0);
        assert!(store.check(MAX_STORED).is_ok());
    }
}
