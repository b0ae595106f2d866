//! Spans without any service around them.

use std::any::Any;
use std::hint::black_box;

use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::sampler::{AlwaysOn, ParentBased};
use tracing_core_ctx::{Span, Tracer};

use crate::ours::{self, Way};
use crate::subject::{Entry, Traced};
use crate::work::{BATCH, Size};
use crate::{Case, Error, Work, peers};

/// Which spans are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Root,
    RootWithChildren,
    Children,
    NotTraced,
}

pub(crate) const ALL: &[Shape] = &[
    Shape::Root,
    Shape::RootWithChildren,
    Shape::Children,
    Shape::NotTraced,
];

/// Children in a trace of the case that measures traces.
pub(crate) const FEW: usize = 10;

/// Children in a trace of the case that measures children.
pub(crate) const MANY: usize = 100;

impl Shape {
    const fn size(self) -> Size {
        match self {
            Self::Root => Size::BATCH,
            Self::RootWithChildren => Size {
                units: BATCH,
                spans: BATCH * (1 + FEW),
                batches: 1,
                waits: false,
                gives_away: false,
            },
            Self::Children => Size {
                units: MANY,
                spans: 1 + MANY,
                batches: 10,
                waits: false,
                gives_away: false,
            },
            Self::NotTraced => Size::BATCH.unrecorded(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::RootWithChildren => "root with 10 children",
            Self::Children => "child, 4 attributes",
            Self::NotTraced => "child, no active trace",
        }
    }

    /// How often a batch does it. A trace with many children is a batch.
    pub(crate) const fn turns(self) -> usize {
        match self {
            Self::Children => 1,
            _ => BATCH,
        }
    }
}

const OURS: &[&str] = &["tracing_core_ctx"];

const SUBJECTS: &[Entry<Shape>] = &[
    Entry {
        name: "tracing-core-ctx",
        packages: OURS,
        bare: BARE,
        traced: |shape| traced(shape, Way::Sink, child),
        cases: ALL,
    },
    Entry {
        name: "tracing-core-ctx, attributes at start",
        packages: OURS,
        bare: BARE,
        traced: |shape| traced(shape, Way::Sink, child_described_at_start),
        cases: &[Shape::Children],
    },
    Entry {
        name: "tracing-core-ctx, OTLP bytes",
        packages: &["tracing_core_ctx", "trace_pipeline"],
        bare: BARE,
        traced: |shape| traced(shape, Way::Pipeline, child),
        cases: ALL,
    },
];

pub(crate) fn cases() -> Vec<Case> {
    ALL.iter()
        .map(|shape| {
            let subjects = &[SUBJECTS, peers::SPANS];
            Case::new("raw", shape.name(), shape.size(), *shape, subjects)
        })
        .collect()
}

pub(crate) const BARE: (&str, fn(Shape) -> Box<dyn Work>) = ("loop", |shape| {
    Box::new(Turns::new(shape.size().units, || {
        black_box(());
    }))
});

const SKU: Key<str> = Key::new("shop.item.sku");
const COUNT: Key<i64> = Key::new("shop.item.count");
const PRICE: Key<f64> = Key::new("shop.item.price");
const IN_STOCK: Key<bool> = Key::new("shop.item.in_stock");

fn traced(shape: Shape, way: Way, child: fn(&Tracer)) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    let turn: Box<dyn FnMut()> = match shape {
        Shape::Root => Box::new(move || tracer.span(black_box("order")).root().start().end()),
        Shape::RootWithChildren => Box::new(move || {
            trace(&tracer, FEW, |_| Span::child(black_box("step")).end());
        }),
        Shape::Children => Box::new(move || trace(&tracer, MANY, child)),
        Shape::NotTraced => Box::new(move || child(&tracer)),
    };
    Ok(Traced::new(Turns::new(shape.turns(), turn), delivery))
}

fn trace(tracer: &Tracer, children: usize, child: impl Fn(&Tracer)) {
    let root = tracer.span(black_box("order")).root().start();
    let scope = root.context().attach();
    for _ in 0..children {
        child(tracer);
    }
    drop(scope);
    root.end();
}

fn child(_: &Tracer) {
    let span = Span::child(black_box("price"));
    span.set(SKU, "AB-1234-XL");
    span.set(COUNT, 3);
    span.set(PRICE, 9.5);
    span.set(IN_STOCK, true);
    span.end();
}

fn child_described_at_start(tracer: &Tracer) {
    let span = tracer.span(black_box("price")).start_with(|span| {
        span.set_new(SKU, "AB-1234-XL");
        span.set_new(COUNT, 3);
        span.set_new(PRICE, 9.5);
        span.set_new(IN_STOCK, true);
    });
    span.end();
}

/// A loop.
pub(crate) struct Turns<F> {
    times: usize,
    turn: F,
    enter: Box<dyn Fn() -> Box<dyn Any>>,
    entered: Option<Box<dyn Any>>,
}

impl<F: FnMut()> Turns<F> {
    pub(crate) fn new(times: usize, turn: F) -> Self {
        Self {
            times,
            turn,
            enter: Box::new(|| Box::new(())),
            entered: None,
        }
    }

    /// What `enter` returns is held around a batch.
    pub(crate) fn within<G: 'static>(mut self, enter: impl Fn() -> G + 'static) -> Self {
        self.enter = Box::new(move || Box::new(enter()));
        self
    }
}

impl<F: FnMut()> Work for Turns<F> {
    fn prepare(&mut self) {
        self.entered = Some((self.enter)());
    }

    fn run(&mut self) {
        for _ in 0..self.times {
            (self.turn)();
        }
    }

    fn settle(&mut self) {
        self.entered = None;
    }
}
