//! Counting the messages of a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use bytes::Buf;
use tracing_core_ctx::SpanRef;
use tracing_core_ctx::semconv::{self, ctx_rpc_message_direction};
use tracing_core_ctx::span::SpanWriter;

use crate::frames::{FrameReader, Message};

/// The name of the event of a message.
const EVENT: &str = "ctx.rpc.message";

/// What is wanted to be known of messages. Default: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) counts: bool,
    /// The most events of one call.
    pub(crate) events: u32,
}

impl Wanted {
    pub(crate) const fn is_anything(self) -> bool {
        self.counts || self.events > 0
    }

    pub(crate) fn tally(self) -> Option<Arc<Tally>> {
        self.is_anything().then(|| {
            Arc::new(Tally {
                counts: self.counts,
                events_left: AtomicU32::new(self.events),
                sent: Passed::default(),
                received: Passed::default(),
            })
        })
    }
}

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Received,
    Sent,
}

/// What has passed in both directions of a call, whose bodies may be on different threads.
#[derive(Debug)]
pub(crate) struct Tally {
    counts: bool,
    events_left: AtomicU32,
    sent: Passed,
    received: Passed,
}

/// What has passed in one direction.
#[derive(Debug, Default)]
struct Passed {
    /// Whether anybody looks: not every type of body lets itself be looked into.
    seen: AtomicBool,
    messages: AtomicU64,
}

impl Tally {
    fn count(&self, direction: Direction, message: Message, span: &SpanRef) {
        let name = match direction {
            Direction::Received => ctx_rpc_message_direction::RECEIVED,
            Direction::Sent => ctx_rpc_message_direction::SENT,
        };
        let messages = &self.passed(direction).messages;
        let id = messages.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let take = |left: u32| left.checked_sub(1);
        let events = &self.events_left;
        if span.is_recording()
            && events
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
        {
            span.event(EVENT, |event| {
                event.set(semconv::CTX_RPC_MESSAGE_DIRECTION, name);
                event.set(semconv::CTX_RPC_MESSAGE_ID, id);
                event.set(semconv::CTX_RPC_MESSAGE_SIZE, message.size);
                event.set(semconv::CTX_RPC_MESSAGE_COMPRESSED, message.compressed);
            });
        }
    }

    const fn passed(&self, direction: Direction) -> &Passed {
        match direction {
            Direction::Received => &self.received,
            Direction::Sent => &self.sent,
        }
    }

    /// Writes the counts, if they are wanted and known.
    pub(crate) fn describe(&self, span: &mut SpanWriter<'_>) {
        let count = |passed: &Passed| {
            let is_known = self.counts && passed.seen.load(Ordering::Relaxed);
            is_known.then(|| passed.messages.load(Ordering::Relaxed))
        };
        span.set_opt(semconv::CTX_RPC_MESSAGES_SENT, count(&self.sent));
        span.set_opt(semconv::CTX_RPC_MESSAGES_RECEIVED, count(&self.received));
    }
}

/// Counts the messages of one body.
#[derive(Debug)]
pub(crate) struct Counter {
    reader: FrameReader,
    tally: Arc<Tally>,
    direction: Direction,
}

/// How many pieces of one DATA frame are looked at. Nearly all frames are in one.
const PIECES: usize = 16;

impl Counter {
    pub(crate) fn new(tally: Arc<Tally>, direction: Direction) -> Self {
        Self {
            reader: FrameReader::default(),
            tally,
            direction,
        }
    }

    /// Says that it is on a body, and that what it does not see does not pass.
    pub(crate) fn attached(self) -> Self {
        let passed = self.tally.passed(self.direction);
        passed.seen.store(true, Ordering::Relaxed);
        self
    }

    /// Looks at data that passes on.
    pub(crate) fn see(&mut self, data: &dyn Buf, span: &SpanRef) {
        let mut pieces = [std::io::IoSlice::new(&[]); PIECES];
        let filled = data.chunks_vectored(&mut pieces);
        let mut shown = 0;
        for piece in &pieces[..filled] {
            shown += piece.len();
            let (tally, direction) = (&self.tally, self.direction);
            self.reader
                .read(piece, |message| tally.count(direction, message, span));
        }
        if shown < data.remaining() {
            self.reader.lose();
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The tally, for a counter of the other direction.
    pub(crate) fn shared(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }
}
