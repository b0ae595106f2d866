//! Groups: members that come, and what becomes of their messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedConsumerContext};
use rdkafka::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::statistics::Statistics;
use rdkafka::types::{RDKafkaApiKey, RDKafkaErrorCode, RDKafkaRespErr};
use tokio::sync::Mutex;
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::{SpanKind, Status};

use super::cluster::Cluster;
use super::{LONG, record, recv, send};

type Member = TracedConsumer<StreamConsumer<TracedConsumerContext>>;

fn join(cluster: &Cluster, queue: &QueueTracer, topic: &str) -> Member {
    let context = TracedConsumerContext::new(queue.clone());
    // This cluster waits for the members to come back until their sessions are nearly over.
    let settings = [
        ("heartbeat.interval.ms", "100"),
        ("session.timeout.ms", "2500"),
    ];
    let config = cluster.member(&settings);
    let consumer: StreamConsumer<_> = config.create_with_context(context).unwrap();
    consumer.subscribe(&[topic]).unwrap();
    TracedConsumer::new(consumer, queue.clone()).group("billing")
}

/// Sends payloads `from..to` to the four partitions in turn.
async fn send_all(
    cluster: &Cluster,
    queue: &QueueTracer,
    topic: &str,
    numbers: std::ops::Range<i32>,
) {
    let producer = cluster.producer(queue, &[]);
    for number in numbers {
        let payload = number.to_string();
        let record = record(topic, &payload).partition(number % 4);
        producer.send(record, LONG).await.unwrap();
    }
}

fn partitions(span: &RecordedSpan, key: &str) -> BTreeSet<String> {
    span.strs(key).iter().cloned().collect()
}

/// Whether the last that two members were given is all there is, and nothing twice.
fn is_shared(rebalances: &[RecordedSpan]) -> bool {
    let mut given = rebalances
        .iter()
        .rev()
        .filter(|span| span.attr("ctx.rebalance.assigned").is_some())
        .map(|span| partitions(span, "ctx.rebalance.assigned"));
    match (given.next(), given.next()) {
        (Some(one), Some(other)) => one.is_disjoint(&other) && one.len() + other.len() == 4,
        _ => false,
    }
}

/// Has members give their partitions back before they are dropped: one that is closed amid a rebalance may wait for librdkafka forever. What is
/// recorded meanwhile is the answer. They must be polled.
async fn leave(
    members: [&Member; 2],
    recorder: &SpanRecorder,
    before: &[RecordedSpan],
) -> Vec<RecordedSpan> {
    for member in members {
        member.unsubscribe();
    }
    let mut spans = recorder.take();
    let left = async {
        while held(before) + held(&spans) > 0 {
            spans.extend(recorder.wait_for_async(1, LONG).await);
        }
    };
    tokio::time::timeout(LONG, left).await.unwrap();
    spans
}

/// How many partitions more were assigned than revoked.
fn held(spans: &[RecordedSpan]) -> isize {
    let count = |key| {
        let spans = spans.iter().filter(|span| span.attr(key).is_some());
        spans.map(|span| span.strs(key).len()).sum::<usize>()
    };
    count("ctx.rebalance.assigned").cast_signed() - count("ctx.rebalance.revoked").cast_signed()
}

#[tokio::test]
async fn members_share_the_partitions_and_no_message_is_lost_or_seen_twice() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    cluster.create_topic("shared", 4);
    send_all(&cluster, &queue, "shared", 0..20).await;
    let sent = recorder.take();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let work = |member: &Arc<Member>| {
        let (seen, member) = (Arc::clone(&seen), Arc::clone(member));
        tokio::spawn(async move {
            loop {
                let message = member.recv().await.unwrap();
                message
                    .process(async |message| {
                        let payload = message.payload().unwrap();
                        let number: i32 = std::str::from_utf8(payload).unwrap().parse().unwrap();
                        seen.lock().await.push(number);
                        member.commit_message(message, CommitMode::Sync).unwrap();
                    })
                    .await;
            }
        })
    };
    let until = async |count: usize| {
        let enough = async {
            while seen.lock().await.len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, enough).await.unwrap();
    };
    // The first to join has to wait for others: three seconds, in this cluster.
    let first = Arc::new(join(&cluster, &queue, "shared"));
    let works = work(&first);
    until(20).await;
    let second = Arc::new(join(&cluster, &queue, "shared"));
    let work_too = work(&second);
    // Until the second has its half.
    let mut rebalances = Vec::new();
    let mut others = Vec::new();
    let shared = async {
        while !is_shared(&rebalances) {
            let span = recorder.wait_for_async(1, LONG).await.remove(0);
            match span.name() {
                "rebalance" => rebalances.push(span),
                _ => others.push(span),
            }
        }
    };
    tokio::time::timeout(LONG, shared).await.unwrap();
    send_all(&cluster, &queue, "shared", 20..40).await;
    until(40).await;
    others.extend(leave([&first, &second], &recorder, &rebalances).await);
    for work in [works, work_too] {
        work.abort();
        let _cancelled = work.await;
    }

    let mut numbers = seen.lock().await.clone();
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(0..40));
    let all: BTreeSet<_> = (0..4).map(|each| format!("shared/{each}")).collect();
    assert_eq!(partitions(&rebalances[0], "ctx.rebalance.assigned"), all);
    assert_eq!(partitions(&rebalances[1], "ctx.rebalance.revoked"), all);
    for span in &rebalances {
        assert_eq!(span.kind(), SpanKind::Internal);
        assert_eq!(span.parent(), None);
        span.assert_absent("ctx.rebalance.lost");
        span.assert_unset();
    }
    others.extend(recorder.take());
    let count = |name| others.iter().filter(|span| span.name() == name).count();
    assert_eq!((sent.len(), count("send shared")), (20, 20));
    assert_eq!(count("process shared"), 40);
    assert_eq!(count("commit shared"), 40);
}

