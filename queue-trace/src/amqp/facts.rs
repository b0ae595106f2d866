//! What the conventions want to know, and where AMQP says it.

use std::borrow::Cow;

use lapin::message::Delivery;
use lapin::protocol::AMQPErrorKind;
use lapin::types::{AMQPValue, ShortString};
use lapin::{BasicProperties, ErrorKind};
use tracing_core_ctx::Timestamp;
use tracing_core_ctx::semconv::messaging_system_name::RABBITMQ;

use crate::settings::QueueTracer;
use crate::{Destination, Message, Operation, OperationType};

/// Whether the broker made the name up.
pub(super) fn is_made_up(queue: &str) -> bool {
    queue.starts_with("amq.gen-") || queue.starts_with("amq.rabbitmq.reply-to")
}

/// A destination by its name; anonymous, and gone with its last user, if the queue, or the routing key of a message to the default exchange, is.
pub(super) fn destination<'a>(name: &'a str, queue: &str) -> Destination<'a> {
    if is_made_up(queue) {
        Destination {
            is_temporary: true,
            ..Destination::anonymous(name)
        }
    } else {
        Destination::named(name)
    }
}

pub(super) fn operation<'a>(
    operation_type: OperationType,
    name: &'a str,
    destination: Destination<'a>,
) -> Operation<'a> {
    Operation::new(operation_type, RABBITMQ, name, destination)
}

/// What a message to be sent says of itself.
#[inline]
pub(super) fn outgoing<'a>(
    queue: &QueueTracer,
    routing_key: &'a ShortString,
    properties: &'a BasicProperties,
    payload: &[u8],
) -> Message<'a> {
    Message {
        id: text(properties.message_id()),
        conversation_id: text(properties.correlation_id()),
        routing_key: Some(routing_key.as_str()),
        body_size: queue.settings.body_sizes.then_some(payload.len()),
        ..Message::default()
    }
}

/// What a message that came says of itself to a span that starts now.
#[inline]
pub(super) fn incoming<'a>(
    queue: &QueueTracer,
    delivery: &'a Delivery,
    now: Timestamp,
) -> Message<'a> {
    Message {
        delivery_tag: i64::try_from(delivery.delivery_tag).ok(),
        is_redelivered: delivery.redelivered,
        deaths: deaths(&delivery.properties),
        queue_time: queue_time(now, &delivery.properties),
        ..outgoing(
            queue,
            &delivery.routing_key,
            &delivery.properties,
            &delivery.data,
        )
    }
}

/// A text of few bytes, as all of these are.
#[expect(
    clippy::ref_option,
    reason = "this is how the properties hand them out"
)]
fn text(text: &Option<ShortString>) -> Option<&str> {
    text.as_ref().map(ShortString::as_str)
}

/// How often the message died, in all queues together: the broker keeps a list of them.
fn deaths(properties: &BasicProperties) -> Option<i64> {
    let headers = properties.headers().as_ref()?;
    let AMQPValue::FieldArray(list) = headers.inner().get("x-death")? else {
        return None;
    };
    let counts = list.as_slice().iter().filter_map(|death| match death {
        AMQPValue::FieldTable(death) => death.inner().get("count").and_then(whole),
        _ => None,
    });
    Some(counts.fold(0, i64::saturating_add))
}

fn whole(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::LongInt(count) => Some((*count).into()),
        AMQPValue::LongLongInt(count) => Some(*count),
        AMQPValue::LongUInt(count) => Some((*count).into()),
        _ => None,
    }
}

/// Whether a header is one that brokers write: of what became of a message until now, which is not true of one that is made of it.
pub(super) fn is_of_brokers(name: &str) -> bool {
    matches!(
        name,
        "x-acquired-count" | "x-death" | "x-delivery-count" | "x-stream-offset"
    ) || name.starts_with("x-first-death-")
        || name.starts_with("x-last-death-")
}

/// Only if the producer said when it sent the message, in whole seconds; not if that is yet to come.
pub(super) fn queue_time(now: Timestamp, properties: &BasicProperties) -> Option<i64> {
    let sent = i64::try_from((*properties.timestamp())?).ok()?;
    let now = i64::try_from(now.as_unix_nanos() / 1_000_000).ok()?;
    let time = now.checked_sub(sent.checked_mul(1000)?)?;
    (time >= 0).then_some(time)
}

/// What class of error it is, in the broker's own words where it has spoken.
pub(super) fn error_type(error: &lapin::Error) -> Cow<'static, str> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => protocol_error(error.kind()).into(),
        ErrorKind::InvalidChannel(_) | ErrorKind::InvalidChannelState(..) => CHANNEL_CLOSED.into(),
        ErrorKind::InvalidConnectionState(_) => "connection-closed".into(),
        ErrorKind::IOError(_) => "io".into(),
        ErrorKind::MissingHeartbeatError => "missing-heartbeat".into(),
        _ => tracing_core_ctx::semconv::error_type::OTHER.into(),
    }
}

pub(super) const CHANNEL_CLOSED: &str = "channel-closed";

/// `no-route`, `not-found`, `connection-forced`, ..
pub(super) fn protocol_error(kind: &AMQPErrorKind) -> String {
    match kind {
        AMQPErrorKind::Hard(error) => error.to_string(),
        AMQPErrorKind::Soft(error) => error.to_string(),
    }
    .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use lapin::types::{FieldArray, FieldTable};
    use tracing_core_ctx::Tracer;

    use super::*;

    #[test]
    fn names_that_the_broker_made_up_are_anonymous_and_temporary() {
        for queue in ["amq.gen-7x", "amq.rabbitmq.reply-to.g2dk"] {
            let made_up = destination("logs:..", queue);
            assert!(made_up.is_anonymous && made_up.is_temporary);
        }
        assert_eq!(destination("jobs", "jobs"), Destination::named("jobs"));
    }

    #[test]
    fn what_brokers_write_is_told_from_what_users_do() {
        for name in [
            "x-death",
            "x-first-death-queue",
            "x-delivery-count",
            "x-stream-offset",
        ] {
            assert!(is_of_brokers(name), "{name}");
        }
        for name in ["x-request-id", "x-deaths", "traceparent"] {
            assert!(!is_of_brokers(name), "{name}");
        }
    }

    #[test]
    fn deaths_are_those_in_all_queues() {
        let death = |count| {
            let mut table = FieldTable::default();
            table.insert("count".into(), AMQPValue::LongLongInt(count));
            AMQPValue::FieldTable(table)
        };
        let with = |value| {
            let mut table = FieldTable::default();
            table.insert("x-death".into(), value);
            deaths(&BasicProperties::default().with_headers(table))
        };
        let list = FieldArray::from(vec![death(2), death(3), AMQPValue::Void]);
        assert_eq!(with(AMQPValue::FieldArray(list)), Some(5));
        assert_eq!(with(AMQPValue::LongString("forged".into())), None);
        assert_eq!(deaths(&BasicProperties::default()), None);
    }

    #[test]
    fn a_message_from_the_future_has_no_time_in_queue() {
        let now = Tracer::noop().now();
        let at = |seconds| queue_time(now, &BasicProperties::default().with_timestamp(seconds));
        assert!(at(0).is_some_and(|time| time > 0));
        assert_eq!(at(u64::MAX), None);
        assert_eq!(at(1 << 40), None);
    }
}
