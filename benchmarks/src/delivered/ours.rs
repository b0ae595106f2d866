//! Our spans: through a tail, which keeps them all, and a pipeline.

use std::mem;

use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline, otlp};
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::{SpanKind, Tracer, semconv};

use super::nowhere::Nowhere;
use super::{CHILDREN, Destination, Figures, LIMIT, TRACES, measure, spans};
use crate::Error;

// By reference, as the SDK takes the names of its `KeyValue`s.
const SKU: Key<str> = Key::new("shop.item.sku");
const COUNT: Key<i64> = Key::new("shop.item.count");
const WAREHOUSE: Key<str> = Key::new("shop.warehouse");
const RESERVED: Key<bool> = Key::new("shop.reserved");

/// The tail looks at every trace, for errors and for slow ones, and keeps all.
pub(super) fn run(to: Destination<'_>, bursts: u64) -> Result<Figures, Error> {
    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::slowest(0.01))
        .keep(Keep::probability(1.0));
    let nowhere = Nowhere::default();
    let pipeline = Pipeline::builder().service("orders").tail(tail);
    let pipeline = match to {
        Destination::Receiver(address) => {
            pipeline.otlp(OtlpConfig::http().endpoint(format!("http://{address}")))
        }
        Destination::Nowhere => pipeline.exporter(Encoder {
            message: Vec::new(),
            nowhere: nowhere.clone(),
        }),
    }
    .build()?;
    let figures = measure(bursts, || {
        for number in 0..TRACES {
            trace(pipeline.tracer(), number);
        }
        Ok(pipeline.flush(LIMIT)?)
    })?;
    let (exported, made) = (pipeline.stats().exported, spans(bursts));
    if exported != made {
        return Err(format!("ours: {exported} of {made} spans were exported").into());
    }
    Ok(figures.with(&nowhere))
}

/// Makes the bytes of each request in the memory of the last one, as the pipeline itself does where it sends them.
struct Encoder {
    message: Vec<u8>,
    nowhere: Nowhere,
}

impl Exporter for Encoder {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let earlier = mem::take(&mut self.message);
        self.message = otlp::encode_into(earlier, batch.resource(), batch.spans());
        self.nowhere
            .take(&self.message)
            .map_err(ExportError::failed)
    }
}

fn trace(tracer: &Tracer, number: u64) {
    let number = i64::try_from(number).unwrap_or_default();
    let root = tracer
        .span("GET /orders/{id}")
        .kind(SpanKind::Server)
        .start();
    root.set(semconv::HTTP_REQUEST_METHOD, "GET");
    root.set(semconv::URL_SCHEME, "http");
    root.set(semconv::URL_PATH, "/orders/17");
    root.set(semconv::HTTP_ROUTE, "/orders/{id}");
    root.set(semconv::SERVER_ADDRESS, "shop.example");
    root.set(semconv::SERVER_PORT, 8080);
    root.set(
        semconv::USER_AGENT_ORIGINAL,
        "Mozilla/5.0 (X11; Linux x86_64)",
    );
    root.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
    let context = root.context();
    for _ in 0..CHILDREN {
        let child = tracer.span("reserve").parent(&context).start();
        child.set(SKU, "sofa-17");
        child.set(COUNT, number);
        child.set(WAREHOUSE, "north");
        child.set(RESERVED, true);
        child.end();
    }
    root.end();
}
