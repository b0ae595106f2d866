use std::sync::Arc;

use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::{self, AMQPMethod};
use amq_protocol::types::ShortString;
use tokio::time::Instant;

use super::burial::Grave;
use super::channel::{Channel, Connection, Place, Unacked};
use super::death::Reason;
use super::fault::{Fault, short};
use super::publish::REPLY_TO;
use super::queue::{Consumer, Entry, Queue};
use super::stream;
use super::vhost::Vhost;

/// How many consumers a channel may have.
const MAX_CONSUMERS: usize = 4096;

/// # Messages going out
impl Vhost {
    pub(super) fn qos(&mut self, at: Place, qos: &basic::Qos) -> Result<(), Fault> {
        let channel = self.channel(at)?;
        match qos.global {
            true => channel.shared_prefetch = qos.prefetch_count,
            false => channel.prefetch = qos.prefetch_count,
        }
        self.send(at, AMQPClass::Basic(AMQPMethod::QosOk(basic::QosOk {})));
        for queue in self.connection(at.connection)?.consumed() {
            self.hand_over(&queue);
        }
        Ok(())
    }

    pub(super) fn consume(&mut self, at: Place, consume: basic::Consume) -> Result<(), Fault> {
        let tag = match consume.consumer_tag.as_str() {
            "" => short(&format!("amq.ctag-{:016x}", scrambled(self.number()))),
            _ => consume.consumer_tag.clone(),
        };
        let channel = self.channel(at)?;
        if channel.consumers.contains_key(&tag) {
            return Err(Fault::not_allowed(format!(
                "attempt to reuse consumer tag '{tag}'"
            )));
        }
        if channel.consumers.len() >= MAX_CONSUMERS {
            return Err(Fault::resource_error(format!(
                "{MAX_CONSUMERS} consumers on a channel"
            )));
        }
        let prefetch = channel.prefetch;
        let name = match consume.queue.as_str() {
            REPLY_TO => self.reply_queue(at, consume.no_ack)?,
            name => self.queue_named(at, name)?,
        };
        let queue = self.usable(at, &name)?;
        if queue.consumers.iter().any(|consumer| consumer.exclusive)
            || (consume.exclusive && !queue.consumers.is_empty())
        {
            let what = format!("queue '{name}' in vhost '/' in exclusive use");
            return Err(Fault::access_refused(what));
        }
        let offset = match queue.arguments.is_stream {
            true => stream::first_offset(queue, &consume, prefetch)?,
            false => 0,
        };
        queue.consumers.push_back(Consumer {
            at,
            tag: tag.clone(),
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            prefetch,
            held: 0,
            offset,
        });
        self.channel(at)?
            .consumers
            .insert(tag.clone(), name.clone());
        if !consume.nowait {
            let ok = AMQPMethod::ConsumeOk(basic::ConsumeOk { consumer_tag: tag });
            self.send(at, AMQPClass::Basic(ok));
        }
        self.hand_over(&name);
        Ok(())
    }

    /// The queue behind `amq.rabbitmq.reply-to` of a channel. Nobody sees it but by its name in `reply_to`.
    fn reply_queue(&mut self, at: Place, no_ack: bool) -> Result<Arc<str>, Fault> {
        if !no_ack {
            return Err(Fault::precondition_failed(
                "reply consumer cannot acknowledge",
            ));
        }
        if self.channel(at)?.replies.is_some() {
            return Err(Fault::precondition_failed("reply consumer already set"));
        }
        let number = self.number();
        let name: Arc<str> = format!("{REPLY_TO}.g1h2.{:016x}", scrambled(number)).into();
        let mut queue = Queue::new(name.clone(), number, Default::default(), Default::default());
        queue.auto_delete = true;
        self.queues.insert(name.clone(), queue);
        self.channel(at)?.replies = Some(name.clone());
        Ok(name)
    }

    pub(super) fn cancel(&mut self, at: Place, cancel: basic::Cancel) -> Result<(), Fault> {
        let queue = self.channel(at)?.consumers.remove(&cancel.consumer_tag);
        if let Some(queue) = queue {
            self.forget_consumer(at, &cancel.consumer_tag, &queue);
            // Who waited for replies may do so anew.
            let channel = self.channel(at)?;
            channel.replies.take_if(|replies| *replies == queue);
        }
        if !cancel.nowait {
            let ok = AMQPMethod::CancelOk(basic::CancelOk {
                consumer_tag: cancel.consumer_tag,
            });
            self.send(at, AMQPClass::Basic(ok));
        }
        Ok(())
    }

