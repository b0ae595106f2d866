//! The ways to get at messages, and to be done with them.

use std::time::Duration;

use futures_util::StreamExt as _;
use queue_trace::QueueTracer;
use queue_trace::kafka::{Lag, TracedConsumer, TracedConsumerContext};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::span::Link;
use tracing_core_ctx::{Span, SpanKind, SpanRef};

use super::cluster::Cluster;
use super::{LONG, is_linked, record, recv, send};

fn set_up() -> (SpanRecorder, Cluster, QueueTracer) {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    (recorder, Cluster::new(), queue)
}

/// A record for a certain partition.
async fn send_to(cluster: &Cluster, queue: &QueueTracer, topic: &str, partition: i32) {
    let producer = cluster.producer(queue, &[]);
    let record = record(topic, "x").partition(partition);
    producer.send(record, LONG).await.unwrap();
}

#[tokio::test]
async fn a_consumer_that_blocks_hands_over_the_same_spans() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.base_consumer(&queue, "base").group("billing");
    send(&producer, "base", "1").await;
    send(&producer, "base", "2").await;
    let sent = recorder.take();

    let message = consumer.iter().next().unwrap().unwrap();
    let poll = recorder.take_one();
    assert_eq!(poll.name(), "poll base");
    assert_eq!(poll.kind(), SpanKind::Client);
    assert!(is_linked(&poll, &sent[0]));
    let mut processing = message.start_process();
    {
        let _entered = processing.enter();
        Span::child("work").end();
        consumer.commit_message(&message, CommitMode::Sync).unwrap();
    }
    processing.end();
    let process = recorder.take_named("process base");
    assert!(process.is_child_of(&sent[0]));
    assert_eq!(process.str("messaging.consumer.group.name"), "billing");
    assert!(recorder.take_named("work").is_child_of(&process));
    assert!(recorder.take_named("commit base").is_child_of(&process));

    let batch = consumer.poll_batch(10, Duration::from_millis(300)).unwrap();
    assert_eq!(batch.len(), 1);
    batch.start_process().end();
    let poll = recorder.take_named("poll base");
    assert_eq!(poll.int("messaging.batch.message_count"), 1);
    assert!(is_linked(&recorder.take_one(), &sent[1]));
}

#[tokio::test]
async fn an_empty_poll_is_no_span() {
    let (recorder, cluster, queue) = set_up();
    let consumer = cluster.base_consumer(&queue, "empty");
    let short = Duration::from_millis(50);
    assert!(consumer.poll(short).is_none());
    assert!(consumer.poll_batch(5, short).unwrap().is_empty());
    recorder.assert_nothing();
}

#[tokio::test]
async fn the_end_of_a_partition_is_passed_on_and_no_span() {
    let (recorder, cluster, queue) = set_up();
    let settings = [("enable.partition.eof", "true")];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("ends", 0)], &settings);
    let end = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
    assert_eq!(end.err(), Some(KafkaError::PartitionEOF(0)));
    recorder.assert_nothing();

    let producer = cluster.producer(&queue.clone().receive_spans(false), &[]);
    send(&producer, "ends", "x").await;
    let _sent = recorder.take_one();
    let batch = consumer.recv_batch(2, LONG).await.unwrap();
    assert_eq!(batch.len(), 1, "the end of the partition ends the batch");
    assert_eq!(batch.error(), Some(&KafkaError::PartitionEOF(0)));
    recorder.take_one().assert_unset();
}

#[tokio::test]
async fn a_poll_that_fails_has_failed() {
    let (recorder, cluster, queue) = set_up();
    let settings = [("auto.offset.reset", "error")];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("gone", 0)], &settings);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("gone", 0, Offset::Offset(1000))
        .unwrap();
    consumer.assign(&list).unwrap();
    let failed = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
    assert!(failed.is_err());
    let poll = recorder.take_one();
    assert_eq!(poll.name(), "poll");
    poll.assert_failed("AUTO_OFFSET_RESET");
}

