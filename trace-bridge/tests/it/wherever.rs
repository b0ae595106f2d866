//! Wherever spans that do not record are made, entered, left and closed, the current context is what it would be if each entry attached its own.

use std::thread;

use proptest::prelude::*;
use trace_bridge::TracingLayer;
use tracing::{Dispatch, Span, info_span};
use tracing_core_ctx::sampler::{AlwaysOff, ParentBased};
use tracing_core_ctx::{Context, TraceId, Tracer};

use crate::support::dispatch;
use crate::unrecorded::Nobody;

/// What a thread does, in this order.
#[derive(Clone, Debug)]
enum Step {
    /// The same on another thread.
    Elsewhere(Vec<Self>),
    /// In a span that was kept.
    InKept(usize, Vec<Self>),
    /// In the context of a request.
    InRequest(usize, Vec<Self>),
    /// In a new span.
    InSpan(Vec<Self>),
    /// Makes a span and keeps it.
    Keep,
    /// Makes a span and lets go of it.
    Make,
    /// Closes a span that was kept.
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        3 => Just(Step::Make),
        2 => Just(Step::Keep),
        1 => any::<usize>().prop_map(Step::Close),
    ];
    let step = leaf.prop_recursive(5, 64, 6, |inner| {
        let inner = prop::collection::vec(inner, 0..6);
        prop_oneof![
            4 => inner.clone().prop_map(Step::InSpan),
            3 => (any::<usize>(), inner.clone()).prop_map(|(which, inner)| Step::InKept(which, inner)),
            2 => (0..4usize, inner.clone()).prop_map(|(which, inner)| Step::InRequest(which, inner)),
            1 => inner.prop_map(Step::Elsewhere),
        ]
    });
    prop::collection::vec(step, 1..12)
}

/// A span, and the trace it was made in.
type Kept = Vec<(Span, Option<TraceId>)>;

struct World {
    dispatch: Dispatch,
    requests: Vec<Context>,
}

fn trace() -> Option<TraceId> {
    Context::current()
        .span_context()
        .map(|span| span.trace_id())
}

impl World {
    fn new() -> Self {
        let tracer = Tracer::builder()
            .sink(Nobody)
            .sampler(ParentBased::new(AlwaysOff))
            .build();
        let requests = (0..4)
            .map(|number| {
                let span = tracer.span("request").parent(&Context::new()).start();
                let context = Context::new().with_span(&span);
                // A request of which nothing may be kept.
                if number == 3 {
                    context.with_value(number)
                } else {
                    context
                }
            })
            .collect();
        Self {
            dispatch: dispatch(TracingLayer::new(tracer).roots(false)),
            requests,
        }
    }

    fn run(&self, steps: &[Step], kept: &mut Kept) {
        let here = trace();
        for step in steps {
            match step {
                Step::Elsewhere(inner) => thread::scope(|scope| {
                    let work = || {
                        tracing::dispatcher::with_default(&self.dispatch, || self.run(inner, kept));
                    };
                    scope.spawn(work).join().unwrap();
                }),
                Step::InKept(which, inner) if !kept.is_empty() => {
                    let (span, made) = kept[which % kept.len()].clone();
                    span.in_scope(|| {
                        assert_eq!(trace(), made.or(here));
                        self.run(inner, kept);
                        assert_eq!(trace(), made.or(here));
                    });
                }
                Step::InRequest(which, inner) => self.requests[*which].scope(|| {
                    assert_ne!(trace(), None);
                    self.run(inner, kept);
                }),
                Step::InSpan(inner) => info_span!("job").in_scope(|| {
                    assert_eq!(trace(), here);
                    self.run(inner, kept);
                    assert_eq!(trace(), here);
                }),
                Step::Keep => kept.push((info_span!("kept"), here)),
                Step::Make => drop(info_span!("made")),
                Step::Close(which) if !kept.is_empty() => {
                    drop(kept.swap_remove(which % kept.len()));
                }
                Step::InKept(..) | Step::Close(_) => {}
            }
            assert_eq!(trace(), here, "{step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn each_entry_has_the_context_in_which_its_span_was_made(steps in steps()) {
        let world = World::new();
        tracing::dispatcher::with_default(&world.dispatch, || {
            world.run(&steps, &mut Vec::new());
        });
    }
}
