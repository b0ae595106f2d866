use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use amq_protocol::protocol::basic::Publish;
use amq_protocol::protocol::{AMQPClass, BasicProperties};
use amq_protocol::types::ShortString;

use super::confirms::Confirms;
use super::message::Body;
use super::queue::Entry;
use super::wire;

/// From this many bytes on that wait for the socket, a connection gets no more messages, and is not read.
pub(super) const OUTBOX_FULL: usize = 1024 * 1024;

/// A connection, by its number.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stage: Stage,
    pub(super) channels: BTreeMap<u16, Channel>,
    /// What the socket is to send.
    pub(super) outbox: Vec<u8>,
    pub(super) frame_max: usize,
    /// Seconds; 0 is never.
    pub(super) heartbeat: u16,
    /// Whether it wants to hear that a queue it consumes from is gone.
    pub(super) hears_cancel: bool,
    pub(super) signals: Arc<Signals>,
}

/// How the socket of a connection is woken.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// There is something to send.
    pub(super) outgoing: tokio::sync::Notify,
    /// Something was sent.
    pub(super) sent: tokio::sync::Notify,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    LogIn,
    Tuning,
    Opening,
    Open,
    /// We have closed it, and wait for the client to say that it knows.
    Closing,
    /// All is said.
    Over,
}

/// A channel of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) connection: u64,
    pub(super) channel: u16,
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    /// We have closed it, and wait for the client to say that it knows.
    pub(super) is_closing: bool,
    /// The message that is coming in.
    pub(super) content: Option<Content>,
    pub(super) confirms: Option<Confirms>,
    /// What was handed over and not settled, by delivery tag.
    pub(super) unacked: BTreeMap<u64, Unacked>,
    pub(super) last_tag: u64,
    /// How many messages each consumer to come may hold.
    pub(super) prefetch: u16,
    /// How many all consumers may hold together.
    pub(super) shared_prefetch: u16,
    /// The queue of each consumer.
    pub(super) consumers: BTreeMap<ShortString, Arc<str>>,
    /// Where direct replies go.
    pub(super) replies: Option<Arc<str>>,
    /// What an empty name of a queue means.
    pub(super) last_queue: Option<Arc<str>>,
}

#[derive(Debug)]
pub(super) struct Content {
    pub(super) publish: Publish,
    /// Once the header is there.
    pub(super) announced: Option<(BasicProperties, Body)>,
}

#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) queue: Arc<str>,
    pub(super) born: u64,
    pub(super) place: u64,
    pub(super) entry: Entry,
    /// None if it was asked for with `basic.get`.
    pub(super) consumer: Option<ShortString>,
}

impl Connection {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Greeting,
            channels: BTreeMap::new(),
            outbox: Vec::new(),
            frame_max: wire::FRAME_MAX,
            heartbeat: 0,
            hears_cancel: false,
            signals: Arc::default(),
        }
    }

    pub(super) fn send(&mut self, channel: u16, method: AMQPClass) {
        wire::put_method(&mut self.outbox, channel, method);
        self.signals.outgoing.notify_one();
    }

    pub(super) fn is_full(&self) -> bool {
        self.outbox.len() >= OUTBOX_FULL
    }

    /// What the socket is to send now.
    pub(super) fn take_outbox(&mut self) -> Vec<u8> {
        let Self {
            channels, outbox, ..
        } = self;
        for (number, channel) in channels {
            for answer in channel.confirms.iter_mut().flat_map(Confirms::take) {
                wire::put_method(outbox, *number, answer);
            }
        }
        std::mem::take(outbox)
    }

    /// The queues that its consumers take from.
    pub(super) fn consumed(&self) -> VecDeque<Arc<str>> {
        let channels = self.channels.values();
        let queues = channels.flat_map(|channel| channel.consumers.values().cloned());
        queues.collect()
    }
}

impl Channel {
    /// Whether all its consumers together may hold one more.
    pub(super) fn has_room(&self) -> bool {
        self.shared_prefetch == 0 || self.unacked.len() < usize::from(self.shared_prefetch)
    }

    pub(super) const fn next_tag(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }
}
