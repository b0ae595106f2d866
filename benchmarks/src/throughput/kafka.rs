use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::util::Timeout;

use super::{How, Taken, go};
use crate::Error;
use crate::queue::awaited::runtime;
use crate::queue::kafka::{assigned, cluster, connect, handle, header, record};
use crate::request::SAMPLED;

pub(super) fn run(count: usize, how: How) -> Result<Taken, Error> {
    let (runtime, cluster) = (runtime(), cluster());
    let _entered = runtime.enter();
    let (producer, consumer) = (connect(&cluster), assigned(&cluster));
    let How::Traced(tracer) = how else {
        let headers = matches!(how, How::WithHeader).then(|| header(SAMPLED));
        let send = || async {
            let mut record = record();
            record.headers = headers.clone();
            let sent = producer.send(record, Timeout::Never).await;
            sent.map_err(|(error, _)| error).expect("a delivery report");
        };
        let take = || async {
            let message = consumer.recv().await.expect("a message");
            handle(message.payload()).await;
            let stored = consumer.store_offset_from_message(&message);
            stored.expect("an offset of this consumer");
        };
        return Ok(runtime.block_on(go(count, send, take)));
    };
    let queue = QueueTracer::new(tracer);
    let producer = TracedProducer::new(producer, queue.clone());
    let consumer = TracedConsumer::new(consumer, queue).group("billing");
    let send = || async {
        let sent = producer.send(record(), Timeout::Never).await;
        sent.map_err(|(error, _)| error).expect("a delivery report");
    };
    let take = || async {
        let message = consumer.recv().await.expect("a message");
        message.process(|message| handle(message.payload())).await;
        let stored = consumer.store_offset_from_message(&message);
        stored.expect("an offset of this consumer");
    };
    Ok(runtime.block_on(go(count, send, take)))
}
