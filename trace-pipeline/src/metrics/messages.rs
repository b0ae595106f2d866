//! Messages: how many were sent, how many came, how long they were on their way, and how many are behind the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use tracing_core_ctx::observer::Arrived;
use tracing_core_ctx::semconv::messaging_operation_type::SEND;
use tracing_core_ctx::semconv::metric;

use super::family::{Description, Metric, OVERFLOW, Reader, Series, take};
use super::histogram::{Histogram, LONG_BOUNDS, Snapshot};
use super::labels::{LabelValue, Labels, Lent};
use super::table::{Entry, Table};

static SENT: Metric = Metric {
    name: metric::MESSAGING_CLIENT_SENT_MESSAGES,
    help: "Number of messages producer attempted to send to the broker.",
    unit: "{message}",
};

static CONSUMED: Metric = Metric {
    name: metric::MESSAGING_CLIENT_CONSUMED_MESSAGES,
    help: "Number of messages that were delivered to the application.",
    unit: "{message}",
};

static QUEUE_TIME: Description = Description::histogram(
    metric::CTX_MESSAGING_QUEUE_DURATION,
    "Duration from when a message was sent to when it came to the application.",
);

static LAG: Metric = Metric {
    name: metric::CTX_MESSAGING_CONSUMER_LAG,
    help: "Number of messages of its partition behind the one that came last.",
    unit: "{message}",
};

/// What those that come are measured by.
const LABELS: &[&str] = &[
    "messaging.consumer.group.name",
    "messaging.destination.name",
    "messaging.destination.partition.id",
    "messaging.destination.template",
    "messaging.operation.name",
    "messaging.system.name",
    "server.address",
    "server.port",
];

/// Messages that came.
#[derive(Debug)]
pub(super) struct Messages {
    table: Table<Arrivals>,
    taken: AtomicUsize,
    most: usize,
    too_many: Arc<Entry<Arrivals>>,
    has_too_many: AtomicBool,
}

/// Those of one place.
#[derive(Debug)]
struct Arrivals {
    count: AtomicU64,
    queue_times: Histogram,
    /// Behind the last; less than none if nobody knows.
    lag: AtomicI64,
}

const UNKNOWN: i64 = -1;

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            queue_times: Histogram::within(&LONG_BOUNDS),
            lag: AtomicI64::new(UNKNOWN),
        }
    }
}

impl Messages {
    pub(super) fn new(most: usize) -> Self {
        Self {
            table: Table::default(),
            taken: AtomicUsize::new(0),
            // One is for all that are too many.
            most: most.saturating_sub(1),
            too_many: Arc::new(Entry::new(Labels::of(&OVERFLOW), Arrivals::default())),
            has_too_many: AtomicBool::new(false),
        }
    }

    pub(super) fn arrived(&self, message: &Arrived<'_>) {
        let labels = Lent::read(LABELS, message.attributes);
        let known = self
            .table
            .get(labels.as_slice(), || take(&self.taken, self.most));
        let entry = known.as_ref().unwrap_or_else(|| {
            self.has_too_many.store(true, Ordering::Relaxed);
            &self.too_many
        });
        let arrivals = &entry.value;
        arrivals.count.fetch_add(1, Ordering::Relaxed);
        if let Some(time) = message.queue_time {
            arrivals.queue_times.record(time.as_secs_f64());
        }
        // Of several partitions in one there is no last.
        if let (Some(lag), true) = (message.lag, known.is_some()) {
            let lag = i64::try_from(lag).unwrap_or(i64::MAX);
            arrivals.lag.store(lag, Ordering::Relaxed);
        }
    }

    /// How many were counted with all that are too many.
    pub(super) fn overflowed(&self) -> usize {
        let count = self.too_many.value.count.load(Ordering::Relaxed);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Shows what was measured; what nothing was measured of is not shown.
    pub(super) fn read(&self, reader: &mut dyn Reader) {
        let mut all = self.table.all();
        all.sort_unstable_by(|one, other| one.labels.iter().cmp(other.labels.iter()));
        if self.has_too_many.load(Ordering::Relaxed) {
            all.push(Arc::clone(&self.too_many));
        }
        let counts = series(&all, |arrivals| {
            Some(arrivals.count.load(Ordering::Relaxed))
        });
        if !counts.is_empty() {
            reader.total(&CONSUMED, &counts);
        }
        let queue_times: Vec<Series<'_, Snapshot>> = series(&all, |arrivals| {
            Some(arrivals.queue_times.snapshot()).filter(|times| times.count() > 0)
        });
        if !queue_times.is_empty() {
            reader.durations(&QUEUE_TIME, &queue_times);
        }
        let lags = series(&all, |arrivals| {
            Some(arrivals.lag.load(Ordering::Relaxed)).filter(|lag| *lag != UNKNOWN)
        });
        if !lags.is_empty() {
            reader.last(&LAG, &lags);
        }
    }
}

fn series<T>(
    all: &[Arc<Entry<Arrivals>>],
    of: impl Fn(&Arrivals) -> Option<T>,
) -> Vec<Series<'_, T>> {
    all.iter()
        .filter_map(|entry| Some((entry.labels.iter().collect(), of(&entry.value)?)))
        .collect()
}

/// Shows how many messages were sent: as many as there are durations of sending one.
pub(super) fn read_sent(
    description: &Description,
    durations: &[Series<'_, Snapshot>],
    reader: &mut dyn Reader,
) {
    if description.duration != metric::MESSAGING_CLIENT_OPERATION_DURATION {
        return;
    }
    let sends = durations.iter().filter_map(|(labels, durations)| {
        let mut labels = labels.clone();
        let at = labels
            .iter()
            .position(|label| label.key == "messaging.operation.type")?;
        let operation_type = labels.remove(at).value;
        (operation_type == LabelValue::Str(SEND)).then(|| (labels, durations.count()))
    });
    let sends: Vec<_> = sends.collect();
    if !sends.is_empty() {
        reader.total(&SENT, &sends);
    }
}

#[cfg(test)]
mod tests;
