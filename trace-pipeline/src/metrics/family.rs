//! The metrics of one kind of exchange: how long they take, how many are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use tracing_core_ctx::SpanKind;
use tracing_core_ctx::observer::Started;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::metric;

use super::histogram::{Histogram, Snapshot};
use super::labels::{Label, LabelValue, Labels, Lent};
use super::messages;
use super::table::{Entry, Table};

/// What a kind of exchange is measured by: the attributes that the conventions require or recommend, in the order of the alphabet.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) duration: &'static str,
    pub(crate) help: &'static str,
    /// Known when it starts, and when it has ended.
    start: &'static [&'static str],
    end: &'static [&'static str],
    pub(crate) active: Option<Active>,
}

/// The count of those that are under way.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    labels: &'static [&'static str],
}

pub(super) const COUNT: usize = 6;

static DESCRIPTIONS: [Description; COUNT] = [
    Description {
        duration: metric::HTTP_SERVER_REQUEST_DURATION,
        help: "Duration of HTTP server requests.",
        start: &[
            "http.request.method",
            "http.route",
            "network.protocol.version",
            "url.scheme",
        ],
        // The route only where it was not known when it started.
        end: &["error.type", "http.response.status_code", "http.route"],
        active: Some(Active {
            name: metric::HTTP_SERVER_ACTIVE_REQUESTS,
            help: "Number of active HTTP server requests.",
            labels: &["http.request.method", "url.scheme"],
        }),
    },
    Description {
        duration: metric::HTTP_CLIENT_REQUEST_DURATION,
        help: "Duration of HTTP client requests.",
        start: &["http.request.method", "server.address", "server.port"],
        end: &[
            "error.type",
            "http.response.status_code",
            "network.protocol.version",
        ],
        active: Some(Active {
            name: metric::HTTP_CLIENT_ACTIVE_REQUESTS,
            help: "Number of active HTTP requests.",
            labels: &[
                "http.request.method",
                "server.address",
                "server.port",
                "url.template",
            ],
        }),
    },
    Description {
        duration: metric::RPC_SERVER_CALL_DURATION,
        help: "Measures the duration of inbound remote procedure calls (RPC).",
        start: &["rpc.method", "rpc.system.name"],
        end: &["error.type", "rpc.status_code"],
        active: None,
    },
    Description {
        duration: metric::RPC_CLIENT_CALL_DURATION,
        help: "Measures the duration of outbound remote procedure calls (RPC).",
        start: &[
            "rpc.method",
            "rpc.system.name",
            "server.address",
            "server.port",
        ],
        end: &["error.type", "rpc.status_code"],
        active: None,
    },
    Description {
        duration: metric::MESSAGING_CLIENT_OPERATION_DURATION,
        help: "Duration of messaging operation initiated by a producer or consumer client.",
        start: &[
            "messaging.consumer.group.name",
            "messaging.destination.name",
            "messaging.destination.template",
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.system.name",
            "server.address",
            "server.port",
        ],
        end: &["error.type"],
        active: None,
    },
    Description {
        duration: metric::MESSAGING_PROCESS_DURATION,
        help: "Duration of processing operation.",
        start: &[
            "messaging.consumer.group.name",
            "messaging.destination.name",
            "messaging.destination.template",
            "messaging.operation.name",
            "messaging.system.name",
            "server.address",
            "server.port",
        ],
        end: &["error.type"],
        active: None,
    },
];

impl Description {
    /// What is read as a histogram and belongs to no exchange.
    pub(super) const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self {
            duration: name,
            help,
            start: &[],
            end: &[],
            active: None,
        }
    }
}

/// What is counted, or read off from time to time.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    #[cfg_attr(
        not(feature = "otlp"),
        expect(dead_code, reason = "a page has no place for it")
    )]
    pub(crate) unit: &'static str,
}

/// [The attribute of what is too much](https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute).
pub(super) const OVERFLOW: [Label<'static>; 1] = [Label {
    key: "otel.metric.overflow",
    value: LabelValue::Bool(true),
}];

/// One kind of exchange.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) description: &'static Description,
    starts: Table<Ends>,
    active: Table<AtomicI64>,
    started: AtomicUsize,
    series: AtomicUsize,
    active_series: AtomicUsize,
    most: usize,
    too_many: Arc<Entry<Histogram>>,
    too_many_active: Arc<Entry<AtomicI64>>,
    has_too_many_active: AtomicBool,
    overflowed: AtomicUsize,
}

/// What exchanges that started alike came to.
#[derive(Debug, Default)]
pub(super) struct Ends(Table<Histogram>);

impl Family {
    pub(super) fn all(most: usize) -> [Self; COUNT] {
        DESCRIPTIONS.each_ref().map(|description| Self {
            description,
            starts: Table::default(),
            active: Table::default(),
            started: AtomicUsize::new(0),
            series: AtomicUsize::new(0),
            active_series: AtomicUsize::new(0),
            // One is for all that are too many.
            most: most.saturating_sub(1),
            too_many: Arc::new(Entry::new(Labels::of(&OVERFLOW), Histogram::default())),
            too_many_active: Arc::new(Entry::new(Labels::of(&OVERFLOW), AtomicI64::new(0))),
            has_too_many_active: AtomicBool::new(false),
            overflowed: AtomicUsize::new(0),
        })
    }

