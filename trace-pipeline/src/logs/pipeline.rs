use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use tracing_core_ctx::{Context, Resource};

use super::LogRecord;
use crate::BuildError;
use crate::exporter::ExportError;
use crate::otlp::{OtlpConfig, Post, Signal, encode_logs};
use crate::rounds::{Bell, Rounds, Until};

/// What the records in the queue hold at most.
const MAX_BYTES: usize = 32 << 20;

/// More than that do not fit into these bytes.
const MAX_RECORDS: usize = MAX_BYTES / size_of::<LogRecord>();

/// Bytes at which a batch is complete: many servers of gRPC take no message over 4 MiB, and the weight of a record is an estimate.
const BATCH_BYTES: usize = 2 << 20;

/// How logs are sent.
#[derive(Clone, Debug)]
#[must_use = "it is given to `LogPipeline::start`"]
pub struct LogsConfig {
    otlp: Option<OtlpConfig>,
    queue: usize,
    batch: usize,
    delay: Duration,
    timeout: Duration,
}

impl LogsConfig {
    /// By `otlp`: 512 at a time or every second, from a queue of 2048.
    pub const fn new(otlp: OtlpConfig) -> Self {
        Self {
            otlp: Some(otlp),
            queue: 2048,
            batch: 512,
            delay: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
        }
    }

    /// What the environment says: `OTEL_EXPORTER_OTLP_LOGS_*` and `OTEL_EXPORTER_OTLP_*`, `OTEL_BLRP_SCHEDULE_DELAY`, `_EXPORT_TIMEOUT`,
    /// `_MAX_QUEUE_SIZE`, `_MAX_EXPORT_BATCH_SIZE`. Nothing is sent where `OTEL_LOGS_EXPORTER` is `none` or `OTEL_SDK_DISABLED` is true.
    ///
    /// What is wrong there is reported and ignored.
    pub fn from_env() -> Self {
        crate::env::logs()
    }

    /// Sends nothing.
    pub(crate) fn off(mut self) -> Self {
        self.otlp = None;
        self
    }

    /// How many records wait at most; more are dropped and counted, also where they hold more than 32 MiB. Default: 2048.
    pub const fn queue(mut self, records: usize) -> Self {
        self.queue = records;
        self
    }

    /// How many are sent at once, or fewer if these hold 2 MiB; as soon as there are so many, they are. Default: 512.
    pub const fn batch(mut self, records: usize) -> Self {
        self.batch = records;
        self
    }

    /// How long a record waits at most for others. Default: 1 s.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long sending may take, repetitions included, as far as the exporter's own timeout is not shorter. Default: 30 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// The way of log records to a back end: a bounded queue and a thread of its own.
///
/// When it is dropped, what is in the queue is sent, which takes 5 s at most.
pub struct LogPipeline {
    sink: LogSink,
    rounds: Rounds,
}

/// Takes log records.
#[derive(Clone)]
pub struct LogSink {
    shared: Arc<Shared>,
    bell: Bell,
}

struct Shared {
    /// `None` where nothing is sent.
    queue: Option<ArrayQueue<LogRecord>>,
    batch: usize,
    /// Whether somebody has rung for a full batch since the last round began.
    has_rung: AtomicBool,
    bytes: AtomicUsize,
    submitted: AtomicU64,
    exported: AtomicU64,
    full: AtomicU64,
    failed: AtomicU64,
}

/// What became of log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// All that were written.
    pub submitted: u64,
    /// Those that the back end took.
    pub exported: u64,
    /// Those that found the queue full.
    pub dropped: u64,
    /// Those that could not be sent.
    pub failed: u64,
}

