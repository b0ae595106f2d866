//! Transactions. The cluster does not isolate them: it shows aborted messages too.

use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::{SendTraced as _, TracedContext, TracedProducer};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, Producer as _, PurgeConfig, ThreadedProducer,
};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use trace_testkit::{RecordedSpan, SpanRecorder};

use super::cluster::Cluster;
use super::{LONG, record, recv};

const SETTINGS: [(&str, &str); 1] = [("transactional.id", "billing-1")];

fn set_up() -> (SpanRecorder, Cluster, QueueTracer) {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    (recorder, Cluster::new(), queue)
}

fn producer(cluster: &Cluster, queue: &QueueTracer) -> TracedProducer {
    let producer = cluster.producer(queue, &SETTINGS);
    producer.init_transactions(LONG).unwrap();
    producer
}

fn has_outcome(span: &RecordedSpan, outcome: &str) -> bool {
    span.assert_unset();
    span.str("ctx.outcome") == outcome
}

#[tokio::test]
async fn a_transaction_is_a_span_around_what_is_sent_and_committed_in_it() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.server("kafka-1", 9092).client_id("bank-7");
    let producer = producer(&cluster, &queue);
    let consumer = cluster.consumer(&queue, "source");
    let mut transaction = producer.transaction().unwrap().group("billing");
    let sent = producer.send(record("target", "x"), LONG);
    transaction.run(sent).await.unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset("source", 0, Offset::Offset(1))
        .unwrap();
    let group = consumer.group_metadata().unwrap();
    transaction.send_offsets(&offsets, &group, LONG).unwrap();
    transaction.commit(LONG).unwrap();

    let transaction = recorder.take_named("transaction");
    transaction.assert_unset();
    transaction.assert_attributes(&[
        ("messaging.system.name", "kafka".into()),
        ("messaging.operation.name", "transaction".into()),
        ("server.address", "kafka-1".into()),
        ("server.port", 9092.into()),
        ("messaging.client.id", "bank-7".into()),
    ]);
    assert!(recorder.take_named("send target").is_child_of(&transaction));
    let commit = recorder.take_named("commit source");
    assert!(commit.is_child_of(&transaction));
    assert_eq!(commit.str("messaging.destination.partition.id"), "0");
    assert_eq!(commit.str("messaging.client.id"), "bank-7");
    assert_eq!(commit.str("messaging.operation.type"), "settle");
    assert_eq!(commit.str("messaging.consumer.group.name"), "billing");
}

