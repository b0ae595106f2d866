//! Spans that do not record carry the context in which they were made, wherever they are entered.

use tracing::{Dispatch, info_span};
use tracing_core_ctx::sampler::{AlwaysOff, ParentBased};
use tracing_core_ctx::{Context, SpanRecord, SpanSink, Tracer};

use crate::support::dispatch;

#[derive(Debug, PartialEq)]
struct Request(u32);

/// Nothing is recorded, so nothing comes.
#[derive(Debug)]
pub(crate) struct Nobody;

impl SpanSink for Nobody {
    fn submit(&self, span: SpanRecord) {
        unreachable!("{span:?}");
    }
}

fn current() -> Option<u32> {
    Context::current()
        .value::<Request>()
        .map(|request| request.0)
}

/// The context of a request that is not sampled.
fn request(number: u32) -> Context {
    let tracer = tracer();
    let span = tracer.span("request").parent(&Context::new()).start();
    assert!(!span.is_recording() && span.span_context().is_some());
    Context::new().with_span(&span).with_value(Request(number))
}

fn tracer() -> Tracer {
    Tracer::builder()
        .sink(Nobody)
        .sampler(ParentBased::new(AlwaysOff))
        .build()
}

fn with_layer<R>(work: impl FnOnce() -> R) -> R {
    let dispatch = dispatch(trace_bridge::TracingLayer::new(tracer()));
    tracing::dispatcher::with_default(&dispatch, work)
}

#[test]
fn where_it_was_made_nothing_changes() {
    with_layer(|| {
        request(1).scope(|| {
            let job = info_span!("job");
            let identity = Context::current().identity();
            job.in_scope(|| assert!(identity.is_current()));
            job.in_scope(|| assert!(identity.is_current()));
            assert!(identity.is_current());
        });
    });
}

#[test]
fn in_another_context_its_own_is_current() {
    with_layer(|| {
        let job = request(1).scope(|| info_span!("job"));
        assert_eq!(current(), None);
        job.in_scope(|| assert_eq!(current(), Some(1)));
        request(2).scope(|| {
            job.in_scope(|| assert_eq!(current(), Some(1)));
            assert_eq!(current(), Some(2));
        });
        assert_eq!(current(), None);
    });
}

#[test]
fn entered_twice_with_another_context_in_between_it_is_left_twice() {
    with_layer(|| {
        let one = request(1);
        let job = one.scope(|| info_span!("job"));
        request(2).scope(|| {
            job.in_scope(|| {
                assert_eq!(current(), Some(1));
                job.in_scope(|| assert_eq!(current(), Some(1)));
                // Leaving the inner one has not left the outer one.
                assert_eq!(current(), Some(1));
                request(3).scope(|| {
                    job.in_scope(|| assert_eq!(current(), Some(1)));
                    assert_eq!(current(), Some(3));
                });
                one.scope(|| job.in_scope(|| assert_eq!(current(), Some(1))));
                assert_eq!(current(), Some(1));
            });
            assert_eq!(current(), Some(2));
        });
    });
}

#[test]
fn entered_where_it_was_made_and_elsewhere_inside_each_exit_leaves_its_own_entry() {
    with_layer(|| {
        request(1).scope(|| {
            let job = info_span!("job");
            let outer = job.enter();
            request(2).scope(|| {
                job.in_scope(|| assert_eq!(current(), Some(1)));
                assert_eq!(current(), Some(2));
            });
            assert_eq!(current(), Some(1));
            drop(outer);
            assert_eq!(current(), Some(1));
        });
        assert_eq!(current(), None);
    });
}

#[test]
fn on_another_thread_its_context_is_current() {
    with_layer(|| {
        let job = request(1).scope(|| info_span!("job"));
        let thread = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&Dispatch::default(), || {
                let seen = request(2).scope(|| job.in_scope(current));
                drop(job);
                seen
            })
        });
        assert_eq!(thread.join().unwrap(), Some(1));
    });
}

#[test]
fn its_context_is_let_go_when_it_is_closed() {
    let held = std::sync::Arc::new(());
    with_layer(|| {
        for at_once in [1, 3, 1_000] {
            let one = request(1).with_value(std::sync::Arc::clone(&held));
            let jobs: Vec<_> = one.scope(|| (0..at_once).map(|_| info_span!("job")).collect());
            drop(one);
            assert_eq!(std::sync::Arc::strong_count(&held), 2);
            drop(jobs);
            assert_eq!(std::sync::Arc::strong_count(&held), 1);
        }
    });
}