#[tokio::test]
async fn a_rebalance_in_the_middle_of_a_batch_leaves_the_batch_whole() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    cluster.create_topic("torn", 4);
    send_all(&cluster, &queue, "torn", 0..8).await;
    let sent = recorder.take();
    let first = join(&cluster, &queue, "torn");
    let mut batches = first.batches(8, LONG);
    let batch = batches.recv().await.unwrap();
    assert_eq!(batch.len(), 8);

    let second = join(&cluster, &queue, "torn");
    let processing = batch.start_process();
    // Another joins. The first gives its partitions back when it is polled, with the batch still in hand.
    let mut rebalances = recorder.take();
    let shared = async {
        while !is_shared(&rebalances) {
            tokio::select! {
                // Nothing was committed, so who is given a partition has its messages again, be it before the other is given its own.
                _again = batches.recv() => {}
                _again = second.recv() => {}
                spans = recorder.wait_for_async(1, LONG) => rebalances.extend(spans),
            }
        }
    };
    tokio::time::timeout(LONG, shared).await.unwrap();
    assert!(rebalances.iter().all(|span| span.name() == "rebalance"));
    assert_eq!(recorder.open(), 1, "the batch is still being processed");
    let payloads: BTreeSet<_> = batch.iter().map(|each| each.payload().unwrap()).collect();
    assert_eq!(
        payloads.len(),
        8,
        "messages outlive the loss of their partition"
    );
    processing.end();
    let process = recorder.take_named("process torn");
    process.assert_unset();
    assert_eq!(process.links().len(), sent.len());

    // A commit that comes too late fails, and the batch has not.
    let late = RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    cluster.fail_next(RDKafkaApiKey::OffsetCommit, &[late]);
    let refused = first.commit_message(&batch[7], CommitMode::Sync);
    let expected = KafkaError::ConsumerCommit(RDKafkaErrorCode::IllegalGeneration);
    assert_eq!(refused, Err(expected));
    let commit = recorder.take_named("commit torn");
    commit.assert_failed("ILLEGAL_GENERATION");
    assert!(commit.is_child_of(&process));
    drop(batch);
    // Leaving is a rebalance too.
    let polled = async {
        tokio::join!(
            async {
                loop {
                    let _again = batches.recv().await;
                }
            },
            async {
                loop {
                    let _again = second.recv().await;
                }
            }
        )
    };
    let left = tokio::select! {
        left = leave([&first, &second], &recorder, &rebalances) => left,
        _never = polled => unreachable!(),
    };
    assert!(left.iter().all(|span| span.name() == "rebalance"));
}

/// A user's own context around ours.
struct Mine {
    traced: TracedConsumerContext,
    seen: std::sync::mpsc::Sender<&'static str>,
}

impl ClientContext for Mine {
    fn stats(&self, _: Statistics) {
        // Nobody may be listening any more.
        self.seen.send("stats").unwrap_or_default();
    }
}

impl ConsumerContext for Mine {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.traced.rebalance(consumer, rebalance);
        self.seen.send("pre").unwrap_or_default();
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.seen.send("post").unwrap_or_default();
    }
}