    /// Which of them an exchange belongs to; `None` for a side that is not measured.
    pub(super) fn index(exchange: &Started<'_>) -> Option<usize> {
        if exchange.attributes.get("messaging.system.name").is_some() {
            return match exchange.kind {
                SpanKind::Client | SpanKind::Producer => Some(4),
                SpanKind::Consumer => Some(5),
                SpanKind::Internal | SpanKind::Server => None,
            };
        }
        let is_rpc = exchange.attributes.get("rpc.system.name").is_some();
        match (is_rpc, exchange.kind) {
            (false, SpanKind::Server) => Some(0),
            (false, SpanKind::Client) => Some(1),
            (true, SpanKind::Server) => Some(2),
            (true, SpanKind::Client) => Some(3),
            _ => None,
        }
    }

    /// What exchanges come to that start as this one; `None` where there are too many different ones.
    pub(super) fn starts(&self, exchange: &Started<'_>) -> Option<Arc<Entry<Ends>>> {
        let labels = Lent::read(self.description.start, exchange.attributes);
        self.starts
            .get(labels.as_slice(), || take(&self.started, self.most))
    }

    /// The count of those under way that are like this one, if there is one.
    pub(super) fn active(&self, exchange: &Started<'_>) -> Option<Arc<Entry<AtomicI64>>> {
        let active = self.description.active.as_ref()?;
        let labels = Lent::read(active.labels, exchange.attributes);
        let known = self
            .active
            .get(labels.as_slice(), || take(&self.active_series, self.most));
        Some(known.unwrap_or_else(|| {
            self.has_too_many_active.store(true, Ordering::Relaxed);
            Arc::clone(&self.too_many_active)
        }))
    }

    /// The durations of exchanges that started so and ended so.
    pub(super) fn ends(
        &self,
        starts: Option<&Entry<Ends>>,
        end: &dyn AttributeSource,
    ) -> Arc<Entry<Histogram>> {
        let labels = Lent::read(self.description.end, end);
        let known = starts.and_then(|starts| {
            let Ends(ends) = &starts.value;
            ends.get(labels.as_slice(), || take(&self.series, self.most))
        });
        known.unwrap_or_else(|| {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            Arc::clone(&self.too_many)
        })
    }

    pub(super) fn overflowed(&self) -> usize {
        self.overflowed.load(Ordering::Relaxed)
    }
}

/// Takes one of `most`.
pub(super) fn take(taken: &AtomicUsize, most: usize) -> bool {
    let one_more = |taken| (taken < most).then_some(taken + 1);
    taken
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

/// A time series and what it holds.
pub(crate) type Series<'a, T> = (Vec<Label<'a>>, T);

/// Is shown what was measured: one metric after the other, its time series in the order of their labels.
pub(crate) trait Reader {
    fn durations(&mut self, description: &'static Description, series: &[Series<'_, Snapshot>]);
    fn active(&mut self, active: &'static Active, series: &[Series<'_, i64>]);
    /// What only grows.
    fn total(&mut self, metric: &'static Metric, series: &[Series<'_, u64>]);
    /// What was read off last.
    fn last(&mut self, metric: &'static Metric, series: &[Series<'_, i64>]);
}

impl Family {
    /// Shows what was measured; what nothing was measured of is not shown.
    pub(super) fn read(&self, reader: &mut dyn Reader) {
        let mut ends = Vec::new();
        for start in self.starts.all() {
            for end in start.value.0.all() {
                ends.push((Arc::clone(&start), end));
            }
        }
        let mut series: Vec<_> = ends
            .iter()
            .map(|(start, end)| {
                let mut labels: Vec<_> = start.labels.iter().chain(end.labels.iter()).collect();
                labels.sort_unstable();
                (labels, end.value.snapshot())
            })
            .collect();
        series.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        if self.overflowed() > 0 {
            series.push((OVERFLOW.to_vec(), self.too_many.value.snapshot()));
        }
        if !series.is_empty() {
            reader.durations(self.description, &series);
        }
        messages::read_sent(self.description, &series, reader);
        if let Some(active) = &self.description.active {
            self.read_active(active, reader);
        }
    }

    fn read_active(&self, active: &'static Active, reader: &mut dyn Reader) {
        let all = self.active.all();
        let count = |entry: &Entry<AtomicI64>| entry.value.load(Ordering::Relaxed);
        let mut series: Vec<_> = all
            .iter()
            .map(|entry| (entry.labels.iter().collect(), count(entry)))
            .collect();
        series.sort_unstable_by(|(one, _): &Series<'_, i64>, (other, _)| one.cmp(other));
        if self.has_too_many_active.load(Ordering::Relaxed) {
            series.push((OVERFLOW.to_vec(), count(&self.too_many_active)));
        }
        if !series.is_empty() {
            reader.active(active, &series);
        }
    }
}
