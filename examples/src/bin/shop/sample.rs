//! `--sample`: two thousand requests, of which about twenty are kept: the failed, the slow, and 0.6 % of the rest.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use trace_pipeline::Pipeline;
use trace_pipeline::exporter::{ExportedSpan, InMemory};
use trace_pipeline::sampling::{Keep, Rule, Rules, Tail};
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::{TraceId, semconv};

use crate::brokers::{BoxError, Brokers, Underway};
use crate::services;
use crate::visit::{Answer, VISITS, Visit};

/// How many requests are sent if nothing else is said.
pub(crate) const REQUESTS: usize = 2000;
/// So many at the same time.
const AT_ONCE: usize = 16;
/// One of so many fails, and one is slow.
const SELDOM: usize = 500;
/// What is slow: a good request takes some 60 ms, the slow one more than 380.
const SLOW: Duration = Duration::from_millis(380);
const HEAD: f64 = 0.006;
const LIMIT: Duration = Duration::from_secs(10);

/// What was sent, and what is left of it.
#[derive(Debug)]
pub(crate) struct Sample {
    requests: usize,
    failed: usize,
    slow: usize,
    recorded: u64,
    spans: Vec<ExportedSpan>,
}

/// Sends the requests to a shop whose services all have the same rules.
pub(crate) fn take(requests: usize) -> Result<Sample, BoxError> {
    let runtime = Runtime::new()?;
    let spans = InMemory::default();
    let mut pipelines = Vec::new();
    let brokers = runtime.block_on(Brokers::open(None, None))?;
    let gateway = runtime.block_on(services::open(&brokers, |service| {
        let pipeline = pipeline(service, &spans)?;
        let tracer = pipeline.tracer().clone();
        pipelines.push(pipeline);
        Ok::<_, BoxError>(tracer)
    }))?;
    let failed = runtime.block_on(send(requests, gateway))?;
    wait_until_all_have_ended(&pipelines, &brokers.underway);
    drop(runtime);
    let mut recorded = 0;
    for pipeline in &pipelines {
        pipeline.shutdown(LIMIT)?;
        recorded += pipeline.stats().submitted;
    }
    Ok(Sample {
        requests,
        failed,
        slow: (1..=requests).filter(|n| kind(*n) == "slow").count(),
        recorded,
        spans: spans.take(),
    })
}

fn pipeline(service: &str, spans: &InMemory) -> Result<Pipeline, BoxError> {
    let rules = Rules::new()
        .rule(Rule::new().route("/health").never())
        .otherwise(HEAD);
    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::callees())
        .keep(Keep::slower_than(SLOW));
    let pipeline = Pipeline::builder()
        .service(service)
        .exporter(spans.clone())
        .rules(rules)
        .tail(tail)
        .build()?;
    Ok(pipeline)
}

/// Which kind of visit the one with this number is.
fn kind(number: usize) -> &'static str {
    match number % SELDOM {
        100 => "failed",
        200 => "slow",
        _ => "ok",
    }
}

/// Sends all and says how many were answered with a failure.
async fn send(requests: usize, gateway: SocketAddr) -> Result<usize, BoxError> {
    let mut under_way = JoinSet::new();
    let mut failed = 0;
    for number in 1..=requests {
        if under_way.len() >= AT_ONCE
            && let Some(answer) = under_way.join_next().await
        {
            failed += usize::from(is_failure(&answer?));
        }
        let visit: &'static Visit = VISITS
            .iter()
            .find(|visit| visit.kind == kind(number))
            .ok_or("no such visit")?;
        under_way.spawn(visit.make(gateway));
    }
    while let Some(answer) = under_way.join_next().await {
        failed += usize::from(is_failure(&answer?));
    }
    Ok(failed)
}

fn is_failure(answer: &Answer) -> bool {
    !matches!(answer, Answer::Answered(status) if !status.is_server_error())
}

/// A mail is still sent when its order was answered.
fn wait_until_all_have_ended(pipelines: &[Pipeline], underway: &Underway) {
    let until = Instant::now() + LIMIT;
    let is_open = |pipeline: &Pipeline| pipeline.stats().open() > 0;
    while (!underway.is_empty() || pipelines.iter().any(is_open)) && Instant::now() < until {
        thread::park_timeout(Duration::from_millis(5));
    }
}

impl Sample {
    /// The spans of each trace that a customer's request has begun, as far as they were kept.
    fn requests_kept(&self) -> BTreeMap<TraceId, Vec<ExportedSpan>> {
        let mut traces: BTreeMap<_, Vec<ExportedSpan>> = BTreeMap::new();
        for span in &self.spans {
            let trace = span.record.span_context().trace_id();
            traces.entry(trace).or_default().push(span.clone());
        }
        traces.retain(|_, spans| root(spans).is_some());
        traces
    }

    /// A failed request, to be drawn.
    pub(crate) fn failed_trace(&self) -> Vec<ExportedSpan> {
        let mut traces = self.requests_kept().into_values();
        let failed = traces.find(|spans| root(spans).is_some_and(|root| reason(root) == "error"));
        failed.unwrap_or_default()
    }

    /// What was sent, what was kept and why, and what can be counted from it.
    pub(crate) fn report(&self) -> String {
        let kept = self.requests_kept();
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut counted, mut counted_failed) = (0.0, 0.0);
        for root in kept.values().filter_map(|spans| root(spans)) {
            *reasons.entry(reason(root)).or_default() += 1;
            let state = root.record.span_context().trace_state();
            let weight = Threshold::of(state).map_or(0.0, Threshold::adjusted_count);
            counted += weight;
            if reason(root) == "error" {
                counted_failed += weight;
            }
        }
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        format!(
            "{} requests, of which {} failed and {} were slow; {} spans in ten services.\n\
             {} requests kept: {}; {} spans.\n\
             Counted from those by their weights: {counted:.0} requests, of which {counted_failed:.0} failed.\n",
            self.requests,
            self.failed,
            self.slow,
            self.recorded,
            kept.len(),
            reasons.join(", "),
            self.spans.len(),
        )
    }
}

/// The gateway's own span.
fn root(spans: &[ExportedSpan]) -> Option<&ExportedSpan> {
    spans
        .iter()
        .find(|span| span.resource.service_name() == "gateway" && span.record.is_local_root())
}

fn reason(span: &ExportedSpan) -> &str {
    let reason = span
        .record
        .attributes()
        .get(semconv::CTX_SAMPLING_REASON.name());
    reason
        .and_then(|reason| reason.as_str())
        .unwrap_or("by chance")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_failed_and_every_slow_request_is_kept_and_few_of_the_rest() -> Result<(), BoxError> {
        let sample = take(600)?;
        assert_eq!((sample.failed, sample.slow), (2, 1));
        let kept = sample.requests_kept();
        let with = |wanted: &str| {
            let roots = kept.values().filter_map(|spans| root(spans));
            roots.filter(|root| reason(root) == wanted).count()
        };
        assert_eq!(with("error") + with("callee"), 2);
        assert!(with("slow") >= 1);
        assert!(kept.len() < 300, "{}", kept.len());
        // All on the way of the failure have kept their part.
        let failed = sample.failed_trace();
        let services: BTreeSet<&str> = failed
            .iter()
            .map(|span| span.resource.service_name())
            .collect();
        for service in ["gateway", "orders", "inventory"] {
            assert!(services.contains(service), "{services:?}");
        }
        let report = sample.report();
        assert!(report.contains("of which 2 failed.\n"), "{report}");
        Ok(())
    }
}