    /// Takes a consumer from its queue, which may go with it.
    pub(super) fn forget_consumer(&mut self, at: Place, tag: &ShortString, name: &str) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let before = queue.consumers.len();
        queue
            .consumers
            .retain(|consumer| consumer.at != at || consumer.tag != *tag);
        if queue.auto_delete && queue.consumers.is_empty() && before > 0 {
            self.delete_queue(name);
        }
    }

    pub(super) fn get(&mut self, at: Place, get: &basic::Get) -> Result<(), Fault> {
        let name = self.queue_named(at, get.queue.as_str())?;
        let queue = self.usable(at, &name)?;
        if queue.arguments.is_stream {
            return Err(Fault::not_implemented(format!(
                "basic.get not supported by stream queue '{name}'"
            )));
        }
        let Self {
            queues,
            graves,
            connections,
            ..
        } = self;
        let (Some(queue), Some(connection)) =
            (queues.get_mut(&name), connections.get_mut(&at.connection))
        else {
            return Ok(());
        };
        for entry in queue.expire(Instant::now()) {
            graves.extend(Grave::of(queue, entry, Reason::Expired));
        }
        let Some((place, entry)) = queue.pop() else {
            connection.send(
                at.channel,
                AMQPClass::Basic(AMQPMethod::GetEmpty(basic::GetEmpty {})),
            );
            return Ok(());
        };
        let left = u32::try_from(queue.len()).unwrap_or(u32::MAX);
        let message = entry.message.clone();
        let redelivered = entry.redelivered;
        let taken = Taken {
            queue,
            place,
            entry,
            consumer: None,
        };
        let Some(delivery_tag) = hand(connection, at.channel, get.no_ack, taken) else {
            return Ok(());
        };
        let ok = AMQPMethod::GetOk(basic::GetOk {
            delivery_tag,
            redelivered,
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
            message_count: left,
        });
        connection.send(at.channel, AMQPClass::Basic(ok));
        let max = connection.frame_max;
        message.put(&mut connection.outbox, at.channel, max);
        Ok(())
    }

    /// Hands over what waits in a queue to who waits for it, in turn.
    pub(super) fn hand_over(&mut self, name: &str) {
        let Self {
            queues,
            graves,
            connections,
            ..
        } = self;
        let Some(queue) = queues.get_mut(name) else {
            return;
        };
        for entry in queue.expire(Instant::now()) {
            graves.extend(Grave::of(queue, entry, Reason::Expired));
        }
        if queue.arguments.is_stream {
            stream::hand_over(queue, connections);
            return;
        }
        while queue.len() > 0 {
            let ready = queue.consumers.iter().position(|consumer| {
                let connection = connections.get(&consumer.at.connection);
                connection.is_some_and(|connection| can_take(consumer, connection))
            });
            let Some(mut consumer) = ready.and_then(|at| queue.consumers.remove(at)) else {
                return;
            };
            if let (Some((place, entry)), Some(connection)) =
                (queue.pop(), connections.get_mut(&consumer.at.connection))
            {
                deliver(
                    connection,
                    &mut consumer,
                    Taken {
                        queue,
                        place,
                        entry,
                        consumer: None,
                    },
                );
            }
            queue.consumers.push_back(consumer);
        }
    }
}

/// A message that leaves a queue.
pub(super) struct Taken<'a> {
    pub(super) queue: &'a Queue,
    pub(super) place: u64,
    pub(super) entry: Entry,
    pub(super) consumer: Option<ShortString>,
}

pub(super) fn can_take(consumer: &Consumer, connection: &Connection) -> bool {
    let channel = connection.channels.get(&consumer.at.channel);
    let shared = channel.is_some_and(|channel| consumer.no_ack || channel.has_room());
    shared && consumer.has_room() && !connection.is_full()
}

/// Sends a message to a consumer.
pub(super) fn deliver(connection: &mut Connection, consumer: &mut Consumer, mut taken: Taken<'_>) {
    let channel = consumer.at.channel;
    let message = taken.entry.message.clone();
    let redelivered = taken.entry.redelivered;
    taken.consumer = Some(consumer.tag.clone());
    let Some(delivery_tag) = hand(connection, channel, consumer.no_ack, taken) else {
        return;
    };
    if !consumer.no_ack {
        consumer.held += 1;
    }
    let deliver = AMQPMethod::Deliver(basic::Deliver {
        consumer_tag: consumer.tag.clone(),
        delivery_tag,
        redelivered,
        exchange: message.exchange.clone(),
        routing_key: message.routing_key.clone(),
    });
    connection.send(channel, AMQPClass::Basic(deliver));
    let max = connection.frame_max;
    message.put(&mut connection.outbox, channel, max);
}

/// Gives a message a delivery tag, and keeps it until it is settled.
fn hand(connection: &mut Connection, channel: u16, no_ack: bool, taken: Taken<'_>) -> Option<u64> {
    let channel: &mut Channel = connection.channels.get_mut(&channel)?;
    let tag = channel.next_tag();
    if !no_ack {
        let unacked = Unacked {
            queue: taken.queue.name.clone(),
            born: taken.queue.born,
            place: taken.place,
            entry: taken.entry,
            consumer: taken.consumer,
        };
        channel.unacked.insert(tag, unacked);
    }
    Some(tag)
}

/// A number that looks like no other: names that the broker makes up are not to be guessed at by counting.
pub(super) const fn scrambled(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
