//! Messages as strangers write them: what is in a message is not ours to choose.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use queue_trace::kafka::{KafkaHeaders, TracedConsumer, TracedMessage};
use queue_trace::{Existing, QueueTracer, Trust};
use rdkafka::Message as _;
use rdkafka::message::Headers as _;
use rdkafka::producer::{FutureRecord, Producer as _};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::sampler::{AlwaysOff, ParentBased};
use tracing_core_ctx::{SpanContext, SpanKind, TraceFlags};

use super::cluster::Cluster;
use super::{LONG, recv};

type Name<'a> = &'a [u8];
type Value<'a> = Option<&'a [u8]>;

const CONTEXT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const STALE: &[u8] = b"00-11111111111111111111111111111111-2222222222222222-01";

/// Sends one record to partition 0 of a topic that is there, without any client: names of headers may be any bytes.
fn produce(cluster: &Cluster, topic: &str, headers: &[(Name<'_>, Value<'_>)]) {
    cluster.create_topic(topic, 1);
    let batch = batch(headers);
    let mut request = Vec::new();
    // Produce, version 3; correlation id; no client id, no transaction; acknowledged by all, in 5 seconds.
    request.extend_from_slice(&[0, 0, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    request.extend_from_slice(&5000_i32.to_be_bytes());
    request.extend_from_slice(&1_i32.to_be_bytes());
    request.extend_from_slice(&i16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend_from_slice(topic.as_bytes());
    request.extend_from_slice(&1_i32.to_be_bytes());
    request.extend_from_slice(&0_i32.to_be_bytes());
    request.extend_from_slice(&length(&batch));
    request.extend_from_slice(&batch);

    let mut socket = TcpStream::connect(cluster.servers()).unwrap();
    socket.write_all(&length(&request)).unwrap();
    socket.write_all(&request).unwrap();
    let mut size = [0; 4];
    socket.read_exact(&mut size).unwrap();
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(size)).unwrap()];
    socket.read_exact(&mut answer).unwrap();
    // Correlation id, one topic, its name, one partition, its number.
    let error = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[error..error + 2], [0, 0], "refused: {answer:?}");
}

fn length(of: &[u8]) -> [u8; 4] {
    u32::try_from(of.len()).unwrap().to_be_bytes()
}

/// A record batch of version 2 with one record.
fn batch(headers: &[(Name<'_>, Value<'_>)]) -> Vec<u8> {
    // No attributes, no deltas, no key, a payload.
    let mut record = vec![0];
    varint(&mut record, 0);
    varint(&mut record, 0);
    varint(&mut record, -1);
    bytes(&mut record, Some(b"a book"));
    varint(&mut record, i64::try_from(headers.len()).unwrap());
    for (name, value) in headers {
        bytes(&mut record, Some(name));
        bytes(&mut record, *value);
    }
    // From the attributes on, of which the checksum is.
    let mut rest = vec![0, 0, 0, 0, 0, 0];
    rest.extend_from_slice(&0_i64.to_be_bytes());
    rest.extend_from_slice(&0_i64.to_be_bytes());
    // No producer id, epoch or sequence.
    rest.extend_from_slice(&[0xff; 14]);
    rest.extend_from_slice(&1_i32.to_be_bytes());
    varint(&mut rest, i64::try_from(record.len()).unwrap());
    rest.extend_from_slice(&record);

    let mut batch = 0_i64.to_be_bytes().to_vec();
    // What comes after the length: leader epoch, version, checksum, rest.
    let size = u32::try_from(4 + 1 + 4 + rest.len()).unwrap();
    batch.extend_from_slice(&size.to_be_bytes());
    batch.extend_from_slice(&[0, 0, 0, 0, 2]);
    batch.extend_from_slice(&crc32c(&rest).to_be_bytes());
    batch.extend_from_slice(&rest);
    batch
}

fn bytes(to: &mut Vec<u8>, value: Value<'_>) {
    let Some(value) = value else {
        return varint(to, -1);
    };
    varint(to, i64::try_from(value.len()).unwrap());
    to.extend_from_slice(value);
}

