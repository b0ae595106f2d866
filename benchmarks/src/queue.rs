//! Messages, sent and handled by the real clients with brokers in this process.
//!
//! The clients have threads of their own, which hand messages to the broker and bring its answers. Measured is the thread that sends and handles
//! them, and not where it waits for the others.

use queue_trace::QueueTracer;
use tracing_core_ctx::Context;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};

use crate::client::{ALL, Above, handler};
use crate::ours::{self, Way};
use crate::request::{SAMPLED, UNSAMPLED};
use crate::subject::{Entry, Traced};
use crate::work::{BATCH, Size};
use crate::{Case, Error, Work};

mod amqp;
mod awaited;
mod kafka;

/// The body of every message: 1 KiB.
pub(crate) const BODY: &[u8] = &[b'x'; 1024];

/// The key of every message, the topic and the queue.
pub(crate) const KEY: &str = "customer-7";
pub(crate) const PLACE: &str = "orders";

const OURS: &[&str] = &["queue_trace", "tracing_core_ctx"];
const WITH_PIPELINE: &[&str] = &["queue_trace", "tracing_core_ctx", "trace_pipeline"];

/// The subjects of one side of one client: with the sink, and with the pipeline.
const fn subjects(
    bare: (&'static str, fn(Above) -> Box<dyn Work>),
    sink: fn(Above) -> Result<Traced, Error>,
    pipeline: fn(Above) -> Result<Traced, Error>,
) -> [Entry<Above>; 2] {
    [
        Entry {
            name: "queue-trace",
            packages: OURS,
            bare,
            traced: sink,
            cases: ALL,
        },
        Entry {
            name: "queue-trace, OTLP bytes",
            packages: WITH_PIPELINE,
            bare,
            traced: pipeline,
            cases: ALL,
        },
    ]
}

const KAFKA_PRODUCERS: &[Entry<Above>] = &subjects(
    ("FutureProducer", |_| kafka::bare_producer()),
    |above| sent(above, Way::Sink, kafka::producer),
    |above| sent(above, Way::Pipeline, kafka::producer),
);

const KAFKA_CONSUMERS: &[Entry<Above>] = &subjects(
    ("StreamConsumer", |above| kafka::bare_consumer(parent(above))),
    |above| consumed(above, Way::Sink, kafka::consumer),
    |above| consumed(above, Way::Pipeline, kafka::consumer),
);

/// Without the span of the pull.
const KAFKA_NO_RECEIVE: &[Entry<Above>] = &[Entry {
    name: "queue-trace, no receive spans",
    packages: OURS,
    bare: ("StreamConsumer", |above| kafka::bare_consumer(parent(above))),
    traced: |above| {
        consumed(above, Way::Sink, |queue, parent| {
            kafka::consumer(queue.receive_spans(false), parent)
        })
    },
    cases: ALL,
}];

const AMQP_PRODUCERS: &[Entry<Above>] = &subjects(
    ("Channel", |_| amqp::bare_producer()),
    |above| sent(above, Way::Sink, amqp::producer),
    |above| sent(above, Way::Pipeline, amqp::producer),
);

const AMQP_CONSUMERS: &[Entry<Above>] = &subjects(
    ("Consumer", |above| amqp::bare_consumer(parent(above))),
    |above| consumed(above, Way::Sink, amqp::consumer),
    |above| consumed(above, Way::Pipeline, amqp::consumer),
);

pub(crate) fn cases() -> Vec<Case> {
    let groups: [(&'static str, usize, &[Entry<Above>]); 5] = [
        ("kafka producer", 1, KAFKA_PRODUCERS),
        ("kafka consumer", 3, KAFKA_CONSUMERS),
        ("kafka consumer, no receive spans", 2, KAFKA_NO_RECEIVE),
        ("amqp producer", 1, AMQP_PRODUCERS),
        ("amqp consumer", 2, AMQP_CONSUMERS),
    ];
    let cases = groups.into_iter().flat_map(|(group, spans, subjects)| {
        let size = Size {
            units: BATCH,
            spans: spans * BATCH,
            batches: 16 / spans,
        };
        [
            ("sampled", Above::Sampled, size),
            ("unsampled", Above::Unsampled, size.unrecorded()),
        ]
        .map(|(name, above, size)| Case::new(group, name, size, above, &[subjects]))
    });
    cases.collect()
}

/// The header of a message that is consumed.
const fn parent(above: Above) -> &'static str {
    match above {
        Above::Sampled => SAMPLED,
        Above::Unsampled => UNSAMPLED,
    }
}

fn sent(
    above: Above,
    way: Way,
    producer: fn(QueueTracer, Context) -> Box<dyn Work>,
) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    Ok(Traced {
        work: producer(QueueTracer::new(tracer), handler(above)),
        delivery,
        others: 0,
    })
}

fn consumed(
    above: Above,
    way: Way,
    consumer: fn(QueueTracer, &'static str) -> Box<dyn Work>,
) -> Result<Traced, Error> {
    // The span of a pull is nobody's child.
    let (tracer, delivery) = match above {
        Above::Sampled => ours::set_up(way, ParentBased::new(AlwaysOn))?,
        Above::Unsampled => ours::set_up(way, ParentBased::new(AlwaysOff))?,
    };
    Ok(Traced {
        work: consumer(QueueTracer::new(tracer), parent(above)),
        delivery,
        others: 0,
    })
}
