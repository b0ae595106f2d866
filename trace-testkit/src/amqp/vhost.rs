use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use amq_protocol::frame::{AMQPFrame, ProtocolVersion};
use amq_protocol::protocol::{AMQPClass, basic, channel, connection};
use tokio::sync::Notify;
use tracing_core_ctx::SystemClock;

use super::burial::Grave;
use super::channel::{Channel, Connection, Place, Signals, Stage};
use super::exchange::{Exchange, Kind};
use super::fault::{Fault, Reply};
use super::message::Store;
use super::queue::Queue;
use super::wire;

/// Everything in the broker, without any socket: frames of clients come in by [`handle`](Self::handle), and what is to be sent to them waits in their
/// outboxes.
#[derive(Debug)]
pub(super) struct Vhost {
    pub(super) connections: BTreeMap<u64, Connection>,
    pub(super) exchanges: BTreeMap<String, Exchange>,
    pub(super) queues: BTreeMap<Arc<str>, Queue>,
    pub(super) store: Store,
    /// Dead letters that are still to be sent on.
    pub(super) graves: VecDeque<Grave>,
    pub(super) clock: SystemClock,
    /// The next message to expire may be another one.
    pub(super) expiry_moved: Arc<Notify>,
    numbers: u64,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    HangUp,
}

impl Vhost {
    pub(super) fn new() -> Self {
        let predefined = [
            ("amq.direct", Kind::Direct),
            ("amq.fanout", Kind::Fanout),
            ("amq.headers", Kind::Headers),
            ("amq.match", Kind::Headers),
            ("amq.topic", Kind::Topic),
        ];
        let exchanges =
            predefined.map(|(name, kind)| (name.into(), Exchange::new(kind, false, false)));
        Self {
            connections: BTreeMap::new(),
            exchanges: BTreeMap::from(exchanges),
            queues: BTreeMap::new(),
            store: Store::default(),
            graves: VecDeque::new(),
            clock: SystemClock::new(),
            expiry_moved: Arc::default(),
            numbers: 0,
        }
    }

    /// A number that nothing else has.
    pub(super) const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn connect(&mut self) -> (u64, Arc<Signals>) {
        let id = self.number();
        let connection = Connection::new();
        let signals = connection.signals.clone();
        self.connections.insert(id, connection);
        (id, signals)
    }

    /// Cleans up behind a connection: what it held goes back, what was its own is gone.
    pub(super) fn disconnect(&mut self, id: u64) {
        let channels = self
            .connections
            .get(&id)
            .map(|connection| connection.channels.keys().copied());
        for channel in channels.into_iter().flatten().collect::<Vec<_>>() {
            self.leave(Place {
                connection: id,
                channel,
            });
        }
        self.connections.remove(&id);
        let own = self.queues.values().filter(|queue| queue.owner == Some(id));
        for queue in own.map(|queue| queue.name.clone()).collect::<Vec<_>>() {
            self.delete_queue(&queue);
        }
        self.bury();
    }

    /// Does what a frame asks for.
    pub(super) fn handle(&mut self, id: u64, frame: AMQPFrame) -> Flow {
        let channel = frame.channel_id();
        let method = match &frame {
            AMQPFrame::Method(_, class) => (class.get_amqp_class_id(), class.get_amqp_method_id()),
            AMQPFrame::Header(..) | AMQPFrame::Body(..) => (wire::BASIC, 40),
            _ => (0, 0),
        };
        let done = self.obey(id, frame);
        let flow = match done {
            Ok(flow) => flow,
            Err(Fault::Channel(reply)) => {
                self.close_channel(
                    Place {
                        connection: id,
                        channel,
                    },
                    &reply,
                    method,
                );
                Flow::Go
            }
            Err(Fault::Connection(reply)) => self.close_connection(id, &reply, method),
        };
        self.bury();
        flow
    }

    /// Closes a connection over bytes that are no frame.
    pub(super) fn refuse(&mut self, id: u64, fault: &Fault) -> Flow {
        let (Fault::Channel(reply) | Fault::Connection(reply)) = fault;
        if self
            .connection(id)
            .is_ok_and(|connection| connection.stage == Stage::Closing)
        {
            return Flow::Go;
        }
        let is_greeting = self
            .connections
            .get(&id)
            .is_some_and(|each| each.stage == Stage::Greeting);
        match is_greeting {
            true => self.greet_and_hang_up(id),
            false => self.close_connection(id, reply, (0, 0)),
        }
    }

    pub(super) fn connection(&mut self, id: u64) -> Result<&mut Connection, Fault> {
        let connection = self.connections.get_mut(&id);
        connection.ok_or_else(|| Fault::internal_error("the connection is gone"))
    }

    pub(super) fn channel(&mut self, at: Place) -> Result<&mut Channel, Fault> {
        let channels = &mut self.connection(at.connection)?.channels;
        let channel = channels
            .get_mut(&at.channel)
            .filter(|channel| !channel.is_closing);
        channel.ok_or_else(|| Fault::channel_error("expected 'channel.open'"))
    }