fn varint(to: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest > 0x7f {
        to.push(0x80 | u8::try_from(rest & 0x7f).unwrap());
        rest >>= 7;
    }
    to.push(u8::try_from(rest).unwrap());
}

fn crc32c(of: &[u8]) -> u32 {
    !of.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            0 => crc >> 1,
            _ => (crc >> 1) ^ 0x82f6_3b78,
        })
    })
}

/// A consumer of what strangers write, and what it records.
struct Reader {
    recorder: SpanRecorder,
    cluster: Cluster,
    consumer: TracedConsumer,
}

impl Reader {
    fn new() -> Self {
        Self::with(|queue| queue)
    }

    fn with(settings: impl FnOnce(QueueTracer) -> QueueTracer) -> Self {
        let recorder = SpanRecorder::new();
        let cluster = Cluster::new();
        let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
        let consumer = cluster.consumer(&settings(queue), "foreign");
        Self {
            recorder,
            cluster,
            consumer,
        }
    }

    async fn read(&self, headers: &[(Name<'_>, Value<'_>)]) -> TracedMessage<'_> {
        produce(&self.cluster, "foreign", headers);
        let message = recv(&self.consumer).await;
        assert_eq!(message.payload(), Some(&b"a book"[..]));
        message
    }

    /// The process span of a message with these headers.
    async fn process(&self, headers: &[(Name<'_>, Value<'_>)]) -> RecordedSpan {
        self.read(headers).await.start_process().end();
        self.recorder.take_one()
    }
}

fn context() -> SpanContext {
    SpanContext::new(
        "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap(),
        "00f067aa0ba902b7".parse().unwrap(),
        TraceFlags::SAMPLED,
    )
}

fn continues(span: &RecordedSpan) -> bool {
    span.parent() == Some(context().span_id())
        && span.trace_id() == context().trace_id()
        && span.links().len() == 1
}

#[tokio::test]
async fn a_header_name_that_is_not_utf8_does_not_kill_the_consumer() {
    let reader = Reader::new();
    let bad: (Name<'_>, Value<'_>) = (b"\xff\xfe", Some(b"x"));
    let good: (Name<'_>, Value<'_>) = (b"traceparent", Some(CONTEXT));
    for headers in [vec![bad, good], vec![good, bad], vec![bad, good, bad]] {
        assert!(continues(&reader.process(&headers).await), "{headers:?}");
    }
    assert_eq!(reader.process(&[bad]).await.parent(), None);
}

#[tokio::test]
async fn names_that_are_not_utf8_do_not_keep_a_consumer_busy() {
    let reader = Reader::new();
    let many = vec![(&b"\xff"[..], Some(&b"x"[..])); 50_000];
    let before = KafkaHeaders::unreadable();
    assert_eq!(reader.process(&many).await.parent(), None);
    let looks = KafkaHeaders::unreadable() - before;
    assert!(looks < 100, "{looks} panics");
}

#[tokio::test]
async fn of_two_contexts_the_last_counts() {
    let reader = Reader::new();
    let headers: [(Name<'_>, Value<'_>); 3] = [
        (b"traceparent", Some(STALE)),
        (b"tenant", Some(b"7")),
        (b"traceparent", Some(CONTEXT)),
    ];
    assert!(continues(&reader.process(&headers).await));
}

#[tokio::test]
async fn the_flags_of_the_second_level_are_understood() {
    let reader = Reader::new();
    let value = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
    let span = reader.process(&[(b"traceparent", Some(value))]).await;
    assert!(continues(&span));
    assert!(span.span_context().flags().is_random());
    assert!(span.span_context().is_sampled());
}

#[tokio::test]
async fn a_value_in_quotes_and_a_name_in_capitals_are_read() {
    let reader = Reader::new();
    let quoted = b"\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"";
    let headers: [&[(Name<'_>, Value<'_>)]; 2] = [
        &[(b"traceparent", Some(quoted))],
        &[(b"TraceParent", Some(CONTEXT))],
    ];
    for headers in headers {
        assert!(continues(&reader.process(headers).await), "{headers:?}");
    }
}