/// Polls until a message comes, and counts the errors before it.
async fn errors_until_a_message(consumer: &TracedConsumer) -> usize {
    let mut errors = 0;
    while tokio::time::timeout(LONG, consumer.recv())
        .await
        .unwrap()
        .is_err()
    {
        errors += 1;
    }
    errors
}

/// Polls until so many errors were reported.
async fn wait_for_errors(consumer: &TracedConsumer, count: usize) {
    for _ in 0..count {
        let failed = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
        assert!(failed.is_err());
    }
}

#[tokio::test]
async fn an_outage_is_one_failed_poll_however_often_it_is_reported() {
    let (recorder, cluster, queue) = set_up();
    let settings = [
        ("reconnect.backoff.ms", "10"),
        ("reconnect.backoff.max.ms", "20"),
    ];
    let producer = cluster.producer(&queue.clone().receive_spans(false), &settings);
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("away", 0)], &settings);
    for _ in 0..2 {
        cluster.down();
        // That the connection is lost, and that no other broker is there.
        wait_for_errors(&consumer, 2).await;
        let poll = recorder.take_one();
        assert_eq!(poll.name(), "poll");
        assert!(poll.error_type().is_some());
        cluster.up();
        send(&producer, "away", "x").await;
        let _sent = recorder.take_one();
        let _more = errors_until_a_message(&consumer).await;
        // What is reported before the message comes is the same outage still.
        recorder.take_one().assert_unset();
    }
}

#[tokio::test]
async fn an_error_that_ends_a_batch_is_a_failed_poll_beside_that_of_its_messages() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "cut");
    send(&producer, "cut", "x").await;
    let sent = recorder.take_one();
    let mut batches = consumer.batches(2, LONG);
    while !format!("{batches:?}").contains("waiting: 1") {
        let asked = tokio::time::timeout(Duration::from_millis(50), batches.recv()).await;
        assert!(asked.is_err(), "{asked:?}");
    }
    cluster.down();
    let batch = tokio::time::timeout(LONG, batches.recv()).await.unwrap();
    let batch = batch.unwrap();
    assert_eq!(batch.len(), 1);
    assert!(batch.error().is_some());
    let [poll, failed] = recorder.take().try_into().unwrap();
    assert!(is_linked(&poll, &sent));
    poll.assert_unset();
    assert_eq!(failed.name(), "poll");
    assert!(failed.error_type().is_some());
    // It is the same outage still.
    wait_for_errors(&consumer, 1).await;
    recorder.assert_nothing();
}

#[tokio::test]
async fn messages_that_wait_in_the_client_have_no_span() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "waiting");
    for payload in ["1", "2", "3"] {
        send(&producer, "waiting", payload).await;
    }
    let _sent = recorder.take();
    drop(recv(&consumer).await);
    // All three are in the client's memory by now, or will be soon.
    assert_eq!(recorder.take_one().int("kafka.offset"), 0);
    drop(consumer);
}

#[tokio::test]
async fn split_partitions_are_traced_like_the_whole() {
    let (recorder, cluster, queue) = set_up();
    let partitions = [("split", 0), ("split", 1)];
    let consumer: TracedConsumer<StreamConsumer> = cluster.assigned(&queue, &partitions, &[]);
    let one = consumer.split_partition_queue("split", 1).unwrap();
    send_to(&cluster, &queue, "split", 1).await;
    let sent = recorder.take_one();
    let message = tokio::select! {
        // The consumer itself must be polled too.
        message = recv(&consumer) => panic!("{message:?}"),
        message = one.recv() => message.unwrap(),
    };
    assert_eq!(message.partition(), 1);
    let poll = recorder.take_one();
    assert!(is_linked(&poll, &sent));
    assert_eq!(poll.str("messaging.destination.partition.id"), "1");
    send_to(&cluster, &queue, "split", 0).await;
    send_to(&cluster, &queue, "split", 1).await;
    let _sent = recorder.take();
    assert_eq!(recv(&consumer).await.partition(), 0);
    let batch = one.batches(1, LONG).recv().await.unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(recorder.take().len(), 2);
}

