//! Who gets how much, and what becomes of what is not settled.

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicQosOptions, BasicRecoverOptions};

use super::super::stage::Stage;
use super::{bodies, consume, next, put_many, state, wait_until};

pub(in crate::amqp) async fn a_consumer_holds_no_more_than_it_may(stage: Stage) {
    let channel = stage.channel.inner();
    put_many(channel, &stage.queue, 5).await;
    channel
        .basic_qos(2, BasicQosOptions::default())
        .await
        .unwrap();
    let mut consumer = consume(channel, &stage.queue).await;
    let first = next(&mut consumer).await;
    let _second = next(&mut consumer).await;
    assert_eq!(state(channel, &stage.queue).await.message_count(), 3);
    first.acker.ack(BasicAckOptions::default()).await.unwrap();
    assert_eq!(bodies(&[next(&mut consumer).await]), ["2"]);
    assert_eq!(state(channel, &stage.queue).await.message_count(), 2);
}

pub(in crate::amqp) async fn consumers_of_one_channel_share_a_limit(stage: Stage) {
    let channel = stage.channel.inner();
    let other = stage.declare("other", &[]).await;
    put_many(channel, &stage.queue, 2).await;
    put_many(channel, &other, 2).await;
    channel
        .basic_qos(2, BasicQosOptions { global: true })
        .await
        .unwrap();
    let mut consumer = consume(channel, &stage.queue).await;
    let first = next(&mut consumer).await;
    let mut late = consume(channel, &other).await;
    assert_eq!(state(channel, &other).await.message_count(), 2);
    first.acker.ack(BasicAckOptions::default()).await.unwrap();
    assert_eq!(bodies(&[next(&mut late).await]), ["0"]);
}

pub(in crate::amqp) async fn consumers_take_turns(stage: Stage) {
    let channel = stage.channel.inner();
    let mut first = consume(channel, &stage.queue).await;
    let mut second = consume(channel, &stage.queue).await;
    for number in 0..4 {
        super::put(
            channel,
            &stage.queue,
            format!("{number}").as_bytes(),
            Default::default(),
        )
        .await;
    }
    for consumer in [&mut first, &mut second] {
        let deliveries = [next(consumer).await, next(consumer).await];
        let numbers: Vec<u8> = bodies(&deliveries)
            .iter()
            .map(|body| body.parse().unwrap())
            .collect();
        assert_eq!(numbers[1], numbers[0] + 2);
    }
}

pub(in crate::amqp) async fn what_is_put_back_comes_again_in_its_order(stage: Stage) {
    let channel = stage.channel.inner();
    put_many(channel, &stage.queue, 4).await;
    let mut consumer = consume(channel, &stage.queue).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(next(&mut consumer).await);
    }
    held[0].acker.ack(BasicAckOptions::default()).await.unwrap();
    let nack = BasicNackOptions {
        multiple: true,
        requeue: true,
    };
    held[2].acker.nack(nack).await.unwrap();
    let again = [next(&mut consumer).await, next(&mut consumer).await];
    assert_eq!(bodies(&again), ["1", "2"]);
    assert!(
        again
            .iter()
            .all(|delivery| delivery.redelivered && delivery.delivery_tag > 4)
    );
    assert!(!held[3].redelivered);
}

pub(in crate::amqp) async fn what_a_closed_channel_held_comes_again(stage: Stage) {
    let channel = stage.channel.inner();
    put_many(channel, &stage.queue, 2).await;
    let other = stage.connection.create_channel().await.unwrap();
    let mut consumer = consume(&other, &stage.queue).await;
    let _held = [next(&mut consumer).await, next(&mut consumer).await];
    other.close(200, "".into()).await.unwrap();
    came_again(channel, &stage.queue).await;
}

pub(in crate::amqp) async fn what_a_lost_connection_held_comes_again(stage: Stage) {
    use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};

    let channel = stage.channel.inner();
    let name = stage.own("shared");
    let declare = channel.queue_declare(
        name.as_str().into(),
        QueueDeclareOptions::default(),
        Default::default(),
    );
    declare.await.unwrap();
    put_many(channel, &name, 2).await;
    let (connection, other) = stage.stranger().await;
    let mut consumer = consume(&other, &name).await;
    let _held = [next(&mut consumer).await, next(&mut consumer).await];
    connection.close(200, "".into()).await.unwrap();
    came_again(channel, &name).await;
    let delete = channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default());
    delete.await.unwrap();
}

async fn came_again(channel: &lapin::Channel, queue: &str) {
    wait_until(async || state(channel, queue).await.message_count() == 2).await;
    let mut again: Vec<Delivery> = Vec::new();
    while let Some(delivery) = super::get(channel, queue).await {
        again.push(delivery);
    }
    assert_eq!(bodies(&again), ["0", "1"]);
    assert!(again.iter().all(|delivery| delivery.redelivered));
}

pub(in crate::amqp) async fn all_that_was_handed_over_is_settled_by_tag_zero(stage: Stage) {
    let channel = stage.channel.inner();
    put_many(channel, &stage.queue, 3).await;
    channel
        .basic_qos(3, BasicQosOptions::default())
        .await
        .unwrap();
    let mut consumer = consume(channel, &stage.queue).await;
    for _ in 0..3 {
        next(&mut consumer).await;
    }
    channel
        .basic_ack(0, BasicAckOptions { multiple: true })
        .await
        .unwrap();
    super::put(channel, &stage.queue, b"3", Default::default()).await;
    assert_eq!(bodies(&[next(&mut consumer).await]), ["3"]);
    assert_eq!(state(channel, &stage.queue).await.message_count(), 0);
}

pub(in crate::amqp) async fn recovery_brings_back_what_was_not_settled(stage: Stage) {
    let channel = stage.channel.inner();
    put_many(channel, &stage.queue, 2).await;
    let mut consumer = consume(channel, &stage.queue).await;
    let _held = [next(&mut consumer).await, next(&mut consumer).await];
    channel
        .basic_recover(BasicRecoverOptions { requeue: true })
        .await
        .unwrap();
    let again = [next(&mut consumer).await, next(&mut consumer).await];
    assert_eq!(bodies(&again), ["0", "1"]);
    assert!(again[0].redelivered);
}
