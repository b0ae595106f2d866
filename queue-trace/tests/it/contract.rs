//! The contract suite of `trace-testkit`: passed by the model alone, and by the instrumentation of each client.

mod amqp;
mod kafka;
mod model;

use queue_trace::{Existing, QueueTracer, Relation, Trust};
use trace_testkit::messaging::Wish;
use tracing_core_ctx::Tracer;

fn tracer(tracer: Tracer, wish: Option<Wish>) -> QueueTracer {
    let queue = QueueTracer::new(tracer);
    match wish {
        None => queue,
        Some(Wish::ChildOnly) => queue.relation(Relation::ChildOnly),
        Some(Wish::LinkOnly) => queue.relation(Relation::LinkOnly),
        Some(Wish::OwnSampling) => queue.trust(Trust::ContinueWithoutSampling),
        Some(Wish::ReplaceContexts) => queue.existing(Existing::Replace),
        Some(Wish::Strangers) => queue.trust(Trust::NewRootWithLink),
        Some(other) => panic!("{other:?} is not known here"),
    }
}
