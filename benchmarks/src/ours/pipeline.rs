use std::hint::black_box;
use std::time::Duration;

use trace_pipeline::{Batch, ExportError, Exporter, Pipeline, otlp};
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::Sampler;

use crate::delivery::Counter;
use crate::{Delivery, Error};

/// Longer than any flush takes, under valgrind too.
const LIMIT: Duration = Duration::from_secs(60);

/// A pipeline as programs have it, up to the network.
#[derive(Debug)]
pub(crate) struct Exported {
    pipeline: Pipeline,
    counter: Counter,
}

impl Exported {
    pub(crate) fn new(sampler: impl Sampler + 'static) -> Result<Self, Error> {
        let counter = Counter::default();
        let pipeline = Pipeline::builder()
            .service("orders")
            .sampler(sampler)
            .exporter(Encoder(counter.clone()))
            .build()?;
        Ok(Self { pipeline, counter })
    }

    pub(crate) fn tracer(&self) -> Tracer {
        self.pipeline.tracer().clone()
    }
}

impl Delivery for Exported {
    fn flush(&self) {
        // What is lost is missed in the count.
        let _ = self.pipeline.flush(LIMIT);
    }

    fn delivered(&self) -> u64 {
        self.counter.get()
    }
}

/// Makes the bytes of each request, counts its spans and sends nothing.
struct Encoder(Counter);

impl Exporter for Encoder {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        black_box(otlp::encode(batch.resource(), batch.spans()));
        self.0.add(batch.len());
        Ok(())
    }
}
