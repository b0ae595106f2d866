//! fastrace: what its peers are set up with, and its own spans.
//!
//! It has no sampler, no limits of attributes, no tracestate, and its attributes are strings. It reports after a second, or
//! when its ring is half full, to a reporter on a thread of its own.

use std::hint::black_box;

use ::fastrace::Span;
use ::fastrace::collector::{Config, Reporter, SpanContext, SpanId, SpanRecord, TraceId};
use ::fastrace::local::LocalSpan;

use crate::client::{Above, SPAN_ID, TRACE_ID};
use crate::delivery::Counter;
use crate::raw::{ALL, BARE, FEW, MANY, Shape, Turns};
use crate::subject::{Entry, Traced};
use crate::{Delivery, Error};

/// Counts spans and drops them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counting(Counter);

impl Reporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        self.0.add(spans.len());
    }
}

impl Delivery for Counting {
    fn flush(&self) {
        ::fastrace::flush();
    }

    fn delivered(&self) -> u64 {
        self.0.get()
    }
}

/// The collector of the process.
pub(crate) fn install(reporter: impl Reporter) {
    ::fastrace::set_reporter(reporter, Config::default());
}

/// A collector whose spans are counted.
pub(crate) fn set_up() -> Counting {
    let counting = Counting::default();
    install(counting.clone());
    counting
}

/// What a handler's request came with.
pub(crate) fn remote(above: Above) -> SpanContext {
    SpanContext::new(TraceId(TRACE_ID), SpanId(SPAN_ID)).sampled(above == Above::Sampled)
}

/// Its spans: a root, and local children, which is its fastest way.
pub(crate) const SPANS: Entry<Shape> = Entry {
    name: "fastrace",
    packages: &["fastrace"],
    bare: BARE,
    traced: spans,
    cases: ALL,
};

fn spans(shape: Shape) -> Result<Traced, Error> {
    let delivery = set_up();
    let turn: fn() = match shape {
        Shape::Root => || drop(Span::root(black_box("order"), SpanContext::random())),
        Shape::RootWithChildren => || {
            trace(FEW, || {
                drop(LocalSpan::enter_with_local_parent(black_box("step")));
            });
        },
        Shape::Children => || trace(MANY, child),
        Shape::NotTraced => child,
    };
    Ok(Traced::new(Turns::new(shape.turns(), turn), delivery))
}

fn trace(children: usize, child: impl Fn()) {
    let root = Span::root(black_box("order"), SpanContext::random());
    let scope = root.set_local_parent();
    for _ in 0..children {
        child();
    }
    drop(scope);
}

fn child() {
    let span = LocalSpan::enter_with_local_parent(black_box("price"));
    drop(span.with_properties(|| {
        [
            ("shop.item.sku", "AB-1234-XL".into()),
            (
                "shop.item.count",
                std::borrow::Cow::from(black_box(3).to_string()),
            ),
            ("shop.item.price", black_box(9.5).to_string().into()),
            ("shop.item.in_stock", "true".into()),
        ]
    }));
}