#[tokio::test]
async fn an_abort_is_told_by_the_transaction_and_not_by_what_was_delivered() {
    let (recorder, cluster, queue) = set_up();
    let producer = producer(&cluster, &queue);
    let mut transaction = producer.transaction().unwrap();
    let sent = producer.send(record("target", "x"), LONG);
    transaction.run(sent).await.unwrap();
    transaction.abort(LONG).unwrap();
    recorder.take_named("send target").assert_unset();
    assert!(has_outcome(&recorder.take_one(), "aborted"));
    // The cluster shows it all the same.
    let consumer = cluster.consumer(&queue, "target");
    drop(recv(&consumer).await);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_cancelled_and_one_that_fails_has_failed() {
    let (recorder, cluster, queue) = set_up();
    let producer = producer(&cluster, &queue);
    drop(producer.transaction().unwrap());
    assert!(has_outcome(&recorder.take_one(), "cancelled"));
    // It is still open: no other can begin.
    assert!(producer.transaction().is_err());
    recorder.take_one().assert_failed("STATE");
    producer.abort_transaction(LONG).unwrap();

    let mut transaction = producer.transaction().unwrap();
    let sent = producer.send(record("target", "x"), LONG);
    transaction.run(sent).await.unwrap();
    let _sent = recorder.take_one();
    let fenced = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    cluster.fail_next(RDKafkaApiKey::EndTxn, &[fenced]);
    let error = transaction.commit(LONG).unwrap_err();
    assert!(matches!(error, KafkaError::Transaction(_)));
    assert_eq!(recorder.open(), 1);
    drop(transaction);
    let span = recorder.take_one();
    assert!(span.error_type().is_some(), "{span:?}");
}

#[tokio::test]
async fn a_commit_that_is_tried_again_is_one_transaction_with_the_error_as_an_event() {
    let (recorder, cluster, queue) = set_up();
    let producer = producer(&cluster, &queue);
    let mut transaction = producer.transaction().unwrap();
    let sent = producer.send(record("target", "x"), LONG);
    transaction.run(sent).await.unwrap();
    let _sent = recorder.take_one();
    cluster.down();
    let error = transaction.commit(Duration::from_millis(300)).unwrap_err();
    let KafkaError::Transaction(error) = error else {
        panic!("{error:?}");
    };
    assert!(error.is_retriable(), "{error:?}");
    cluster.up();
    transaction.commit(LONG).unwrap();
    let span = recorder.take_one();
    span.assert_unset();
    assert_eq!(span.events().len(), 1);
    span.assert_absent("ctx.outcome");
    drop(transaction);
    recorder.assert_nothing();
    // The producer is free for the next one.
    producer.transaction().unwrap().commit(LONG).unwrap();
    let _next = recorder.take_one();
}

#[test]
fn an_abort_with_a_threaded_producer_purges_what_is_not_sent() {
    let (recorder, cluster, queue) = set_up();
    let context = TracedContext::new(DefaultProducerContext, queue);
    let producer: ThreadedProducer<_> = cluster
        .config()
        .set("transactional.id", "billing-2")
        .set("linger.ms", "10000")
        .create_with_context(context)
        .unwrap();
    producer.init_transactions(LONG).unwrap();
    let mut transaction = producer.transaction().unwrap();
    {
        let _entered = transaction.enter();
        let record = BaseRecord::<str, str>::to("target").payload("x");
        producer
            .send_traced(record)
            .map_err(|(error, _)| error)
            .unwrap();
    }
    transaction.abort(LONG).unwrap();
    let spans = recorder.wait_for(2, LONG);
    let [sent, transaction] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    sent.assert_failed("PURGE_QUEUE");
    assert!(sent.is_child_of(transaction));
    assert!(has_outcome(transaction, "aborted"));
}

#[test]
fn an_abort_with_a_base_producer_needs_another_thread_that_polls() {
    let (recorder, cluster, queue) = set_up();
    let context = TracedContext::new(DefaultProducerContext, queue);
    let producer: BaseProducer<_> = cluster
        .config()
        .set("transactional.id", "billing-3")
        .set("linger.ms", "10000")
        .create_with_context(context)
        .unwrap();
    producer.init_transactions(LONG).unwrap();
    let send = || {
        let record = BaseRecord::<str, str>::to("target").payload("x");
        producer
            .send_traced(record)
            .map_err(|(error, _)| error)
            .unwrap();
    };
    let mut transaction = producer.transaction().unwrap();
    send();
    // Nobody polls: the reports that the abort waits for do not come.
    assert!(transaction.abort(Duration::from_millis(300)).is_err());
    assert_eq!(recorder.open(), 2);

    std::thread::scope(|scope| {
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let poller = &producer;
        scope.spawn(move || {
            while is_done.try_recv().is_err() {
                poller.poll(Duration::from_millis(20));
            }
        });
        // The same again, as the error says.
        transaction.abort(LONG).unwrap();
        let mut transaction = producer.transaction().unwrap();
        send();
        transaction.abort(LONG).unwrap();
        done.send(()).unwrap();
    });
    producer.purge(PurgeConfig::default().queue().inflight());
    producer.flush(LONG).unwrap();
    let spans = recorder.take();
    let purged = spans.iter().filter(|span| span.name() == "send target");
    let errors: Vec<_> = purged.map(|span| span.error_type()).collect();
    assert_eq!(errors, [Some("PURGE_QUEUE"); 2]);
    let transactions: Vec<_> = spans
        .iter()
        .filter(|span| span.name() == "transaction")
        .collect();
    assert_eq!(transactions.len(), 2);
    assert!(transactions.iter().all(|span| has_outcome(span, "aborted")));
    let events = transactions.iter().map(|span| span.events().len());
    assert_eq!(events.sum::<usize>(), 1, "the attempt that failed");
}
