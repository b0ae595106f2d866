//! To which message, topic and trace a commit belongs.

use queue_trace::QueueTracer;
use queue_trace::kafka::TracedConsumer;
use rdkafka::consumer::CommitMode;
use rdkafka::{Offset, TopicPartitionList};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{Context, Span};

use super::cluster::Cluster;
use super::{recv, send};

fn set_up() -> (SpanRecorder, Cluster, QueueTracer) {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    (recorder, Cluster::new(), queue)
}

#[tokio::test]
async fn a_message_of_another_consumer_is_settled_under_its_own_topic() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let settings = [("enable.auto.offset.store", "false")];
    let ours: TracedConsumer = cluster.assigned(&queue, &[("ours", 0)], &settings);
    let theirs: TracedConsumer = cluster.assigned(&queue, &[("theirs", 0)], &settings);
    send(&producer, "ours", "1").await;
    send(&producer, "theirs", "1").await;
    let _sent = recorder.take();
    let (mine, message) = (recv(&ours).await, recv(&theirs).await);
    let flush = recorder.tracer("shop").span("flush").start();
    flush.in_scope(|| {
        ours.commit_message(&mine, CommitMode::Sync).unwrap();
        assert_eq!(recorder.take_one().name(), "commit ours");
        ours.commit_message(&message, CommitMode::Async).unwrap();
    });
    let commit = recorder.take_one();
    flush.end();
    let _flush = recorder.take_one();
    assert_eq!(commit.name(), "commit theirs");
    assert_eq!(commit.str("messaging.destination.name"), "theirs");
}

#[tokio::test]
async fn a_commit_is_below_the_process_span_whatever_span_is_active_when_that_has_ended() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "worked");
    for payload in ["1", "2"] {
        send(&producer, "worked", payload).await;
    }
    let _sent = recorder.take();
    let mut worker = recorder
        .tracer("shop")
        .span("worker")
        .start_in(Context::new(), |_| {});
    let message = recv(&consumer).await;
    {
        let _entered = worker.enter();
        message.start_process().end();
        let process = recorder.take_one();
        consumer.commit_message(&message, CommitMode::Sync).unwrap();
        assert!(recorder.take_one().is_child_of(&process));
    }
    worker.end_with(|_| {});
    let _worker = recorder.take_one();

    // Inside the work the span that is active says more.
    let message = recv(&consumer).await;
    let mut processing = message.start_process();
    {
        let _entered = processing.enter();
        let step = Span::child("step");
        step.in_scope(|| consumer.commit_message(&message, CommitMode::Sync))
            .unwrap();
        step.end();
    }
    processing.end();
    let commit = recorder.take_named("commit worked");
    assert!(commit.is_child_of(&recorder.take_named("step")));
    let _process = recorder.take_one();
}

#[tokio::test]
async fn what_is_settled_outside_any_work_has_no_span_unless_it_fails() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let settings = [("enable.auto.offset.store", "false")];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("outside", 0)], &settings);
    send(&producer, "outside", "1").await;
    let _sent = recorder.take_one();
    let message = recv(&consumer).await;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("outside", 0, Offset::Offset(1))
        .unwrap();
    let settle_all = || {
        consumer.store_offset("outside", 0, 0).unwrap();
        consumer.store_offset_from_message(&message).unwrap();
        consumer.store_offsets(&list).unwrap();
        // The second time there is nothing to commit, which is an error.
        let _nothing = consumer.commit_consumer_state(CommitMode::Sync);
        consumer.commit(&list, CommitMode::Sync).unwrap();
        consumer.commit_message(&message, CommitMode::Sync).unwrap();
    };
    settle_all();
    recorder.assert_nothing();

    assert!(consumer.store_offset("elsewhere", 0, 0).is_err());
    let failed = recorder.take_one();
    assert_eq!(failed.name(), "store elsewhere");
    assert_eq!(failed.parent(), None);
    assert!(failed.error_type().is_some());
    assert_eq!(failed.int("kafka.offset"), 0);

    recorder
        .tracer("shop")
        .span("flush")
        .start()
        .in_scope(settle_all);
    let spans = recorder.take();
    let flush = spans.iter().find(|span| span.name() == "flush").unwrap();
    let below = spans.iter().filter(|span| span.is_child_of(flush));
    assert_eq!(below.count(), 6);
}

#[tokio::test]
async fn a_commit_is_below_the_processing_that_was_the_last() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "again");
    send(&producer, "again", "1").await;
    let _sent = recorder.take_one();
    let message = recv(&consumer).await;
    for (attempt, is_done) in [(1, false), (2, true)] {
        let work = message.try_process(async |_| if is_done { Ok(()) } else { Err(()) });
        assert_eq!(work.await.is_ok(), is_done, "{attempt}");
    }
    let [failed, processed] = recorder.take().try_into().unwrap();
    assert!(failed.error_type().is_some());
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    assert!(recorder.take_one().is_child_of(&processed));
}
