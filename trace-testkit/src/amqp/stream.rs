//! Queues from which nothing is taken: every consumer reads them from where it likes.

use std::collections::BTreeMap;
use std::sync::Arc;

use amq_protocol::protocol::basic::Consume;
use amq_protocol::types::AMQPValue;

use super::arguments::number;
use super::channel::Connection;
use super::consume::{Taken, can_take, deliver};
use super::fault::Fault;
use super::queue::Queue;

/// Where a consumer begins: at `x-stream-offset`, or with what comes next.
pub(super) fn first_offset(queue: &Queue, consume: &Consume, prefetch: u16) -> Result<u64, Fault> {
    if consume.no_ack {
        return Err(Fault::not_implemented(
            "stream consumers that do not acknowledge",
        ));
    }
    if prefetch == 0 {
        return Err(Fault::precondition_failed(
            "consumer prefetch count is not set for stream queue",
        ));
    }
    let (first, next) = queue.offsets();
    let unfit =
        |what: String| Fault::precondition_failed(format!("invalid x-stream-offset: {what}"));
    match consume.arguments.inner().get("x-stream-offset") {
        None => Ok(next),
        Some(AMQPValue::LongString(word)) => match word.as_bytes() {
            b"first" => Ok(first),
            b"last" => Ok(next.saturating_sub(1).max(first)),
            b"next" => Ok(next),
            _ => Err(unfit(word.to_string())),
        },
        Some(value) => {
            let offset = number(value).and_then(|offset| u64::try_from(offset).ok());
            offset.ok_or_else(|| unfit(format!("{value:?}")))
        }
    }
}

/// Lets every consumer read on, each as far as it may.
pub(super) fn hand_over(queue: &mut Queue, connections: &mut BTreeMap<u64, Connection>) {
    for _ in 0..queue.consumers.len() {
        let Some(mut consumer) = queue.consumers.pop_front() else {
            return;
        };
        if let Some(connection) = connections.get_mut(&consumer.at.connection) {
            while can_take(&consumer, connection) {
                let Some((offset, entry)) = queue.at_or_after(consumer.offset) else {
                    break;
                };
                let mut entry = entry.clone();
                let message = &entry.message;
                let mut headers = message.properties.headers().clone().unwrap_or_default();
                let told = AMQPValue::LongLongInt(i64::try_from(offset).unwrap_or(i64::MAX));
                headers.insert("x-stream-offset".into(), told);
                let properties = message.properties.clone().with_headers(headers);
                let (exchange, key) = (message.exchange.clone(), message.routing_key.clone());
                entry.message = Arc::new(message.sent_on(exchange, key, properties));
                consumer.offset = offset + 1;
                let taken = Taken {
                    queue,
                    place: offset,
                    entry,
                    consumer: None,
                };
                deliver(connection, &mut consumer, taken);
            }
        }
        queue.consumers.push_back(consumer);
    }
}
