//! What the broker in this process has in common with RabbitMQ, without any tracing.

mod dying;
mod errors;
mod messages;
mod queues;
mod routing;
mod settling;

use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Consumer, ErrorKind, Queue};

use super::stage::LONG;

pub(super) use dying::{
    a_message_whose_time_is_over_is_a_dead_letter, deaths_are_counted_for_each_queue_and_reason,
    of_too_many_messages_the_first_is_a_dead_letter,
};
pub(super) use errors::{
    a_reply_to_nobody_closes_the_channel, a_short_string_among_the_headers_closes_the_connection,
    what_is_wrong_closes_the_channel_with_its_code,
};
pub(super) use messages::{
    a_returned_message_is_whole, a_stream_is_read_from_where_one_likes_and_stays,
    every_kind_of_header_arrives_as_it_was_sent, every_publication_of_many_is_confirmed,
    large_and_empty_bodies_arrive_whole, replies_come_directly,
    who_stops_to_wait_for_replies_may_begin_again,
};
pub(super) use queues::{
    a_consumer_of_a_queue_that_is_deleted_is_told,
    a_queue_has_the_name_that_it_is_given_or_gets_one,
    a_queue_is_purged_and_deleted_with_what_is_in_it,
    a_queue_of_one_connection_is_locked_for_others_and_gone_with_it,
    a_queue_that_deletes_itself_goes_with_its_last_consumer,
};
pub(super) use routing::{
    a_binding_that_is_taken_away_routes_no_more, exchanges_route_by_key_pattern_headers_or_to_all,
};
pub(super) use settling::{
    a_consumer_holds_no_more_than_it_may, all_that_was_handed_over_is_settled_by_tag_zero,
    consumers_of_one_channel_share_a_limit, consumers_take_turns,
    recovery_brings_back_what_was_not_settled, what_a_closed_channel_held_comes_again,
    what_a_lost_connection_held_comes_again, what_is_put_back_comes_again_in_its_order,
};

/// The code with which the broker has answered.
fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_id(),
        other => panic!("{other:?} is no answer of a broker"),
    }
}

/// Publishes to a queue.
async fn put(
    channel: &Channel,
    queue: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Confirmation {
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), queue.into(), options, body, properties);
    sent.await.unwrap().await.unwrap()
}

/// Publishes so many messages, `0`, `1`, .., and waits until they are there.
async fn put_many(channel: &Channel, queue: &str, count: usize) {
    for number in 0..count {
        let body = number.to_string();
        put(channel, queue, body.as_bytes(), BasicProperties::default()).await;
    }
    wait_until(async || state(channel, queue).await.message_count() as usize == count).await;
}

/// Asks again and again, for a while.
async fn wait_until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, wait)
        .await
        .expect("never in time");
}

/// How many messages and consumers a queue has.
async fn state(channel: &Channel, queue: &str) -> Queue {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let declare = channel.queue_declare(queue.into(), options, FieldTable::default());
    declare.await.unwrap()
}

async fn consume(channel: &Channel, queue: &str) -> Consumer {
    consume_with(channel, queue, FieldTable::default()).await
}

async fn consume_with(channel: &Channel, queue: &str, arguments: FieldTable) -> Consumer {
    let options = BasicConsumeOptions::default();
    let consume = channel.basic_consume(queue.into(), ShortString::default(), options, arguments);
    consume.await.unwrap()
}

async fn next(consumer: &mut Consumer) -> Delivery {
    use futures_util::StreamExt as _;

    let next = tokio::time::timeout(LONG, consumer.next()).await;
    next.expect("no delivery in time").unwrap().unwrap()
}

/// The next message in a queue, if there is one; it is settled by that.
async fn get(channel: &Channel, queue: &str) -> Option<Delivery> {
    let options = BasicGetOptions { no_ack: true };
    let got = channel.basic_get(queue.into(), options).await.unwrap();
    got.map(|got| got.delivery)
}

/// The next message in a queue, when it is there.
async fn wait_for(channel: &Channel, queue: &str) -> Delivery {
    wait_until(async || state(channel, queue).await.message_count() > 0).await;
    get(channel, queue).await.unwrap()
}

fn bodies(deliveries: &[Delivery]) -> Vec<&str> {
    let bodies = deliveries.iter();
    bodies
        .map(|delivery| std::str::from_utf8(&delivery.data).unwrap())
        .collect()
}
