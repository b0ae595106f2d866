//! Queues, and what becomes of them.

use futures_util::StreamExt as _;
use lapin::BasicProperties;
use lapin::options::{
    BasicCancelOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;

use super::super::stage::{LONG, Stage};
use super::{code, consume, get, put_many, state, wait_until};

pub(in crate::amqp) async fn a_queue_has_the_name_that_it_is_given_or_gets_one(stage: Stage) {
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let mut names = Vec::new();
    for _ in 0..2 {
        let declare = stage
            .channel
            .queue_declare("".into(), options, FieldTable::default());
        let queue = declare.await.unwrap();
        assert!(queue.name().as_str().starts_with("amq.gen-"));
        names.push(queue.name().clone());
    }
    assert_ne!(names[0], names[1]);
    // An empty name is that of the last one.
    put_many(&stage.channel, names[1].as_str(), 1).await;
    assert!(get(&stage.channel, "").await.is_some());
    assert_eq!(
        state(&stage.channel, &stage.queue).await.name().as_str(),
        stage.queue
    );
}

pub(in crate::amqp) async fn a_queue_of_one_connection_is_locked_for_others_and_gone_with_it(
    stage: Stage,
) {
    let (_, stranger) = stage.stranger().await;
    let purge = stranger.queue_purge(stage.queue.as_str().into(), QueuePurgeOptions::default());
    assert_eq!(code(&purge.await.unwrap_err()), 405);

    stage.connection.close(200, "".into()).await.unwrap();
    let (connection, _) = stage.stranger().await;
    wait_until(async || {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = connection.create_channel().await.unwrap();
        let queue = stage.queue.as_str().into();
        let declared = channel
            .queue_declare(queue, options, FieldTable::default())
            .await;
        declared.is_err_and(|error| code(&error) == 404)
    })
    .await;
}

pub(in crate::amqp) async fn a_queue_that_deletes_itself_goes_with_its_last_consumer(stage: Stage) {
    let name = stage.own("self");
    let options = QueueDeclareOptions {
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let declare = stage
        .channel
        .queue_declare(name.as_str().into(), options, FieldTable::default());
    declare.await.unwrap();
    let first = consume(&stage.channel, &name).await;
    let second = consume(&stage.channel, &name).await;
    assert_eq!(state(&stage.channel, &name).await.consumer_count(), 2);
    let cancel = BasicCancelOptions::default();
    stage
        .channel
        .basic_cancel(first.tag(), cancel)
        .await
        .unwrap();
    assert_eq!(state(&stage.channel, &name).await.consumer_count(), 1);
    stage
        .channel
        .basic_cancel(second.tag(), cancel)
        .await
        .unwrap();
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let declare = stage
        .channel
        .queue_declare(name.as_str().into(), options, FieldTable::default());
    assert_eq!(code(&declare.await.unwrap_err()), 404);
}

pub(in crate::amqp) async fn a_queue_is_purged_and_deleted_with_what_is_in_it(stage: Stage) {
    put_many(&stage.channel, &stage.queue, 3).await;
    let queue = || stage.queue.as_str().into();
    let purged = stage
        .channel
        .queue_purge(queue(), QueuePurgeOptions::default());
    assert_eq!(purged.await.unwrap(), 3);
    put_many(&stage.channel, &stage.queue, 2).await;
    let deleted = stage
        .channel
        .queue_delete(queue(), QueueDeleteOptions::default());
    assert_eq!(deleted.await.unwrap(), 2);
    // Nobody is there to take it, and nobody minds.
    super::put(
        &stage.channel,
        &stage.queue,
        b"late",
        BasicProperties::default(),
    )
    .await;
    let again = stage
        .channel
        .queue_delete(queue(), QueueDeleteOptions::default());
    assert_eq!(again.await.unwrap(), 0);
}

pub(in crate::amqp) async fn a_consumer_of_a_queue_that_is_deleted_is_told(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let options = QueueDeleteOptions::default();
    let deleted = stage
        .channel
        .queue_delete(stage.queue.as_str().into(), options);
    deleted.await.unwrap();
    let end = tokio::time::timeout(LONG, consumer.next()).await.unwrap();
    assert!(end.is_none());
}
