//! A tracer and a pipeline for each service, a place where their spans meet to be drawn, and if wanted a back end.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use trace_pipeline::exporter::{ExportedSpan, InMemory};
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline, PipelineSink};
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::{SpanSink as _, Tracer};

use crate::brokers::{BoxError, Underway};

/// All pipelines of the shop.
#[derive(Debug)]
pub(crate) struct Telemetry {
    backend: Backend,
    spans: InMemory,
    local: Vec<Pipeline>,
    remote: Vec<Pipeline>,
}

/// Where spans go beside the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Wherever the `OTEL_*` variables say.
    Environment,
    Nowhere,
    Otlp(String),
}

/// What became of all spans.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// How many the back end took, if there is one.
    pub(crate) sent: Option<u64>,
    /// How many were lost, by reason; empty when none was.
    pub(crate) lost: Vec<(&'static str, u64)>,
}

impl Telemetry {
    /// `otlp` is the base URL of a back end; without it the `OTEL_*` variables may name one.
    pub(crate) fn new(otlp: Option<String>) -> Self {
        report_once();
        Self {
            backend: otlp.map_or_else(Backend::from_env, Backend::Otlp),
            spans: InMemory::default(),
            local: Vec::new(),
            remote: Vec::new(),
        }
    }

    /// The tracer of a service, at the head of a pipeline of its own.
    pub(crate) fn tracer(&mut self, service: &str) -> Result<Tracer, BoxError> {
        let fork = Fork {
            spans: self.spans.clone(),
            remote: self.remote(service)?,
        };
        let pipeline = trace_pipeline::from_env()
            .service(service)
            .exporter(fork)
            .build()?;
        let tracer = pipeline.tracer().clone();
        self.local.push(pipeline);
        Ok(tracer)
    }

    fn remote(&mut self, service: &str) -> Result<Option<PipelineSink>, BoxError> {
        let builder = trace_pipeline::from_env().service(service);
        let pipeline = match &self.backend {
            Backend::Nowhere => return Ok(None),
            Backend::Environment => builder.build()?,
            Backend::Otlp(url) => builder.otlp(OtlpConfig::from_env().endpoint(url)).build()?,
        };
        let sink = pipeline.sink();
        self.remote.push(pipeline);
        Ok(Some(sink))
    }

    /// Where spans go beside the screen.
    pub(crate) const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Waits until every span that has started has ended and no message is under way, and returns the spans that were not returned
    /// before. Takes no longer than `limit`; what is missing then comes with the next call.
    pub(crate) fn collect(&self, limit: Duration, underway: &Underway) -> Vec<ExportedSpan> {
        const LOOK: Duration = Duration::from_millis(1);

        let until = Instant::now() + limit;
        // A service that answers may still be calling: it is at rest only when nobody has begun anything while all were looked at.
        let mut last = None;
        loop {
            let ended = self.ended().filter(|_| underway.is_empty());
            if (ended.is_some() && ended == last) || Instant::now() >= until {
                break;
            }
            last = ended;
            // The end of a span is told by a counter alone, for which nobody can wait: so it is looked at again.
            thread::park_timeout(LOOK);
        }
        for pipeline in &self.local {
            // What is lost is told at the end.
            let _ = pipeline.flush(until.saturating_duration_since(Instant::now()).max(LOOK));
        }
        self.spans.take()
    }

    /// How many spans have ended, if none is under way.
    fn ended(&self) -> Option<u64> {
        self.local.iter().try_fold(0, |all, pipeline| {
            let stats = pipeline.stats();
            (stats.started == stats.submitted).then_some(all + stats.submitted)
        })
    }

    /// Whether there are spans that [`collect`](Self::collect) has not returned.
    pub(crate) fn has_news(&self) -> bool {
        !self.spans.is_empty()
            || self
                .local
                .iter()
                .any(|pipeline| pipeline.stats().in_flight > 0)
    }

    /// Sends what is left, in `limit` at most, and says what became of all spans.
    pub(crate) fn shutdown(self, limit: Duration) -> Delivery {
        // One after the other: those of the services end in those of the back end.
        for pipelines in [&self.local, &self.remote] {
            thread::scope(|scope| {
                for pipeline in pipelines {
                    // What is lost is in the statistics.
                    scope.spawn(|| {
                        let _ = pipeline.shutdown(limit);
                    });
                }
            });
        }
        let mut lost: Vec<(&str, u64)> = Vec::new();
        for pipeline in self.local.iter().chain(&self.remote) {
            for (reason, count) in pipeline
                .stats()
                .dropped
                .iter()
                .filter(|(_, count)| *count > 0)
            {
                match lost.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, sum)) => *sum += count,
                    None => lost.push((reason, count)),
                }
            }
        }
        let sent = self
            .remote
            .iter()
            .map(|pipeline| pipeline.stats().exported)
            .sum();
        Delivery {
            sent: (!self.remote.is_empty()).then_some(sent),
            lost,
        }
    }
}

impl Backend {
    /// Unlike a service, the demo sends nothing to `localhost:4318` unless somebody asks for it.
    fn from_env() -> Self {
        let value = |name| {
            env::var(name)
                .ok()
                .filter(|value: &String| !value.trim().is_empty())
        };
        let is_named = [
            "OTEL_TRACES_EXPORTER",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ]
        .into_iter()
        .any(|name| value(name).is_some());
        let is_none = value("OTEL_TRACES_EXPORTER")
            .is_some_and(|exporter| exporter.trim().eq_ignore_ascii_case("none"));
        if is_named && !is_none {
            Self::Environment
        } else {
            Self::Nowhere
        }
    }
}

/// Keeps spans to be drawn, and hands copies to the pipeline of the back end: its queue is bounded and it never waits, so a
/// back end that hangs does not hold the drawing up.
struct Fork {
    spans: InMemory,
    remote: Option<PipelineSink>,
}

impl Exporter for Fork {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        if let Some(remote) = &self.remote {
            for span in batch.spans() {
                remote.submit(span.clone());
            }
        }
        self.spans.export(batch)
    }
}

/// Twenty pipelines have one environment and one back end: what is wrong with these is told once. How many spans are lost by
/// it is told at the end.
fn report_once() {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

    diagnostics::set_handler(|level, message| {
        let (cause, _) = message.split_once("; spans lost").unwrap_or((message, ""));
        let is_new = || {
            let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(cause.to_owned())
        };
        if level <= Level::Warn && is_new() {
            // There is nobody to tell that this could not be told.
            let _ = writeln!(io::stderr(), "{level}: {cause}");
        }
    });
}
