//! The contract suite of `trace-testkit`: passed by the model alone, and by the instrumentation of each client, on a broker in this process and on the one that is
//! named in the environment. Where none is, the second is as the first.

mod amqp;
mod kafka;
mod model;

use std::sync::atomic::{AtomicU32, Ordering};

use queue_trace::{Existing, QueueTracer, Relation, Trust};
use trace_testkit::messaging::Wish;
use tracing_core_ctx::Tracer;

/// A name of this fact and this run alone: some brokers have others' too.
fn own(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = Tracer::noop().now().as_unix_nanos();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{count}-{now}", std::process::id())
}

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
