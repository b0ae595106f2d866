use std::path::PathBuf;
use std::time::Duration;

/// Keeps batches in files until the back end has taken them.
///
/// With it, spans survive an outage of the back end for as long as there is room, a restart, and a process that is
/// killed: each span is in a file 25 ms after its end, or after a [tail](crate::sampling::Tail) has decided, and is sent from there, by this process or by
/// the next one that is given the same directory. They arrive at least once; those that were under way when a process died may arrive
/// twice.
///
/// ```
/// use trace_pipeline::otlp::{OtlpConfig, SpoolConfig};
///
/// # let directory = std::env::temp_dir().join(format!("spool-doc-{}", std::process::id()));
/// let spool = SpoolConfig::new(&directory).max_bytes(64 << 20);
/// let pipeline = trace_pipeline::Pipeline::builder()
///     .service("orders")
///     .otlp(OtlpConfig::http().endpoint("http://collector:4318").spool(spool))
///     .build()?;
/// # drop(pipeline);
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # When things happen
///
/// - **Errors first**: the spans of a batch that failed, those that were kept for a reason (`ctx.sampling.reason`) other than `probability`, and those of the
///   same traces, are written before the others and are the last to be thrown away.
/// - **The spool is full**: the oldest segment goes, [counted](crate::Dropped::spool_full).
/// - **A segment is too old**: it goes as well, [counted](crate::Dropped::spool_expired).
/// - **A segment is damaged**: what can be read of it is sent. Spans that can not be read are
///   [counted](crate::Dropped::spool_damaged); where not even their number can be read, the segment is
///   ([`spool_cut`](crate::PipelineStats::spool_cut)).
/// - **The disk fails**, or is full: that is counted ([`spool_errors`](crate::PipelineStats::spool_errors)) and reported at most
///   once in a minute, and the batch is sent from memory. Until one is written again, as many are taken out of the queue as without a spool.
/// - **There can be no spool**, because the directory can not be made or no part of it can be had: that is counted and reported when the pipeline is built,
///   and spans are sent from memory.
/// - **Several processes** may be given one directory: each has a part of it to itself, and what is left in the parts
///   of those that have ended is sent by the next one that starts. A part that can not be opened, for example for another user's, is left alone.
#[derive(Clone, Debug)]
#[must_use = "give it to `OtlpConfig::spool`"]
pub struct SpoolConfig {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Duration,
    pub(crate) sync: SpoolSync,
}

/// When the operating system is told to bring what was written onto the disk. What was written outlives the process in
/// any case; this is about the end of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpoolSync {
    /// After each write, and before the next. However long the disk takes, so long spans are in memory only.
    Always,
    /// Once in this time. No write waits for it.
    Every(Duration),
    /// When the operating system likes.
    Never,
}

/// Every second.
impl Default for SpoolSync {
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

impl SpoolConfig {
    /// A spool in `directory`, which is made if it is not there. It should be on a disk of this machine.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: 256 << 20,
            max_age: Duration::from_secs(24 * 60 * 60),
            sync: SpoolSync::default(),
        }
    }

    /// How many bytes of files there are at most, at least 64 KiB. Default: 256 MiB.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        const LEAST: u64 = 64 << 10;
        self.max_bytes = if bytes < LEAST { LEAST } else { bytes };
        self
    }

    /// How old a segment may become before it is thrown away. Default: 24 hours.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// When it is brought onto the disk. Default: every second.
    pub const fn sync(mut self, sync: SpoolSync) -> Self {
        self.sync = sync;
        self
    }

    /// The size at which a segment is complete: small enough that not much is lost when one goes.
    pub(crate) const fn segment_bytes(&self) -> u64 {
        const MOST: u64 = 4 << 20;
        let part = self.max_bytes / 16;
        if part < MOST { part } else { MOST }
    }
}
