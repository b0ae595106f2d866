//! Many messages.

use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions, BasicQosOptions};
use tracing_core_ctx::SpanKind;

use super::stage::{Stage, confirms, consume, next, settlement};

const COUNT: u64 = 10_000;

/// As many as may be under way at once.
const WINDOW: u16 = 500;

pub(super) async fn ten_thousand_messages_come_once_in_their_order_and_leave_no_span_open(
    stage: Stage,
) {
    confirms(&stage.channel).await;
    let reader = stage.connection.create_channel().await.unwrap();
    reader
        .basic_qos(WINDOW, BasicQosOptions::default())
        .await
        .unwrap();
    let reader = queue_trace::amqp::TracedChannel::new(reader, stage.channel.tracer().clone());
    let start = Instant::now();
    let sends = async {
        let mut owed = FuturesOrdered::new();
        for number in 0..COUNT {
            let (to, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
            let body = number.to_be_bytes();
            let sent = stage.channel.basic_publish(
                "".into(),
                to,
                options,
                &body,
                BasicProperties::default(),
            );
            owed.push_back(sent.await.unwrap());
            if owed.len() >= usize::from(WINDOW) {
                assert!(owed.next().await.unwrap().unwrap().is_ack());
            }
        }
        while let Some(answer) = owed.next().await {
            assert!(answer.unwrap().is_ack());
        }
    };
    let reads = async {
        let mut consumer = consume(&reader, &stage.queue).await;
        let (mut sent, mut processed, mut settled) = (0, 0, 0);
        for number in 0..COUNT {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.data, number.to_be_bytes());
            assert!(!delivery.redelivered);
            delivery.ack(BasicAckOptions::default()).await.unwrap();
            drop(delivery);
            if number % 1000 == 999 {
                // What is under way is all that there may be.
                assert!(stage.recorder.open() <= 2 * u64::from(WINDOW));
                for span in stage.recorder.take() {
                    span.assert_unset();
                    match span.kind() {
                        SpanKind::Producer => sent += 1,
                        SpanKind::Consumer => {
                            assert_eq!(settlement(&span), "ack");
                            processed += 1;
                        }
                        _ => settled += 1,
                    }
                }
            }
        }
        (sent, processed, settled)
    };
    let ((), (mut sent, processed, settled)) = tokio::join!(sends, reads);
    let rate = COUNT as f64 / start.elapsed().as_secs_f64();
    eprintln!("{rate:.0} messages a second, each sent, confirmed, processed and settled in spans");
    assert_eq!(stage.recorder.open(), 0);
    // The last confirmations may come after the last message.
    sent += stage.recorder.take().len() as u64;
    assert_eq!((sent, processed, settled), (COUNT, COUNT, COUNT));
}