#[test]
fn split_partitions_of_a_consumer_that_blocks_are_traced_too() {
    let (recorder, cluster, queue) = set_up();
    let partitions = [("split", 0), ("split", 1)];
    let consumer: TracedConsumer<BaseConsumer> = cluster.assigned(&queue, &partitions, &[]);
    let mut zero = consumer.split_partition_queue("split", 0).unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    // What is only the inner queue's is within reach.
    zero.set_nonempty_callback(move || told.send(()).unwrap_or_default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(send_to(&cluster, &queue, "split", 0));
    let sent = recorder.take_one();
    while tells.try_recv().is_err() {
        assert!(consumer.poll(Duration::from_millis(10)).is_none());
    }
    let message = zero.poll(LONG).unwrap().unwrap();
    message.start_process().end();
    let spans = recorder.take();
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|span| is_linked(span, &sent)));
    runtime.block_on(send_to(&cluster, &queue, "split", 0));
    let _sent = recorder.take();
    assert_eq!(zero.poll_batch(1, LONG).unwrap().len(), 1);
    assert_eq!(recorder.take_one().name(), "poll split");
}

#[tokio::test]
async fn a_batch_that_is_not_awaited_to_its_end_loses_nothing() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "patient");
    let mut batches = consumer.batches(3, LONG);
    for payload in ["1", "2"] {
        send(&producer, "patient", payload).await;
        let _sent = recorder.take_one();
        // Asks for the batch, and gives up.
        let asked = tokio::time::timeout(Duration::from_millis(300), batches.recv()).await;
        assert!(asked.is_err(), "there are not three yet");
        recorder.assert_nothing();
    }
    send(&producer, "patient", "3").await;
    let _sent = recorder.take_one();
    let batch = batches.recv().await.unwrap();
    let offsets: Vec<_> = batch.iter().map(|message| message.offset()).collect();
    assert_eq!(offsets, [0, 1, 2]);
    assert_eq!(recorder.take_one().links().len(), 3);
}

#[tokio::test]
async fn a_batch_ends_in_time_though_more_messages_are_there() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let sending = (0..1000).map(|_| producer.send(record("busy", "x"), LONG));
    futures_util::future::join_all(sending).await;
    assert_eq!(recorder.take().len(), 1000);
    let at_once = Duration::ZERO;

    let streaming = cluster.consumer(&queue, "busy");
    let blocking = cluster.base_consumer(&queue, "busy");
    let (mut streamed, mut polled) = (0, 0);
    while streamed < 1000 || polled < 1000 {
        let batch = streaming.recv_batch(usize::MAX, at_once).await.unwrap();
        assert!(batch.len() < 500, "{}", batch.len());
        streamed += batch.len();
        let batch = blocking.poll_batch(usize::MAX, at_once).unwrap();
        assert!(batch.len() < 500, "{}", batch.len());
        polled += batch.len();
    }
    // Where there is time they are all of one batch.
    let consumer = cluster.consumer(&queue, "busy");
    let batch = consumer.recv_batch(1000, LONG).await.unwrap();
    assert_eq!(batch.len(), 1000);
}

