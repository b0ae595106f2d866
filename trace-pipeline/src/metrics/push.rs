//! Metrics that are sent by OTLP, from time to time.

use std::fmt;
use std::time::Duration;

use tracing_core_ctx::{Clock as _, Resource, SystemClock};

use super::ExchangeMetrics;
use crate::BuildError;
use crate::exporter::ExportError;
use crate::otlp::{Interval, OtlpConfig, Signal, encode_metrics};
use crate::rounds::{Rounds, Until};

/// How metrics are sent.
#[derive(Clone, Debug)]
#[must_use = "it is given to `ExchangeMetrics::push`"]
pub struct PushConfig {
    otlp: Option<OtlpConfig>,
    interval: Duration,
    timeout: Duration,
}

impl PushConfig {
    /// By `otlp`, every 60 s, each time for 30 s at most.
    pub const fn new(otlp: OtlpConfig) -> Self {
        Self {
            otlp: Some(otlp),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
        }
    }

    /// What the environment says: `OTEL_EXPORTER_OTLP_METRICS_*` and `OTEL_EXPORTER_OTLP_*`, `OTEL_METRIC_EXPORT_INTERVAL` and
    /// `OTEL_METRIC_EXPORT_TIMEOUT` in milliseconds. Nothing is sent where `OTEL_METRICS_EXPORTER` is `none` or `OTEL_SDK_DISABLED` is true.
    ///
    /// What is wrong there is reported and ignored.
    pub fn from_env() -> Self {
        crate::env::metrics_push()
    }

    /// Sends nothing.
    pub(crate) fn off(mut self) -> Self {
        self.otlp = None;
        self
    }

    /// How long to wait from one time to the next, at least 1 ms. Default: 60 s.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long sending may take, repetitions included, as far as the exporter's own timeout is not shorter. Default: 30 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl ExchangeMetrics {
    /// Sends what is measured by OTLP, from a thread of its own, as that of the service that `resource` describes.
    ///
    /// All counts are since the metrics were made. When the back end is away nothing is lost but the time: the next push has it all.
    ///
    /// ```
    /// use std::time::Duration;
    /// use trace_pipeline::metrics::{ExchangeMetrics, PushConfig};
    ///
    /// let metrics = ExchangeMetrics::new();
    /// let pipeline = trace_pipeline::Pipeline::builder().service("shop").exemplars(&metrics).build()?;
    /// # let vars = PushConfig::new(trace_pipeline::otlp::OtlpConfig::http().endpoint("http://127.0.0.1:9").timeout(Duration::from_millis(10)));
    /// # stringify!(
    /// let vars = PushConfig::from_env();
    /// # );
    /// let push = metrics.push(vars, pipeline.tracer().resource())?;
    /// // At the end of `main`; dropping it does the same.
    /// if let Err(error) = push.shutdown(Duration::from_secs(5)) {
    ///     eprintln!("{error}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When something was set for OTLP that can not be used, or the operating system gives no thread.
    pub fn push(&self, config: PushConfig, resource: &Resource) -> Result<MetricsPush, BuildError> {
        let Some(otlp) = config.otlp else {
            return Ok(MetricsPush {
                rounds: Rounds::none(),
            });
        };
        let mut post = otlp.post(Signal::Metrics)?;
        let (metrics, resource) = (self.clone(), resource.clone());
        let round = move |until: &Until<'_>| {
            let interval = Interval {
                start: metrics.0.start,
                now: SystemClock::new().now(),
            };
            let message = encode_metrics(&resource, interval, |reader| metrics.read(reader));
            post.send(message, until)
        };
        let rounds = Rounds::spawn("metrics", config.interval, config.timeout, || 0, round);
        Ok(MetricsPush {
            rounds: rounds.map_err(BuildError::Thread)?,
        })
    }
}

/// Sends metrics as long as it lives. Made by [`ExchangeMetrics::push`].
///
/// When it is dropped they are sent once more, which takes 5 s at most.
pub struct MetricsPush {
    rounds: Rounds,
}

impl MetricsPush {
    /// Sends what is measured now, and waits for it.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or when `timeout` was over first.
    pub fn flush(&self, timeout: Duration) -> Result<(), ExportError> {
        self.rounds.flush(timeout)
    }

    /// Sends a last time, and ends the thread.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or when `timeout` was over first; what is under way is given up then.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), ExportError> {
        self.rounds.shutdown(timeout)
    }

    /// How often metrics were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.rounds.done()
    }

    /// How often they could not be.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.rounds.failed()
    }
}

impl fmt::Debug for MetricsPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsPush")
            .field("sent", &self.sent())
            .field("failed", &self.failed())
            .finish_non_exhaustive()
    }
}