#[tokio::test]
async fn a_context_of_the_users_own_is_called_as_before() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    cluster.create_topic("mine", 1);
    let (seen, sees) = std::sync::mpsc::channel();
    let traced = TracedConsumerContext::new(queue.clone());
    let config = cluster.member(&[("statistics.interval.ms", "50")]);
    let context = Mine { traced, seen };
    let consumer: StreamConsumer<_> = config.create_with_context(context).unwrap();
    consumer.subscribe(&["mine"]).unwrap();
    let consumer = TracedConsumer::new(consumer, queue.clone());
    send(&cluster.producer(&queue, &[]), "mine", "x").await;
    let _sent = recorder.take_one();
    let message = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
    let rebalance = recorder.take_one();
    assert_eq!(rebalance.strs("ctx.rebalance.assigned"), ["mine/0"]);
    let seen: Vec<_> = sees.try_iter().collect();
    let at = |what| seen.iter().position(|each| *each == what);
    assert!(at("stats").is_some() && at("pre").is_some());
    assert!(at("pre") < at("post"));
    let message = message.unwrap();
    message.start_process().end();
    let process = recorder.take_one();
    consumer
        .commit_message(&message, CommitMode::Async)
        .unwrap();
    assert!(recorder.take_one().is_child_of(&process));
    // A consumer does not go away before its messages.
    drop(message);
    // The consumer is within reach of its context, too.
    assert_eq!(consumer.context().traced.lag().behind("mine", 0, 0), None);
    drop(consumer);
    let revoked = recorder.take_one();
    assert_eq!(revoked.strs("ctx.rebalance.revoked"), ["mine/0"]);
}

#[tokio::test]
async fn a_message_that_is_never_settled_comes_again() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    send(&cluster.producer(&queue, &[]), "again", "x").await;
    let sent = recorder.take_one();
    for _ in 0..2 {
        let consumer = cluster.consumer(&queue, "again");
        let message = recv(&consumer).await;
        assert_eq!(message.offset(), 0);
        // Neither ended nor settled.
        let _forgotten = message.start_process();
        drop(consumer.clone());
    }
    let spans = recorder.take();
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|span| span.is_child_of(&sent)));
}

#[tokio::test]
async fn an_automatic_commit_that_fails_is_a_failed_span_of_its_own() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let queue = queue
        .server("kafka-1", 9092)
        .client_id("shop-7")
        .cluster_id("north");
    let context = TracedConsumerContext::new(queue.clone()).group("billing");
    let settings = [
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "50"),
    ];
    let consumer: TracedConsumer<StreamConsumer<_>> =
        cluster.assigned_with(context, &queue, &[("late", 0)], &settings);
    send(&cluster.producer(&queue, &[]), "late", "x").await;
    let _sent = recorder.take_one();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    cluster.fail_next(RDKafkaApiKey::OffsetCommit, &[refused]);
    let polled = async {
        loop {
            drop(consumer.recv().await);
        }
    };
    // It is tried again, and done; of that there is nothing to say.
    let failed = tokio::select! {
        () = polled => unreachable!(),
        failed = recorder.wait_for_async(1, LONG) => failed,
    };
    let [failed] = failed.try_into().unwrap();
    assert_eq!(failed.name(), "commit late");
    assert_eq!(failed.kind(), SpanKind::Client);
    assert_eq!(failed.parent(), None);
    failed.assert_failed("GROUP_AUTHORIZATION_FAILED");
    for (key, value) in [
        ("messaging.destination.partition.id", "0"),
        ("messaging.consumer.group.name", "billing"),
        ("messaging.client.id", "shop-7"),
        ("kafka.cluster.id", "north"),
        ("server.address", "kafka-1"),
    ] {
        assert_eq!(failed.str(key), value);
    }
    let Status::Error { description } = failed.status() else {
        panic!("{failed:?}");
    };
    assert!(description.contains("authorization"), "{description}");
}

#[tokio::test]
async fn partitions_that_are_lost_are_told_from_those_that_are_given_back() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    cluster.create_topic("lost", 1);
    let member = join(&cluster, &queue, "lost");
    let forgotten = async {
        loop {
            let _error = member.recv().await.is_err();
        }
    };
    let seen = async {
        let assigned = recorder.wait_for_async(1, LONG).await.remove(0);
        assert_eq!(assigned.strs("ctx.rebalance.assigned"), ["lost/0"]);
        // The group does not know the member any more.
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
        cluster.fail_next(RDKafkaApiKey::Heartbeat, &[unknown]);
        let lost = recorder.wait_for_async(1, LONG).await.remove(0);
        assert_eq!(lost.strs("ctx.rebalance.revoked"), ["lost/0"]);
        assert!(lost.bool("ctx.rebalance.lost"));
        // It joins anew, and leaves.
        let again = recorder.wait_for_async(1, LONG).await.remove(0);
        assert_eq!(again.strs("ctx.rebalance.assigned"), ["lost/0"]);
        member.unsubscribe();
        let left = recorder.wait_for_async(1, LONG).await.remove(0);
        assert_eq!(left.strs("ctx.rebalance.revoked"), ["lost/0"]);
        left.assert_absent("ctx.rebalance.lost");
    };
    tokio::select! {
        () = seen => {}
        () = forgotten => {}
    }
}
