//! Spans without any service around them.

use std::hint::black_box;
use std::sync::Arc;

use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::context::Scope;
use tracing_core_ctx::{Span, Tracer};

use crate::{BATCH, Case, Collected, Subject};

pub(crate) const CASES: &[Case] = &[
    Case {
        group: "raw",
        name: "root",
        records: true,
        bare: || Box::new(Nothing),
        traced: |sink| Box::new(Spans::new(sink, root)),
    },
    Case {
        group: "raw",
        name: "child, 4 attributes",
        records: true,
        bare: || Box::new(Nothing),
        traced: |sink| Box::new(Spans::new(sink, child).below_a_span()),
    },
    Case {
        group: "raw",
        name: "child, 4 attributes at its start",
        records: true,
        bare: || Box::new(Nothing),
        traced: |sink| Box::new(Spans::new(sink, child_described_at_start).below_a_span()),
    },
    Case {
        group: "raw",
        name: "child, no active trace",
        records: false,
        bare: || Box::new(Nothing),
        traced: |sink| Box::new(Spans::new(sink, child)),
    },
];

const SKU: Key<str> = Key::new("shop.item.sku");
const COUNT: Key<i64> = Key::new("shop.item.count");
const PRICE: Key<f64> = Key::new("shop.item.price");
const IN_STOCK: Key<bool> = Key::new("shop.item.in_stock");

fn root(tracer: &Tracer) {
    tracer.span(black_box("reindex")).root().start().end();
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

/// A loop that makes spans.
struct Spans {
    // Dropped in this order: what is current, then the span itself.
    scope: Option<Scope>,
    above: Span,
    tracer: Tracer,
    sink: Arc<Collected>,
    make: fn(&Tracer),
}

impl Spans {
    fn new(sink: Arc<Collected>, make: fn(&Tracer)) -> Self {
        Self {
            scope: None,
            above: Span::none(),
            tracer: Tracer::builder().sink(Arc::clone(&sink)).build(),
            sink,
            make,
        }
    }

    fn below_a_span(mut self) -> Self {
        self.above = self.tracer.span("order").root().start();
        self
    }
}

impl Subject for Spans {
    fn prepare(&mut self) {
        self.scope = Some(self.above.context().attach());
    }

    fn run(&mut self) {
        for _ in 0..BATCH {
            (self.make)(&self.tracer);
        }
    }

    fn settle(&mut self) {
        self.scope = None;
        self.sink.settle(|_| {});
    }

    fn delivered(&self) -> u64 {
        self.sink.delivered()
    }
}

/// The same loop without spans.
struct Nothing;

impl Subject for Nothing {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        for turn in 0..BATCH {
            black_box(turn);
        }
    }

    fn settle(&mut self) {}

    fn delivered(&self) -> u64 {
        0
    }
}