#[tokio::test]
async fn a_batch_of_several_topics_says_of_each_link_where_it_was() {
    let (recorder, cluster, queue) = set_up();
    let topics = [("left", 0), ("right", 0)];
    let consumer: TracedConsumer = cluster.assigned(&queue, &topics, &[]);
    send_to(&cluster, &queue, "left", 0).await;
    send_to(&cluster, &queue, "right", 0).await;
    let _sent = recorder.take();
    let batch = consumer.recv_batch(2, LONG).await.unwrap();
    batch.process(async |_| {}).await;
    for (span, name) in recorder.take().iter().zip(["poll", "process"]) {
        assert_eq!(span.name(), name);
        span.assert_absent("messaging.destination.name");
        span.assert_absent("messaging.destination.partition.id");
        for link in span.links() {
            let partition = link.attributes.get("messaging.destination.partition.id");
            assert_eq!(partition, Some(ValueRef::Str("0")));
            assert_eq!(link.attributes.get("kafka.offset"), Some(ValueRef::I64(0)));
        }
        let topic = |link: &Link| {
            let name = link.attributes.get("messaging.destination.name");
            name.and_then(|name| name.as_str().map(str::to_owned))
        };
        let mut topics: Vec<_> = span.links().iter().filter_map(topic).collect();
        topics.sort();
        assert_eq!(topics, ["left", "right"]);
    }
    // Of one topic, the span says it.
    send_to(&cluster, &queue, "left", 0).await;
    let _sent = recorder.take();
    let _batch = consumer.recv_batch(1, LONG).await.unwrap();
    let poll = recorder.take_one();
    assert_eq!(poll.str("messaging.destination.name"), "left");
    let name = poll.links()[0].attributes.get("messaging.destination.name");
    assert_eq!(name, None);
}

#[tokio::test]
async fn a_batch_over_the_limit_drops_links_and_counts_them() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue.clone().receive_spans(false), "many");
    let sending = (0..200).map(|_| producer.send(record("many", "x"), LONG));
    futures_util::future::join_all(sending).await;
    assert_eq!(recorder.take().len(), 200);
    let batch = consumer.recv_batch(200, LONG).await.unwrap();
    assert_eq!(batch.len(), 200);
    batch.process(async |_| {}).await;
    let span = recorder.take_one();
    assert_eq!(span.int("messaging.batch.message_count"), 200);
    assert_eq!(span.links().len(), 128);
    assert_eq!(span.dropped_links(), 72);
}

#[tokio::test]
async fn a_commit_is_a_child_of_the_process_span_also_when_that_has_ended() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "after");
    for payload in ["1", "2", "3"] {
        send(&producer, "after", payload).await;
    }
    let _sent = recorder.take();

    let message = recv(&consumer).await;
    message.process(async |_| {}).await;
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    let process = recorder.take_named("process after");
    let commit = recorder.take_one();
    assert!(commit.is_child_of(&process));
    assert_eq!(commit.int("kafka.offset"), 0);

    // Detached: processed and committed when the consumer has its memory back.
    let owned = recv(&consumer).await.detach();
    owned.process(async |_| {}).await;
    consumer.commit_message(&owned, CommitMode::Sync).unwrap();
    let process = recorder.take_named("process after");
    assert!(recorder.take_one().is_child_of(&process));
    let committed = consumer.committed(LONG).unwrap();
    let next = committed.find_partition("after", 0).unwrap().offset();
    assert_eq!(next, Offset::Offset(2));

    let batch = consumer.recv_batch(1, LONG).await.unwrap();
    batch.process(async |_| {}).await;
    let last = batch.last().unwrap();
    consumer.commit_message(last, CommitMode::Async).unwrap();
    let process = recorder.take_named("process after");
    assert!(recorder.take_one().is_child_of(&process));
}

#[tokio::test]
async fn what_settles_a_message_that_is_not_recorded_is_not_recorded_either() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let unsampled = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    let producer = cluster.producer(&QueueTracer::new(unsampled), &[]);
    for payload in ["1", "2"] {
        send(&producer, "quiet", payload).await;
    }
    // A commit by itself would begin a trace, which is sampled.
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let consumer = cluster.consumer(&queue, "quiet");
    let message = recv(&consumer).await;
    message.process(async |_| {}).await;
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    let owned = recv(&consumer).await.detach();
    owned.process(async |_| {}).await;
    consumer.commit_message(&owned, CommitMode::Sync).unwrap();
    recorder.assert_nothing();

    // Whoever is active has no part in it either.
    let flush = recorder.tracer("shop").span("flush").start();
    flush
        .in_scope(|| consumer.commit_message(&owned, CommitMode::Sync))
        .unwrap();
    flush.end();
    assert_eq!(recorder.take_one().name(), "flush");
}