    pub(super) fn send(&mut self, at: Place, method: AMQPClass) {
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            connection.send(at.channel, method);
        }
    }

    fn obey(&mut self, id: u64, frame: AMQPFrame) -> Result<Flow, Fault> {
        let stage = self.connection(id)?.stage;
        let place = |channel| Place {
            connection: id,
            channel,
        };
        match (stage, frame) {
            (Stage::Over, _) => return Ok(Flow::HangUp),
            (Stage::Closing, AMQPFrame::Method(0, AMQPClass::Connection(method))) => {
                return Ok(self.on_closing(id, &method));
            }
            (Stage::Greeting, AMQPFrame::ProtocolHeader(version))
                if version == ProtocolVersion::amqp_0_9_1() =>
            {
                self.on_greeting(id)?;
            }
            (Stage::Greeting, _) => return Ok(self.greet_and_hang_up(id)),
            (Stage::Closing, _) | (_, AMQPFrame::Heartbeat) => {}
            (_, AMQPFrame::Method(0, AMQPClass::Connection(method))) => {
                return self.on_connection(id, method);
            }
            (Stage::Open, AMQPFrame::Method(channel, method)) => {
                self.on_method(place(channel), method)?;
            }
            (Stage::Open, AMQPFrame::Header(channel, header)) => {
                self.on_header(place(channel), header)?;
            }
            (Stage::Open, AMQPFrame::Body(channel, body)) => self.on_body(place(channel), &body)?,
            (_, frame) => return Err(Fault::unexpected_frame(frame.to_string())),
        }
        Ok(Flow::Go)
    }

    fn on_method(&mut self, at: Place, method: AMQPClass) -> Result<(), Fault> {
        let channel = self
            .connection(at.connection)?
            .channels
            .get_mut(&at.channel);
        let is_open = channel.as_ref().is_some_and(|channel| !channel.is_closing);
        if let Some(channel) = channel {
            if channel.content.is_some() {
                return Err(Fault::unexpected_frame(
                    "a method where a message was to come",
                ));
            }
            if channel.is_closing && !matches!(method, AMQPClass::Channel(_)) {
                return Ok(());
            }
        }
        match method {
            AMQPClass::Channel(method) => self.on_channel(at, &method),
            _ if !is_open => Err(Fault::channel_error("expected 'channel.open'")),
            AMQPClass::Basic(method) => self.on_basic(at, method),
            AMQPClass::Exchange(method) => self.on_exchange(at, method),
            AMQPClass::Queue(method) => self.on_queue(at, method),
            AMQPClass::Confirm(method) => self.on_confirm(at, &method),
            AMQPClass::Access(_) | AMQPClass::Connection(_) | AMQPClass::Tx(_) => {
                Err(Fault::not_implemented(format!("{method:?}")))
            }
        }
    }

    fn on_basic(&mut self, at: Place, method: basic::AMQPMethod) -> Result<(), Fault> {
        use basic::AMQPMethod as Method;

        match method {
            Method::Qos(qos) => self.qos(at, &qos),
            Method::Consume(consume) => self.consume(at, consume),
            Method::Cancel(cancel) => self.cancel(at, cancel),
            Method::Publish(publish) => self.publish(at, publish),
            Method::Get(get) => self.get(at, &get),
            Method::Ack(ack) => self.ack(at, &ack),
            Method::Nack(nack) => self.nack(at, &nack),
            Method::Reject(reject) => self.reject(at, &reject),
            Method::Recover(recover) => self.recover(at, recover.requeue, true),
            Method::RecoverAsync(recover) => self.recover(at, recover.requeue, false),
            // The answer to a queue that is gone.
            Method::CancelOk(_) => Ok(()),
            other => Err(Fault::command_invalid(format!("{other:?}"))),
        }
    }

    /// Cleans up, and says why.
    fn close_channel(&mut self, at: Place, reply: &Reply, (class_id, method_id): (u16, u16)) {
        self.leave(at);
        let close = channel::AMQPMethod::Close(channel::Close {
            reply_code: reply.code,
            reply_text: reply.short_text(),
            class_id,
            method_id,
        });
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            let closing = Channel {
                is_closing: true,
                ..Channel::default()
            };
            connection.channels.insert(at.channel, closing);
            connection.send(at.channel, AMQPClass::Channel(close));
        }
    }

    fn close_connection(
        &mut self,
        id: u64,
        reply: &Reply,
        (class_id, method_id): (u16, u16),
    ) -> Flow {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Flow::HangUp;
        };
        let close = connection::AMQPMethod::Close(connection::Close {
            reply_code: reply.code,
            reply_text: reply.short_text(),
            class_id,
            method_id,
        });
        connection.stage = Stage::Closing;
        connection.send(0, AMQPClass::Connection(close));
        Flow::Go
    }
}
