//! Messages, sent and handled by the real clients with brokers in this process.
//!
//! The clients have threads of their own, which hand messages to the broker and bring its answers. Measured is the thread that sends and handles
//! them, and not where it waits for the others.

use queue_trace::QueueTracer;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};
use tracing_core_ctx::{Context, TraceState};

use crate::client::{ALL, Above, handler};
use crate::ours::{self, Way};
use crate::request::{SAMPLED, UNSAMPLED};
use crate::subject::{Entry, Traced};
use crate::work::{BATCH, Size};
use crate::{Case, Delivery, Error, Work};

pub(crate) mod amqp;
pub(crate) mod awaited;
pub(crate) mod kafka;

/// The body of every message: 1 KiB.
pub(crate) const BODY: &[u8] = &[b'x'; 1024];

/// The key of every message, the topic and the queue.
pub(crate) const KEY: &str = "customer-7";
pub(crate) const PLACE: &str = "orders";

const KAFKA_SEND: &str = "kafka send";

const OURS: &[&str] = &["queue_trace", "tracing_core_ctx"];
const WITH_PIPELINE: &[&str] = &["queue_trace", "tracing_core_ctx", "trace_pipeline"];

type Bare = (&'static str, fn(Above) -> Box<dyn Work>);

const fn ours(bare: Bare, traced: fn(Above) -> Result<Traced, Error>) -> Entry<Above> {
    Entry {
        name: "queue-trace",
        packages: OURS,
        bare,
        traced,
        cases: ALL,
    }
}

const fn with_pipeline(bare: Bare, traced: fn(Above) -> Result<Traced, Error>) -> Entry<Above> {
    Entry {
        name: "queue-trace, OTLP bytes",
        packages: WITH_PIPELINE,
        ..ours(bare, traced)
    }
}

/// The context has a `tracestate` too, which is one header more.
const fn with_state(bare: Bare, traced: fn(Above) -> Result<Traced, Error>) -> Entry<Above> {
    Entry {
        name: "queue-trace, tracestate",
        ..ours(bare, traced)
    }
}

/// What it costs to carry a context at all: `what` is done with one header, and nothing else.
const fn by_hand(
    what: &'static str,
    bare: Bare,
    traced: fn(Above) -> Result<Traced, Error>,
) -> Entry<Above> {
    Entry {
        name: what,
        packages: &[],
        bare,
        traced,
        cases: &[Above::Unsampled],
    }
}

const LOOKED_UP: &str = "no tracing, one header looked up";
const WRITTEN: &str = "no tracing, one header written";

const KAFKA_PRODUCER: Bare = ("FutureProducer", |_| kafka::bare_producer());
const KAFKA_CONSUMER: Bare = ("StreamConsumer", |above| {
    kafka::bare_consumer(parent(above), false)
});
const KAFKA_SETTLING: Bare = ("StreamConsumer, settling", |above| {
    kafka::bare_consumer(parent(above), true)
});
const AMQP_PRODUCER: Bare = ("Channel", |_| amqp::bare_producer());
const AMQP_CONSUMER: Bare = ("Consumer", |above| amqp::bare_consumer(parent(above)));

const KAFKA_PRODUCERS: &[Entry<Above>] = &[
    ours(KAFKA_PRODUCER, |above| {
        sent(without_state(above), Way::Sink, kafka::producer)
    }),
    with_pipeline(KAFKA_PRODUCER, |above| {
        sent(without_state(above), Way::Pipeline, kafka::producer)
    }),
    with_state(KAFKA_PRODUCER, |above| {
        sent(handler(above), Way::Sink, kafka::producer)
    }),
    by_hand(WRITTEN, KAFKA_PRODUCER, |above| {
        Ok(Traced::new(kafka::producer_by_hand(parent(above)), Nowhere))
    }),
];

/// As far as the work: without the span of the pull.
const KAFKA_CONSUMERS: &[Entry<Above>] = &[
    ours(KAFKA_CONSUMER, |above| {
        consumed(above, Way::Sink, kafka_process)
    }),
    with_pipeline(KAFKA_CONSUMER, |above| {
        consumed(above, Way::Pipeline, kafka_process)
    }),
    by_hand(LOOKED_UP, KAFKA_CONSUMER, |above| {
        Ok(Traced::new(kafka::by_hand(parent(above), false), Nowhere))
    }),
];

const KAFKA_SETTLERS: &[Entry<Above>] = &[
    ours(KAFKA_SETTLING, |above| {
        consumed(above, Way::Sink, kafka_settle)
    }),
    with_pipeline(KAFKA_SETTLING, |above| {
        consumed(above, Way::Pipeline, kafka_settle)
    }),
    by_hand(LOOKED_UP, KAFKA_SETTLING, |above| {
        Ok(Traced::new(kafka::by_hand(parent(above), true), Nowhere))
    }),
];

const AMQP_PRODUCERS: &[Entry<Above>] = &[
    ours(AMQP_PRODUCER, |above| {
        sent(without_state(above), Way::Sink, amqp::producer)
    }),
    with_pipeline(AMQP_PRODUCER, |above| {
        sent(without_state(above), Way::Pipeline, amqp::producer)
    }),
    with_state(AMQP_PRODUCER, |above| {
        sent(handler(above), Way::Sink, amqp::producer)
    }),
    by_hand(WRITTEN, AMQP_PRODUCER, |above| {
        Ok(Traced::new(amqp::producer_by_hand(parent(above)), Nowhere))
    }),
];

const AMQP_CONSUMERS: &[Entry<Above>] = &[
    ours(AMQP_CONSUMER, |above| {
        consumed(above, Way::Sink, amqp::consumer)
    }),
    with_pipeline(AMQP_CONSUMER, |above| {
        consumed(above, Way::Pipeline, amqp::consumer)
    }),
];

pub(crate) fn cases() -> Vec<Case> {
    let groups: [(&'static str, usize, &[Entry<Above>]); 5] = [
        (KAFKA_SEND, 1, KAFKA_PRODUCERS),
        ("kafka process", 1, KAFKA_CONSUMERS),
        ("kafka receive, process, settle", 3, KAFKA_SETTLERS),
        ("amqp send", 1, AMQP_PRODUCERS),
        ("amqp process, settle", 2, AMQP_CONSUMERS),
    ];
    let cases = groups.into_iter().flat_map(|(group, spans, subjects)| {
        let size = Size {
            units: BATCH,
            spans: spans * BATCH,
            batches: 16 / spans,
            waits: true,
            // librdkafka frees a record when it is delivered.
            gives_away: group == KAFKA_SEND,
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

/// The context in which messages are sent: most have no `tracestate`.
fn without_state(above: Above) -> Context {
    let handler = handler(above);
    match handler.span_context().cloned() {
        Some(span) => Context::new().with_remote_span(span.with_trace_state(TraceState::EMPTY)),
        None => handler,
    }
}

fn kafka_process(queue: QueueTracer, parent: &'static str) -> Box<dyn Work> {
    kafka::consumer(queue.receive_spans(false), parent, false)
}

fn kafka_settle(queue: QueueTracer, parent: &'static str) -> Box<dyn Work> {
    kafka::consumer(queue, parent, true)
}

fn sent(
    around: Context,
    way: Way,
    producer: fn(QueueTracer, Context) -> Box<dyn Work>,
) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    Ok(Traced {
        work: producer(QueueTracer::new(tracer), around),
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

struct Nowhere;

impl Delivery for Nowhere {
    fn flush(&self) {}

    fn delivered(&self) -> u64 {
        0
    }
}