#[tokio::test]
async fn offsets_are_stored_and_committed_in_spans_of_what_they_name() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let settings = [("enable.auto.offset.store", "false")];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("kept", 0)], &settings);
    let producer = cluster.producer(&queue, &[]);
    send(&producer, "kept", "1").await;
    let _sent = recorder.take_one();
    let message = recv(&consumer).await;
    let flush = recorder.tracer("shop").span("flush").start();
    let scope = flush.context().attach();
    consumer.store_offset_from_message(&message).unwrap();
    consumer
        .store_offset_from_message(&message.detach())
        .unwrap();
    consumer.store_offset("kept", 0, 0).unwrap();
    for stored in recorder.take() {
        assert_eq!(stored.name(), "store kept");
        assert_eq!(stored.kind(), SpanKind::Client);
        assert_eq!(stored.int("kafka.offset"), 0);
        assert_eq!(stored.str("messaging.operation.type"), "settle");
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("kept", 0, Offset::Offset(1))
        .unwrap();
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    assert_eq!(recorder.take_one().name(), "commit");
    consumer.store_offsets(&list).unwrap();
    consumer.commit(&list, CommitMode::Sync).unwrap();
    let [stored, committed] = recorder.take().try_into().unwrap();
    assert_eq!(
        (stored.name(), committed.name()),
        ("store kept", "commit kept")
    );
    assert_eq!(committed.str("messaging.destination.partition.id"), "0");
    // Several topics have no name together.
    list.add_partition_offset("others", 0, Offset::Offset(1))
        .unwrap();
    let _unknown = consumer.store_offsets(&list);
    assert_eq!(recorder.take_one().name(), "store");
    drop(scope);
    flush.end();
    let _flush = recorder.take_one();
}