impl LogPipeline {
    /// Starts to send, as the service that `resource` describes.
    ///
    /// # Errors
    ///
    /// When something was set for OTLP that can not be used, or the operating system gives no thread.
    pub fn start(config: LogsConfig, resource: &Resource) -> Result<Self, BuildError> {
        let queue = config.queue.clamp(1, MAX_RECORDS);
        let is_on = config.otlp.is_some();
        let shared = Arc::new(Shared {
            queue: is_on.then(|| ArrayQueue::new(queue)),
            batch: config.batch.clamp(1, queue),
            has_rung: AtomicBool::new(false),
            bytes: AtomicUsize::new(0),
            submitted: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            full: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let rounds = match config.otlp {
            None => Rounds::none(),
            Some(otlp) => {
                let mut post = otlp.post(Signal::Logs)?;
                let (shared, resource) = (Arc::clone(&shared), resource.clone());
                let counts = Arc::clone(&shared);
                let lost = move || {
                    counts.full.load(Ordering::Relaxed) + counts.failed.load(Ordering::Relaxed)
                };
                let round = move |until: &Until<'_>| shared.send(&mut post, &resource, until);
                Rounds::spawn("logs", config.delay, config.timeout, lost, round)
                    .map_err(BuildError::Thread)?
            }
        };
        let bell = rounds.bell();
        Ok(Self {
            sink: LogSink { shared, bell },
            rounds,
        })
    }

    /// Takes records.
    #[must_use]
    pub fn sink(&self) -> LogSink {
        self.sink.clone()
    }

    /// What became of all records so far.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        let shared = &self.sink.shared;
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LogStats {
            submitted: get(&shared.submitted),
            exported: get(&shared.exported),
            dropped: get(&shared.full),
            failed: get(&shared.failed),
        }
    }

    /// Sends all records that were written until now, and waits for it.
    ///
    /// # Errors
    ///
    /// When some could not be sent, or when `timeout` was over first.
    pub fn flush(&self, timeout: Duration) -> Result<(), ExportError> {
        self.rounds.flush(timeout)
    }

    /// Sends all records that were written until now, and ends the thread.
    ///
    /// # Errors
    ///
    /// When some could not be sent, or when `timeout` was over first; what is under way is given up then.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), ExportError> {
        self.rounds.shutdown(timeout)
    }
}

impl LogSink {
    /// Whether there is any use in writing a record here and now: not where nothing is sent, and not on threads of telemetry.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.shared.queue.is_some() && !Context::current().is_telemetry()
    }

    /// Takes a record, or drops it.
    pub fn submit(&self, record: LogRecord) {
        let shared = &self.shared;
        let Some(queue) = &shared.queue else {
            return;
        };
        shared.submitted.fetch_add(1, Ordering::Relaxed);
        let weight = record.weight();
        let bytes = shared.bytes.fetch_add(weight, Ordering::Relaxed);
        if bytes + weight > MAX_BYTES || queue.push(record).is_err() {
            shared.bytes.fetch_sub(weight, Ordering::Relaxed);
            shared.full.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Once for each round. Who finds that somebody else has rung has put his record in before the round looks at the queue.
        if queue.len() >= shared.batch
            && !shared.has_rung.load(Ordering::SeqCst)
            && !shared.has_rung.swap(true, Ordering::SeqCst)
        {
            self.bell.ring();
        }
    }
}

impl Shared {
    /// Sends what is in the queue, batch by batch, but not what comes meanwhile.
    fn send(
        &self,
        post: &mut Post,
        resource: &Resource,
        until: &Until<'_>,
    ) -> Result<(), ExportError> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        self.has_rung.store(false, Ordering::SeqCst);
        let mut left = queue.len();
        let mut outcome = Ok(());
        while left > 0 {
            let mut weight = 0;
            let next = || {
                let record = (weight < BATCH_BYTES).then(|| queue.pop()).flatten()?;
                weight += record.weight();
                Some(record)
            };
            let batch: Vec<_> = std::iter::from_fn(next)
                .take(left.min(self.batch))
                .collect();
            let records = batch.len();
            if records == 0 {
                break;
            }
            left -= records;
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            let sent = post.send(encode_logs(resource, &batch), until);
            let lost = match &sent {
                Ok(()) => 0,
                Err(ExportError::Rejected { spans, .. }) => records.min(*spans),
                Err(_) => records,
            };
            self.failed.fetch_add(lost as u64, Ordering::Relaxed);
            let taken = (records - lost) as u64;
            self.exported.fetch_add(taken, Ordering::Relaxed);
            outcome = outcome.and(sent);
        }
        outcome
    }
}

impl fmt::Debug for LogPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogPipeline")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::Severity;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_batch_leaves_at_once_also_if_nobody_saw_the_queue_have_exactly_that_many() {
        // Nobody listens there: what leaves has failed.
        let config = LogsConfig::new(OtlpConfig::http().endpoint("http://127.0.0.1:1"))
            .batch(4)
            .delay(LIMIT * 100)
            .timeout(Duration::from_millis(50));
        let pipeline = LogPipeline::start(config, &Resource::new("shop")).unwrap();
        let sink = pipeline.sink();
        let record = || LogRecord::new(Severity::Info, "one of many");
        // Two threads that put theirs in at once both find one more than a batch.
        let queue = sink.shared.queue.as_ref().unwrap();
        for _ in 0..4 {
            assert!(queue.push(record()).is_ok());
        }
        sink.submit(record());
        let begun = Instant::now();
        while pipeline.stats().failed < 5 {
            assert!(begun.elapsed() < LIMIT, "{:?}", pipeline.stats());
            std::thread::yield_now();
        }
    }
}
