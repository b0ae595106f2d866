use std::cell::RefCell;
use std::future::poll_fn;

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions};
use lapin::types::FieldTable;
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;

use super::{How, Taken, go};
use crate::Error;
use crate::queue::amqp::{handle, place_at, properties, with_header};
use crate::queue::{BODY, PLACE};
use crate::request::SAMPLED;

/// The broker that `AMQP_URL` names. Default: one in this process.
pub(super) fn url() -> Option<String> {
    std::env::var("AMQP_URL").ok().filter(|url| !url.is_empty())
}

pub(super) fn run(count: usize, how: How) -> Result<Taken, Error> {
    let (runtime, place) = place_at(url().as_deref());
    let (publishing, consuming) = (place.channel(&runtime), place.channel(&runtime));
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let How::Traced(tracer) = how else {
        let properties = match how {
            How::WithHeader => with_header(SAMPLED),
            How::Bare | How::Traced(_) => properties(),
        };
        let consume = consuming.basic_consume(PLACE.into(), "".into(), options, arguments);
        let consumer = RefCell::new(runtime.block_on(consume)?);
        let send = || async {
            let (to, options) = (PLACE.into(), BasicPublishOptions::default());
            let properties = properties.clone();
            let sent = publishing.basic_publish("".into(), to, options, BODY, properties);
            let answer = sent.await.expect("a channel").await;
            assert!(answer.expect("a confirmation").is_ack());
        };
        let take = || async {
            let next = poll_fn(|cx| consumer.borrow_mut().poll_next_unpin(cx)).await;
            let delivery = next.expect("no end").expect("a message");
            handle(&delivery.data).await;
            let acked = delivery.ack(BasicAckOptions::default()).await;
            assert!(acked.expect("a channel"));
        };
        let taken = runtime.block_on(go(count, send, take));
        place.close(&runtime);
        return Ok(taken);
    };
    let queue = QueueTracer::new(tracer);
    let publishing = TracedChannel::new(publishing, queue.clone());
    let consuming = TracedChannel::new(consuming, queue);
    let consume = consuming.basic_consume(PLACE.into(), "".into(), options, arguments);
    let consumer = RefCell::new(runtime.block_on(consume)?);
    let send = || async {
        let (to, options) = (PLACE.into(), BasicPublishOptions::default());
        let sent = publishing.basic_publish("".into(), to, options, BODY, properties());
        let answer = sent.await.expect("a channel").await;
        assert!(answer.expect("a confirmation").is_ack());
    };
    let take = || async {
        let next = poll_fn(|cx| consumer.borrow_mut().poll_next_unpin(cx)).await;
        let delivery = next.expect("no end").expect("a message");
        delivery.process(handle(&delivery.data)).await;
        let acked = delivery.ack(BasicAckOptions::default()).await;
        assert!(acked.expect("a channel"));
    };
    let taken = runtime.block_on(go(count, send, take));
    place.close(&runtime);
    Ok(taken)
}