#[tokio::test]
async fn automatic_commits_have_no_span() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let settings = [
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "20"),
    ];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("auto", 0)], &settings);
    let producer = cluster.producer(&queue, &[]);
    send(&producer, "auto", "1").await;
    let _sent = recorder.take_one();
    recv(&consumer).await.process(async |_| {}).await;
    let _process = recorder.take_one();
    // The position is stored before the message is processed: the client's default.
    let committed = async {
        loop {
            let _nobody = tokio::time::timeout(Duration::from_millis(20), consumer.recv()).await;
            let committed = consumer.committed(LONG).unwrap();
            if committed.find_partition("auto", 0).unwrap().offset() == Offset::Offset(1) {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, committed).await.unwrap();
    drop(consumer);
    recorder.assert_nothing();
}

#[tokio::test]
async fn time_in_queue_and_lag_are_told_where_they_are_known() {
    let (recorder, cluster, queue) = set_up();
    let context = TracedConsumerContext::new(queue.clone());
    let lag = context.lag();
    let settings = [("statistics.interval.ms", "20")];
    let consumer: TracedConsumer<StreamConsumer<_>> =
        cluster.assigned_with(context, &queue, &[("slow", 0)], &settings);
    let consumer = consumer.lag(lag.clone());
    let producer = cluster.producer(&queue, &[]);
    let now = i64::try_from(queue.tracer().now().as_unix_nanos() / 1_000_000).unwrap();
    for age in [1_000, 2_000, -5_000] {
        let record = record("slow", "x").timestamp(now - age);
        producer.send(record, LONG).await.unwrap();
    }
    let _sent = recorder.take();
    let first = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
    wait_for(&lag, &consumer).await;
    first.unwrap().process(async |_| {}).await;
    let process = recorder.take_named("process slow");
    assert_eq!(process.int("ctx.message.queue_time"), 1_000);
    assert_eq!(process.int("ctx.message.lag"), 2);
    assert_eq!(recorder.take_one().int("ctx.message.queue_time"), 1_000);
    let batch = consumer.recv_batch(2, LONG).await.unwrap();
    batch.start_process().end();
    let process = recorder.take_named("process slow");
    let said = |link: usize, key| process.links()[link].attributes.get(key);
    assert_eq!(said(0, "ctx.message.lag"), Some(ValueRef::I64(1)));
    assert_eq!(said(1, "ctx.message.lag"), Some(ValueRef::I64(0)));
    let time = said(0, "ctx.message.queue_time");
    assert_eq!(time, Some(ValueRef::I64(2_000)));
    // The clock of who sent it is fast.
    assert_eq!(said(1, "ctx.message.queue_time"), None);
    let _poll = recorder.take_one();
}

/// Polls without getting anything until statistics have come.
async fn wait_for(lag: &Lag, consumer: &TracedConsumer<StreamConsumer<TracedConsumerContext>>) {
    let paused = consumer.assignment().unwrap();
    consumer.pause(&paused).unwrap();
    let known = async {
        while lag.behind("slow", 0, 0) != Some(2) {
            let none = tokio::time::timeout(Duration::from_millis(20), consumer.recv()).await;
            assert!(none.is_err(), "it is paused");
        }
    };
    tokio::time::timeout(LONG, known).await.unwrap();
    consumer.resume(&paused).unwrap();
}

#[tokio::test]
async fn a_key_is_recorded_on_request_where_it_is_text() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false).keys(true).body_sizes(true);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "keys");
    let keys: [Option<&[u8]>; 4] = [None, Some(b"customer-7"), Some(b""), Some(&[0xff])];
    for (key, said) in keys
        .into_iter()
        .zip([None, Some("customer-7"), Some(""), None])
    {
        let mut record = FutureRecord::<[u8], str>::to("keys")
            .payload("a book")
            .partition(0);
        record.key = key;
        producer.send(record, LONG).await.unwrap();
        recv(&consumer).await.start_process().end();
        for span in recorder.take() {
            let recorded = span.attr("kafka.message.key");
            assert_eq!(recorded, said.map(ValueRef::Str), "{span:?}");
            assert_eq!(span.int("messaging.message.body.size"), 6);
        }
    }
}

#[tokio::test]
async fn a_consumer_is_shared_between_tasks() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let consumer = cluster.consumer(&queue, "shared");
    let producer = cluster.producer(&queue, &[]);
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let consumer = consumer.clone();
        tasks.push(tokio::spawn(async move {
            let mut stream = consumer.stream();
            let message = stream.next().await.unwrap().unwrap();
            message
                .process(async |_| tokio::task::yield_now().await)
                .await;
            message.offset()
        }));
    }
    for payload in ["1", "2", "3", "4"] {
        send(&producer, "shared", payload).await;
    }
    let mut offsets = Vec::new();
    for task in tasks {
        offsets.push(tokio::time::timeout(LONG, task).await.unwrap().unwrap());
    }
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 1, 2, 3]);
    assert_eq!(recorder.take().len(), 8);
}

#[tokio::test]
async fn messages_that_are_processed_at_once_keep_their_contexts() {
    let (recorder, cluster, queue) = set_up();
    let queue = queue.receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "at-once");
    for payload in ["1", "2", "3"] {
        send(&producer, "at-once", payload).await;
    }
    let sent = recorder.take();
    let batch = consumer.recv_batch(3, LONG).await.unwrap();
    let work = batch.iter().map(|message| {
        message.process(async |message| {
            for _ in 0..5 {
                let current = SpanRef::current();
                let current = current.span_context().unwrap();
                let cause = message.origin().cause().unwrap();
                assert_eq!(current.trace_id(), cause.trace_id());
                tokio::task::yield_now().await;
            }
        })
    });
    futures_util::future::join_all(work).await;
    assert!(SpanRef::current().span_context().is_none());
    for (process, sent) in recorder.take().iter().zip(&sent) {
        assert!(process.is_child_of(sent));
    }
}
