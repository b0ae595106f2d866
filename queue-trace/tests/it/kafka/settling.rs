//! To which message, topic and trace a commit belongs.

use queue_trace::QueueTracer;
use queue_trace::kafka::TracedConsumer;
use rdkafka::consumer::CommitMode;
use trace_testkit::SpanRecorder;

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
    ours.commit_message(&mine, CommitMode::Sync).unwrap();
    assert_eq!(recorder.take_one().name(), "commit ours");
    ours.commit_message(&message, CommitMode::Async).unwrap();
    let commit = recorder.take_one();
    assert_eq!(commit.name(), "commit theirs");
    assert_eq!(commit.str("messaging.destination.name"), "theirs");
}
