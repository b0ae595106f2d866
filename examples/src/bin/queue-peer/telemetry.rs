use std::time::Duration;

use examples::backend;
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline, PipelineSink};
use tracing_core_ctx::{SpanSink as _, Tracer};

use crate::Result;
use crate::output::{complain, print_span};

/// A pipeline that prints, and behind it one to the back end, if there is any.
#[derive(Debug)]
pub(crate) struct Telemetry {
    printed: Pipeline,
    exported: Option<Pipeline>,
}

impl Telemetry {
    pub(crate) fn start() -> Result<Self> {
        let builder = || trace_pipeline::from_env().default_service("queue-peer");
        let exported = match backend::is_named() {
            true => Some(builder().build()?),
            false => None,
        };
        let printer = Printer(exported.as_ref().map(Pipeline::sink));
        // A line that is lost is a check that fails, so there is room for many.
        let printed = builder()
            .queue_spans(100_000)
            .schedule_delay(Duration::from_millis(100))
            .exporter(printer)
            .install()?;
        Ok(Self { printed, exported })
    }

    pub(crate) const fn tracer(&self) -> &Tracer {
        self.printed.tracer()
    }

    /// Prints and sends what is left. That the back end has not taken spans is said, and no failure.
    pub(crate) fn shutdown(self, limit: Duration) -> Result {
        let printed = self.printed.shutdown(limit);
        if let Some(Err(lost)) = self.exported.map(|exported| exported.shutdown(limit)) {
            complain(&format!("queue-peer: {lost}"));
        }
        Ok(printed?)
    }
}

/// Prints spans and hands them on.
struct Printer(Option<PipelineSink>);

impl Exporter for Printer {
    fn export(&mut self, batch: &Batch<'_>) -> std::result::Result<(), ExportError> {
        for span in batch.spans() {
            print_span(span);
            if let Some(exported) = &self.0 {
                exported.submit(span.clone());
            }
        }
        Ok(())
    }
}