#[tokio::test]
async fn what_is_no_context_starts_a_new_trace() {
    let reader = Reader::new();
    let huge = vec![b'0'; 200_000];
    let huge_state = vec![b'a'; 200_000];
    let values: [Value<'_>; 9] = [
        None,
        Some(b""),
        Some(b"\""),
        Some(b"\xff\xfe\x00\x80"),
        Some(b"00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        Some(b"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01"),
        Some(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-"),
        // The binary form of another convention.
        Some(&[0, 0, 0x4b, 0xf9, 0x2f, 0x35, 1, 2, 3]),
        Some(&huge),
    ];
    for value in values {
        let span = reader.process(&[(b"traceparent", value)]).await;
        assert_eq!(span.parent(), None, "{value:?}");
        assert!(span.links().is_empty(), "{value:?}");
    }
    let headers: [(Name<'_>, Value<'_>); 3] = [
        (b"traceparent", Some(CONTEXT)),
        (b"tracestate", Some(&huge_state)),
        (b"baggage", Some(b"\xff=\xfe,=,;;;")),
    ];
    assert!(continues(&reader.process(&headers).await));
}

#[tokio::test]
async fn a_null_or_overlong_value_does_not_hide_the_context_before_it() {
    let reader = Reader::new();
    let huge = vec![b'0'; 200_000];
    for last in [None, Some(huge.as_slice())] {
        let headers: [(Name<'_>, Value<'_>); 2] =
            [(b"traceparent", Some(CONTEXT)), (b"traceparent", last)];
        assert!(continues(&reader.process(&headers).await));
    }
}

#[tokio::test]
async fn thousands_of_headers_are_looked_through() {
    let reader = Reader::new();
    let mut headers: Vec<(Name<'_>, Value<'_>)> = vec![(b"traceparent", Some(STALE)); 20_000];
    headers.push((b"traceparent", Some(CONTEXT)));
    assert!(continues(&reader.process(&headers).await));
}

#[tokio::test]
async fn a_forged_context_is_believed_as_far_as_one_says() {
    let headers: [(Name<'_>, Value<'_>); 2] = [
        (b"traceparent", Some(CONTEXT)),
        (b"baggage", Some(b"admin=true")),
    ];
    for trust in [
        Trust::Continue,
        Trust::ContinueWithoutSampling,
        Trust::NewRootWithLink,
        Trust::Ignore,
    ] {
        let reader = Reader::with(|queue| queue.trust(trust));
        let message = reader.read(&headers).await;
        let processing = message.start_process();
        let baggage = processing.context().baggage().len();
        processing.end();
        let span = reader.recorder.take_one();
        let continued = matches!(trust, Trust::Continue | Trust::ContinueWithoutSampling);
        assert_eq!(span.parent().is_some(), continued, "{trust:?}");
        assert_eq!(span.links().len(), usize::from(trust != Trust::Ignore));
        assert_eq!(baggage, usize::from(trust == Trust::Continue), "{trust:?}");
    }
}

#[tokio::test]
async fn a_forged_flag_does_not_force_recording() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let builder = recorder.tracer_builder("shop");
    let tracer = builder.sampler(ParentBased::new(AlwaysOff)).build();
    let queue = QueueTracer::new(tracer).trust(Trust::ContinueWithoutSampling);
    let consumer = cluster.consumer(&queue, "forged");
    produce(&cluster, "forged", &[(b"traceparent", Some(CONTEXT))]);
    recv(&consumer).await.start_process().end();
    recorder.assert_nothing();
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_kept_when_a_message_is_sent_on() {
    let reader = Reader::new();
    let headers: [(Name<'_>, Value<'_>); 3] = [
        (b"null", None),
        (b"\xff", Some(b"x")),
        (b"binary", Some(&[0, 0xff])),
    ];
    let message = reader.read(&headers).await;
    let record = message.forward_to("elsewhere");
    assert_eq!(record.headers.as_ref().unwrap().count(), 3);

    let readable = [headers[0], headers[2], (b"traceparent", Some(CONTEXT))];
    let message = reader.read(&readable).await;
    let record = message.forward_to("elsewhere");
    let kept = record.headers.as_ref().unwrap();
    let names: Vec<_> = kept.iter().map(|header| header.key).collect();
    assert_eq!(names, ["null", "binary", "ctx-first-traceparent"]);
    assert_eq!(kept.get(0).value, None);
    assert_eq!(kept.get(1).value, Some(&[0, 0xff][..]));
    assert_eq!(kept.get(2).value, Some(CONTEXT));
}

#[tokio::test]
async fn a_forged_context_beside_a_name_that_is_not_utf8_is_not_carried_on() {
    let forged: [(Name<'_>, Value<'_>); 4] = [
        (b"traceparent", Some(CONTEXT)),
        (b"baggage", Some(b"admin=true")),
        (b"ctx-first-traceparent", Some(STALE)),
        (b"tenant", Some(b"7")),
    ];
    for trust in [
        Trust::ContinueWithoutSampling,
        Trust::NewRootWithLink,
        Trust::Ignore,
    ] {
        let reader = Reader::with(|queue| queue.trust(trust));
        // One, or so many that nobody looks between them.
        for unreadable in [1, 20] {
            let bad: (Name<'_>, Value<'_>) = (b"\xff", Some(b"x"));
            let before = [vec![bad; unreadable], forged.to_vec()].concat();
            let headers = match unreadable {
                1 => before,
                _ => [before, vec![bad]].concat(),
            };
            let message = reader.read(&headers).await;
            let kept = message.headers_to_forward().unwrap();
            let names: Vec<_> = kept.iter().map(|header| header.key.to_owned()).collect();
            let expected: &[&str] = match (unreadable, trust) {
                (20, _) => &[],
                (_, Trust::Ignore) => &["tenant"],
                _ => &["ctx-first-traceparent", "tenant"],
            };
            assert_eq!(names, expected, "{trust:?}, {unreadable}");
        }
        assert!(KafkaHeaders::unreadable() > 20);
    }
}

#[tokio::test]
async fn a_context_that_cannot_be_replaced_is_respected_and_the_span_says_so() {
    let reader = Reader::with(|queue| queue.existing(Existing::Replace));
    let bad: (Name<'_>, Value<'_>) = (b"\xff", Some(b"x"));
    let message = reader.read(&[bad, (b"traceparent", Some(CONTEXT))]).await;
    let queue = QueueTracer::new(reader.recorder.tracer("shop")).existing(Existing::Replace);
    let producer = reader.cluster.producer(&queue, &[]);
    let mut record = FutureRecord::<str, [u8]>::to("elsewhere").payload(&b"a book"[..]);
    // As they are: without the context, the other would be lost.
    record.headers = message.headers().map(|headers| headers.detach());
    producer.send(record, LONG).await.unwrap();
    let sent = reader.recorder.take_one();
    assert_eq!(sent.kind(), SpanKind::Client);
    assert_eq!(sent.links()[0].span_context.span_id(), context().span_id());
}

#[tokio::test]
async fn a_record_with_a_name_that_is_not_utf8_comes_back_without_our_context() {
    let reader = Reader::new();
    let headers: [(Name<'_>, Value<'_>); 2] = [(b"\xff\xfe", Some(b"x")), (b"tenant", Some(b"7"))];
    let message = reader.read(&headers).await;
    let queue = QueueTracer::new(reader.recorder.tracer("shop"));
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "2000")];
    let producer = reader.cluster.producer(&queue, &settings);
    let first = producer.send_result(message.forward_to("full")).unwrap();
    let record = message.forward_to("full");
    let (_full, record) = producer.send_result(record).unwrap_err();
    let failed = reader.recorder.take_one();
    failed.assert_failed("QUEUE_FULL");
    assert_eq!(record.headers.as_ref().unwrap().count(), 2);

    // So the retry is no sending on of what was sent.
    producer.flush(LONG).unwrap();
    first.await.unwrap().unwrap();
    let _first = reader.recorder.take_one();
    let second = producer.send_result(record).unwrap();
    producer.flush(LONG).unwrap();
    second.await.unwrap().unwrap();
    let sent = reader.recorder.take_one();
    assert_eq!(sent.kind(), SpanKind::Producer);
    assert!(sent.links().is_empty());
}
