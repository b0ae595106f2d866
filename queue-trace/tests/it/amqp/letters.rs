//! Messages that died, and messages that are sent on.

use lapin::options::{BasicAckOptions, BasicPublishOptions, BasicRejectOptions};
use tracing_core_ctx::SpanKind;

use super::stage::{Stage, consume, is_linked, next, publish, text};

pub(super) async fn a_dead_letter_knows_its_first_trace_and_how_often_it_died(stage: Stage) {
    let dead = stage.declare("letters", &[]).await;
    let arguments = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ];
    let queue = stage.declare("mortal", &arguments).await;
    let Stage {
        channel, recorder, ..
    } = stage;
    publish(&channel, &queue).await.unwrap();
    let publish = recorder.take_one();
    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    delivery
        .reject(BasicRejectOptions::default())
        .await
        .unwrap();
    drop(delivery);
    let _first = recorder.take();

    let mut letters = consume(&channel, &dead).await;
    let letter = next(&mut letters).await;
    letter.ack(BasicAckOptions::default()).await.unwrap();
    drop(letter);
    let process = recorder.take_named(&format!("process {dead}"));
    assert!(is_linked(&process, &publish));
    assert_eq!(process.int("ctx.message.deaths"), 1);
    let _ack = recorder.take_one();
}

pub(super) async fn a_message_that_is_sent_on_has_the_context_of_who_sends_it(stage: Stage) {
    let dead = stage.declare("letters", &[]).await;
    let retry = stage.declare("retry", &[]).await;
    let arguments = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ];
    let queue = stage.declare("mortal", &arguments).await;
    let Stage {
        channel, recorder, ..
    } = stage;
    publish(&channel, &queue).await.unwrap();
    let first = recorder.take_one();
    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    delivery
        .reject(BasicRejectOptions::default())
        .await
        .unwrap();
    drop(delivery);
    let _processed = recorder.take();

    let mut letters = consume(&channel, &dead).await;
    let letter = next(&mut letters).await;
    let properties = letter.properties_to_send_on();
    let options = BasicPublishOptions::default();
    let (to, to_dead) = (retry.as_str().into(), dead.as_str().into());
    let again = channel.basic_publish("".into(), to, options, &letter.data, properties);
    letter.process(again).await.unwrap().await.unwrap();
    drop(letter);
    let process = recorder.take_named(&format!("process {dead}"));
    let sent = recorder.take_one();
    assert!(sent.is_child_of(&process));
    assert_eq!(sent.kind(), SpanKind::Producer);
    assert!(is_linked(&sent, &first));
    assert_eq!(sent.links().len(), 1);

    let mut retries = consume(&channel, &retry).await;
    let retried = next(&mut retries).await;
    let headers = retried.properties.headers().clone().unwrap();
    assert!(!headers.contains_key("x-death"));
    let properties = retried.properties_to_send_on();
    let again = channel.basic_publish("".into(), to_dead, options, b"", properties);
    retried.process(again).await.unwrap().await.unwrap();
    drop(retried);
    let process = recorder.take_named(&format!("process {retry}"));
    assert!(process.is_child_of(&sent));
    process.assert_absent("ctx.message.deaths");
    let resent = recorder.take_one();
    assert!(resent.is_child_of(&process));
    assert!(is_linked(&resent, &first), "and so on");
}
