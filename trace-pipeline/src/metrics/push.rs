//! Metrics that are sent by OTLP, from time to time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::{Clock as _, Context, Resource, SystemClock};

use super::ExchangeMetrics;
use crate::BuildError;
use crate::cutoff::{self, Cutoff};
use crate::exporter::ExportError;
use crate::otlp::{Interval, OtlpConfig, Post, Signal, Urgency, encode_metrics};

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
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            cutoff: Cutoff::new(),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let Some(otlp) = config.otlp else {
            shared.change(|state| state.ended = true);
            return Ok(MetricsPush { shared });
        };
        let pusher = Pusher {
            metrics: self.clone(),
            resource: resource.clone(),
            post: otlp.post(Signal::Metrics)?,
            interval: config.interval.max(Duration::from_millis(1)),
            timeout: config.timeout,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name("trace-metrics".into())
            .spawn(move || pusher.run())
            .map_err(BuildError::Thread)?;
        Ok(MetricsPush { shared })
    }
}

/// Sends metrics as long as it lives. Made by [`ExchangeMetrics::push`].
///
/// When it is dropped they are sent once more, which takes 5 s at most.
pub struct MetricsPush {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    cutoff: Cutoff,
    sent: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct State {
    /// How often somebody asked for a push, and the last of them that is done.
    asked: u64,
    done: u64,
    /// Why the last push was none.
    error: Option<ExportError>,
    stop: bool,
    ended: bool,
}

impl MetricsPush {
    /// Sends what is measured now, and waits for it.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or when `timeout` was over first.
    pub fn flush(&self, timeout: Duration) -> Result<(), ExportError> {
        let ticket = self.shared.change(|state| {
            state.asked += 1;
            state.asked
        });
        self.shared
            .result(timeout, |state| state.done >= ticket || state.ended)
    }

    /// Sends a last time, and ends the thread.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or when `timeout` was over first; what is under way is given up then.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), ExportError> {
        self.shared.cutoff.set(cutoff::after(timeout));
        self.shared.change(|state| state.stop = true);
        self.shared.result(timeout, |state| state.ended)
    }

    /// How often metrics were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// How often they could not be.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }
}

impl Drop for MetricsPush {
    fn drop(&mut self) {
        // There is nobody left to hear of it; the first failure was reported.
        let _ = self.shutdown(Duration::from_secs(5));
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for the thread to have done something, and says how that went.
    fn result(
        &self,
        timeout: Duration,
        is_over: impl Fn(&State) -> bool,
    ) -> Result<(), ExportError> {
        if !self.wait(timeout, is_over) {
            return Err(ExportError::timed_out("the metrics are still on their way"));
        }
        self.change(|state| state.error.take()).map_or(Ok(()), Err)
    }

    fn wait(&self, timeout: Duration, is_over: impl Fn(&State) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| !is_over(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_over(&state)
    }
}

/// The thread.
struct Pusher {
    metrics: ExchangeMetrics,
    resource: Resource,
    post: Post,
    interval: Duration,
    timeout: Duration,
    shared: Arc<Shared>,
}

/// Says that the thread is gone, however it went.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl Pusher {
    fn run(mut self) {
        let ended = Ended(Arc::clone(&self.shared));
        // What sends telemetry is not measured or traced itself.
        let _suppressed = Context::new().suppressed().attach();
        loop {
            let asked_for = |state: &State| state.stop || state.asked > state.done;
            self.shared.wait(self.interval, asked_for);
            let (ticket, stop) = self.shared.change(|state| (state.asked, state.stop));
            self.push();
            self.shared.change(|state| state.done = ticket);
            if stop {
                break;
            }
        }
        // The connection goes before the end is told: who waited for it may end the process.
        drop(self);
        drop(ended);
    }

    fn push(&mut self) {
        let interval = Interval {
            start: self.metrics.0.start,
            now: SystemClock::new().now(),
        };
        let metrics = &self.metrics;
        let message = encode_metrics(&self.resource, interval, |reader| metrics.read(reader));
        let deadline = Until {
            until: cutoff::after(self.timeout),
            cutoff: &self.shared.cutoff,
        };
        let error = self.post.send(message, &deadline).err();
        let count = match &error {
            None => &self.shared.sent,
            Some(_) => &self.shared.failed,
        };
        let before = count.fetch_add(1, Ordering::Relaxed);
        // The first of them alone, so that a back end that is away fills no log.
        if let (Some(error), 0) = (&error, before) {
            diagnostics::report(
                Level::Warn,
                format_args!("metrics could not be sent: {error}"),
            );
        }
        self.shared.change(|state| state.error = error);
    }
}

struct Until<'a> {
    until: Instant,
    cutoff: &'a Cutoff,
}

impl Urgency for Until<'_> {
    fn deadline(&self) -> Instant {
        self.cutoff
            .get()
            .map_or(self.until, |cutoff| cutoff.min(self.until))
    }

    fn wake_when_moved(&self, waker: &Waker) {
        self.cutoff.wake_when_set(waker);
    }
}
