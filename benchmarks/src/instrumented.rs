//! Functions with `#[tracing::instrument]`, below a span of a request.
//!
//! Every subject is a layer on a registry and no more, as the front page of each shows it. A level for the whole subscriber would cost all of them the same.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context as Polling, Poll, Waker};

use trace_bridge::TracingLayer;
use tracing_core_ctx::sampler::{AlwaysOn, ParentBased};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::client::{ALL, Above, handler};
use crate::ours::{self, Way};
use crate::raw::Turns;
use crate::subject::{Entry, Traced};
use crate::work::{BATCH, Size};
use crate::{Case, Delivery, Error, Work, peers};

const OURS: &[&str] = &["trace_bridge", "tracing_core_ctx", "tracing_subscriber"];

const SUBJECTS: &[Entry<Above>] = &[
    Entry {
        name: "trace-bridge",
        packages: OURS,
        bare: BARE,
        traced: |above| traced(above, Way::Sink),
        cases: ALL,
    },
    Entry {
        name: "trace-bridge, OTLP bytes",
        packages: OURS,
        bare: BARE,
        traced: |above| traced(above, Way::Pipeline),
        cases: &[Above::Sampled],
    },
    Entry {
        name: "tracing-subscriber's registry, no layer",
        packages: &["tracing_subscriber"],
        bare: BARE,
        traced: |_| no_layer(),
        cases: &[Above::Unsampled],
    },
];

pub(crate) fn cases() -> Vec<Case> {
    let sampled = (Above::Sampled, "async fn, 4 fields", Size::BATCH);
    let unsampled = (
        Above::Unsampled,
        "async fn, 4 fields, unsampled",
        Size::BATCH.unrecorded(),
    );
    [sampled, unsampled]
        .into_iter()
        .map(|(above, name, size)| {
            let subjects = &[SUBJECTS, peers::INSTRUMENTED];
            Case::new("instrument", name, size, above, subjects)
        })
        .collect()
}

pub(crate) const BARE: (&str, fn(Above) -> Box<dyn Work>) = ("async fn", |_| {
    Box::new(Turns::new(BATCH, || {
        now(price(
            black_box("AB-1234-XL"),
            black_box(3),
            black_box(9.5),
            black_box(true),
        ));
    }))
});

async fn price(sku: &str, count: i64, price: f64, in_stock: bool) -> f64 {
    work(sku, count, price, in_stock)
}

#[tracing::instrument]
async fn instrumented_price(sku: &str, count: i64, price: f64, in_stock: bool) -> f64 {
    work(sku, count, price, in_stock)
}

#[expect(clippy::cast_precision_loss, reason = "any work will do")]
#[inline(never)]
fn work(sku: &str, count: i64, price: f64, in_stock: bool) -> f64 {
    match in_stock {
        true => price * (count + sku.len() as i64) as f64,
        false => 0.0,
    }
}

/// The measured work, wherever the spans go.
pub(crate) fn turns() -> Turns<impl FnMut()> {
    Turns::new(BATCH, || {
        now(instrumented_price(
            black_box("AB-1234-XL"),
            black_box(3),
            black_box(9.5),
            black_box(true),
        ));
    })
}

fn now(future: impl Future<Output = f64>) {
    let mut cx = Polling::from_waker(Waker::noop());
    match pin!(future).as_mut().poll(&mut cx) {
        Poll::Ready(price) => {
            black_box(price);
        }
        Poll::Pending => unreachable!("it does not wait"),
    }
}

fn traced(above: Above, way: Way) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    let subscriber = tracing_subscriber::registry().with(TracingLayer::new(tracer.clone()));
    tracing::subscriber::set_global_default(subscriber)?;
    // Does not end.
    let handler = tracer.span("handler").parent(&handler(above)).start();
    let turns = turns().within(move || handler.context().attach());
    Ok(Traced::new(turns, delivery))
}

/// What `tracing` itself costs: the part of every subject here that no layer can do anything about.
fn no_layer() -> Result<Traced, Error> {
    tracing::subscriber::set_global_default(tracing_subscriber::registry())?;
    Ok(Traced::new(turns(), Nowhere))
}

struct Nowhere;

impl Delivery for Nowhere {
    fn flush(&self) {}

    fn delivered(&self) -> u64 {
        0
    }
}
