//! Our own ways to deliver spans.

use std::sync::Arc;

use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::Sampler;

use crate::{Delivery, Error};

mod pipeline;
mod sink;

pub use sink::Collected;

/// Where spans go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// [`Collected`]: handed over, counted and freed.
    Sink,
    /// The real pipeline: queue, thread, batches, each turned into the bytes of an OTLP request.
    Pipeline,
}

/// A tracer, and where its spans arrive.
pub(crate) fn set_up(
    way: Way,
    sampler: impl Sampler + 'static,
) -> Result<(Tracer, Box<dyn Delivery>), Error> {
    match way {
        Way::Sink => {
            let sink = Arc::new(Collected::new());
            let tracer = Tracer::builder().sampler(sampler).sink(Arc::clone(&sink));
            Ok((tracer.build(), Box::new(sink)))
        }
        Way::Pipeline => {
            let exported = pipeline::Exported::new(sampler)?;
            Ok((exported.tracer(), Box::new(exported)))
        }
    }
}

impl Delivery for Box<dyn Delivery> {
    fn settle(&self) {
        (**self).settle();
    }

    fn flush(&self) {
        (**self).flush();
    }

    fn delivered(&self) -> u64 {
        (**self).delivered()
    }
}
