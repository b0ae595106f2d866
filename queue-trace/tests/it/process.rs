//! Services that handle messages, of any broker.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use queue_trace::process::{ProcessMessage, ProcessTrace, ProcessTraceLayer};
use queue_trace::{ByteHeaders, Destination, Operation, QueueTracer};
use tower::layer::Layer as _;
use tower::{BoxError, Service, ServiceExt as _, service_fn};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::propagation::Inject as _;
use tracing_core_ctx::{ActiveSpan, Span, SpanKind, SpanRef};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A message of no broker.
#[derive(Default)]
struct Letter(ByteHeaders);

impl ProcessMessage for Letter {
    fn begin(&mut self, queue: &QueueTracer) -> ActiveSpan {
        let operation = Operation::process("post", "process", Destination::named("letters"));
        queue.start_process(&operation, &queue.extract(&self.0))
    }
}

struct Stage {
    recorder: SpanRecorder,
    layer: ProcessTraceLayer,
}

impl Stage {
    fn new() -> Self {
        let recorder = SpanRecorder::new();
        let layer = ProcessTraceLayer::new(QueueTracer::new(recorder.tracer("post")));
        Self { recorder, layer }
    }

    fn around<S>(&self, service: S) -> ProcessTrace<S> {
        self.layer.layer(service)
    }
}

fn assert_current(active: bool) {
    assert_eq!(SpanRef::current().is_recording(), active);
}

fn letter() -> Letter {
    let mut letter = Letter::default();
    letter.0.set("traceparent", PARENT);
    letter
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn the_service_works_in_the_span_of_the_message() {
    let stage = Stage::new();
    let service = stage.around(service_fn(|_: Letter| {
        assert_current(true);
        async {
            assert_current(true);
            tokio::task::yield_now().await;
            Span::child("read").end();
            Ok::<_, Infallible>("answer")
        }
    }));
    assert_eq!(service.oneshot(letter()).await, Ok("answer"));
    assert_current(false);
    let process = stage.recorder.take_named("process letters");
    assert_eq!(process.kind(), SpanKind::Consumer);
    assert_eq!(process.trace_id().to_string(), PARENT[3..35]);
    assert_eq!(process.links().len(), 1);
    process.assert_unset();
    process.assert_absent("ctx.outcome");
    assert!(stage.recorder.take_one().is_child_of(&process));
}

async fn failing<E: 'static>(error: impl Fn() -> E) -> RecordedSpan {
    let stage = Stage::new();
    let service = stage.around(service_fn(|_: Letter| ready(Err::<(), E>(error()))));
    assert!(service.oneshot(letter()).await.is_err());
    stage.recorder.take_one()
}

#[tokio::test]
async fn an_error_has_the_name_of_its_type() {
    failing(|| std::fmt::Error)
        .await
        .assert_failed("core::fmt::Error");
    failing(|| BoxError::from("no stamp"))
        .await
        .assert_failed("_OTHER");
}

#[tokio::test]
async fn what_the_work_has_said_of_its_error_stays() {
    let stage = Stage::new();
    let service = stage.around(service_fn(|_: Letter| async {
        SpanRef::current().fail("no-stamp", "");
        Err::<(), _>(BoxError::from("no stamp"))
    }));
    assert!(service.oneshot(letter()).await.is_err());
    stage.recorder.take_one().assert_failed("no-stamp");
}

#[tokio::test]
async fn work_that_is_dropped_is_cancelled_and_dropped_in_its_span() {
    struct Remains;
    impl Drop for Remains {
        fn drop(&mut self) {
            assert_current(true);
        }
    }
    let stage = Stage::new();
    for polled in [true, false] {
        let mut service = stage.around(service_fn(|_: Letter| {
            let remains = Remains;
            async move {
                let _remains = remains;
                pending::<Result<(), Infallible>>().await
            }
        }));
        let mut work = Box::pin(service.call(letter()));
        if polled {
            assert!(poll(work.as_mut()).is_pending());
        }
        drop(work);
        let span = stage.recorder.take_one();
        span.assert_unset();
        assert_eq!(span.str("ctx.outcome"), "cancelled");
    }
}

#[tokio::test]
async fn a_panic_has_failed_the_span_at_once() {
    let stage = Stage::new();
    let mut early = stage.around(service_fn(
        |_: Letter| -> std::future::Ready<Result<(), Infallible>> { panic!("in call") },
    ));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(early.call(letter())))).is_err());
    stage.recorder.take_one().assert_failed("panic");

    let mut late = stage.around(service_fn(|_: Letter| async {
        if SpanRef::current().is_recording() {
            panic!("in a poll");
        }
        Ok::<_, Infallible>(())
    }));
    let mut work = Box::pin(late.call(letter()));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(work.as_mut()))).is_err());
    stage.recorder.take_one().assert_failed("panic");
    assert_current(false);
    drop(work);
    stage.recorder.assert_nothing();
}

#[tokio::test]
async fn a_message_without_context_and_one_that_is_not_recorded_are_handled_alike() {
    let stage = Stage::new();
    let echo = service_fn(|_: Letter| ready(Ok::<_, Infallible>(())));
    stage.around(echo).oneshot(Letter::default()).await.unwrap();
    let span = stage.recorder.take_one();
    assert!(span.parent().is_none() && span.links().is_empty());

    let off = stage
        .recorder
        .tracer_builder("off")
        .sampler(tracing_core_ctx::sampler::AlwaysOff)
        .build();
    let layer = ProcessTraceLayer::new(QueueTracer::new(off));
    layer.layer(echo).oneshot(letter()).await.unwrap();
    stage.recorder.assert_nothing();
}

#[test]
fn readiness_is_passed_on() {
    struct Busy;
    impl Service<Letter> for Busy {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("busy"))
        }
        fn call(&mut self, _: Letter) -> Self::Future {
            ready(Ok(()))
        }
    }
    let stage = Stage::new();
    let mut service = stage.around(Busy);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(service.poll_ready(&mut context), Poll::Ready(Err("busy")));
    stage.recorder.assert_nothing();
}

#[tokio::test]
async fn a_message_of_kafka_is_handled_in_a_span_of_its_group() {
    use queue_trace::kafka::{TracedConsumer, TracedMessage, TracedProducer};
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{Consumer as _, StreamConsumer};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{FutureProducer, FutureRecord};

    let stage = Stage::new();
    let queue = QueueTracer::new(stage.recorder.tracer("shop"));
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    let producer: FutureProducer = config.create().unwrap();
    let producer = TracedProducer::new(producer, queue.clone());
    let record = FutureRecord::to("orders")
        .key("customer-7")
        .payload("a book");
    producer
        .send(record, std::time::Duration::from_secs(20))
        .await
        .unwrap();
    let sent = stage.recorder.take_one();

    config.set("group.id", "billing");
    let consumer: StreamConsumer = config.create().unwrap();
    let mut partitions = rdkafka::TopicPartitionList::new();
    partitions
        .add_partition_offset("orders", 0, rdkafka::Offset::Beginning)
        .unwrap();
    consumer.assign(&partitions).unwrap();
    let consumer = TracedConsumer::new(consumer, queue).group("billing");
    let message = consumer.recv().await.unwrap();
    let mut service = stage.around(service_fn(|message: TracedMessage<'_>| {
        drop(message);
        ready(Err::<(), _>("no stamp"))
    }));
    service.call(message).await.unwrap_err();
    let process = stage.recorder.take_named("process orders");
    assert_eq!(process.str("messaging.consumer.group.name"), "billing");
    process.assert_failed("&str");
    assert!(process.is_child_of(&sent));
    let _poll = stage.recorder.take();
}
