//! Many messages.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use queue_trace::QueueTracer;
use queue_trace::kafka::{SendTraced as _, TracedContext};
use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use std::sync::atomic::{AtomicU64, Ordering};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::{AlwaysOff, ParentBased};

use super::cluster::Cluster;
use super::{LONG, record, recv};

const COUNT: u64 = 20_000;

/// Takes the spans away as they come, as a pipeline does.
fn drain(recorder: &SpanRecorder, until: u64, seen: &mut u64) {
    *seen += u64::try_from(recorder.take().len()).unwrap();
    assert!(*seen <= until, "{seen}");
}

#[tokio::test]
async fn many_messages_arrive_once_in_order_and_leave_no_span_open() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "many");
    let sending = async {
        let mut under_way = FuturesUnordered::new();
        for number in 0..COUNT {
            let payload = number.to_string();
            under_way.push(producer.send_result(record("many", &payload)).unwrap());
            while under_way.len() >= 1000 {
                under_way.next().await.unwrap().unwrap().unwrap();
            }
            // As many as are on their way, and what the consumer has in hand.
            assert!(recorder.open() <= 1002, "{}", recorder.open());
        }
        while let Some(report) = under_way.next().await {
            report.unwrap().unwrap();
        }
    };
    let mut seen = 0;
    let reading = async {
        for number in 0..COUNT {
            let message = recv(&consumer).await;
            assert_eq!(message.offset(), i64::try_from(number).unwrap());
            assert_eq!(message.payload(), Some(number.to_string().as_bytes()));
            message.process(async |_| {}).await;
            if number % 1000 == 0 {
                drain(&recorder, 3 * COUNT, &mut seen);
            }
        }
    };
    futures_util::future::join(sending, reading).await;
    drain(&recorder, 3 * COUNT, &mut seen);
    assert_eq!(seen, 3 * COUNT, "sent, polled, processed");
    assert_eq!(recorder.open(), 0);
}

/// Counts what was delivered. Reports may overtake each other: whoever flushes polls beside the producer's own thread.
struct Counting(Arc<AtomicU64>);

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        assert!(result.is_ok() && *number < COUNT);
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn what_is_not_recorded_arrives_as_well() {
    let cluster = Cluster::new();
    let recorder = SpanRecorder::new();
    let unsampled = recorder.tracer_builder("shop");
    let unsampled = unsampled.sampler(ParentBased::new(AlwaysOff)).build();
    for (tracer, topic) in [(Tracer::noop(), "nobody"), (unsampled, "unsampled")] {
        let queue = QueueTracer::new(tracer);
        let delivered = Arc::new(AtomicU64::new(0));
        let context = TracedContext::new(Counting(Arc::clone(&delivered)), queue.clone());
        let producer: ThreadedProducer<_> = cluster.config().create_with_context(context).unwrap();
        for number in 0..COUNT {
            let payload = number.to_string();
            let record = BaseRecord::<str, str, _>::with_opaque_to(topic, Box::new(number))
                .payload(&payload)
                .partition(0);
            assert!(producer.send_traced(record).is_ok());
        }
        producer.flush(LONG).unwrap();
        assert_eq!(delivered.load(Ordering::SeqCst), COUNT);
        let consumer = cluster.consumer(&queue, topic);
        let mut read = 0;
        while read < COUNT {
            let batch = consumer.recv_batch(500, Duration::from_secs(5)).await;
            let batch = batch.unwrap();
            batch.process(async |_| {}).await;
            for message in batch.iter() {
                assert_eq!(message.offset(), i64::try_from(read).unwrap());
                read += 1;
            }
        }
    }
    recorder.assert_nothing();
}
