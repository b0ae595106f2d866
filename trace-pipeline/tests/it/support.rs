//! What many tests need.

use std::sync::mpsc;
use std::time::Duration;

use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline, PipelineBuilder, PipelineStats};

/// Longer than anything takes that is not broken.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Ends `count` spans.
pub(crate) fn end_spans(pipeline: &Pipeline, count: usize) {
    for number in 0..count {
        pipeline
            .tracer()
            .span(&format!("span {number}"))
            .start()
            .end();
    }
}

/// The numbers of a pipeline at rest.
pub(crate) fn ledger(pipeline: &Pipeline) -> PipelineStats {
    let stats = pipeline.stats();
    assert!(stats.is_balanced(), "{stats:?}");
    // What is missing in the sum is where it is said to be.
    assert_eq!(stats.in_flight, stats.queued + stats.exporting, "{stats:?}");
    stats
}

/// A pipeline that sends when it is told to, not by time.
pub(crate) fn builder() -> PipelineBuilder {
    Pipeline::builder()
        .service("orders")
        .schedule_delay(LONG * 100)
}

/// Settings with which a test does not wait long for what fails.
pub(crate) fn quick(config: OtlpConfig) -> OtlpConfig {
    config
        .timeout(Duration::from_millis(500))
        .backoff(Duration::from_millis(1), Duration::from_millis(50))
}

/// Hands the names in each batch to the test, and does not go on before it is told to.
pub(crate) struct Gate {
    batches: mpsc::Sender<Vec<String>>,
    go_on: mpsc::Receiver<Result<(), ExportError>>,
}

/// The test's side of a [`Gate`].
pub(crate) struct Keeper {
    batches: mpsc::Receiver<Vec<String>>,
    go_on: mpsc::Sender<Result<(), ExportError>>,
}

impl Gate {
    pub(crate) fn new() -> (Self, Keeper) {
        let (batches, seen) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let gate = Self {
            batches,
            go_on: told,
        };
        (
            gate,
            Keeper {
                batches: seen,
                go_on,
            },
        )
    }
}

impl Keeper {
    /// Waits until a batch is being exported.
    pub(crate) fn wait(&self) -> Vec<String> {
        self.batches.recv_timeout(LONG).unwrap()
    }

    /// Whether a batch has come that nobody waited for.
    pub(crate) fn has_batch(&self) -> bool {
        self.batches.try_recv().is_ok()
    }

    /// Lets one export end.
    pub(crate) fn answer(&self, outcome: Result<(), ExportError>) {
        self.go_on.send(outcome).unwrap();
    }

    /// Lets all exports succeed from now on.
    pub(crate) fn open(self) -> mpsc::Receiver<Vec<String>> {
        self.batches
    }
}

impl Exporter for Gate {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let names = batch.spans().map(|span| span.name().to_owned()).collect();
        let _ = self.batches.send(names);
        self.go_on.recv().unwrap_or(Ok(()))
    }
}
