//! What the small services have in common: one address, service until the operator asks for the end, and the last spans leave.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Runtime;
use trace_pipeline::metrics::{ExchangeMetrics, MetricsPush, PushConfig};
use tracing_core_ctx::Tracer;

use crate::stop;

/// What makes a service fail.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Ready when the operator asks for the end.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// How long requests may still take once the service was asked to end.
const DRAIN: Duration = Duration::from_secs(3);

/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

/// What a service tells of itself.
#[derive(Debug)]
pub struct Telemetry {
    /// Of all its spans.
    pub tracer: Tracer,
    /// Of all its exchanges.
    pub metrics: ExchangeMetrics,
}

/// Runs the program `name`, whose one argument is the address where it listens. `serve` serves there until `Stop` is ready, and what then is
/// not done in time is dropped. Spans are exported as the `OTEL_*` variables say; metrics too, if `OTEL_METRICS_EXPORTER` is set.
pub fn main<F>(name: &'static str, usage: &str, serve: F) -> ExitCode
where
    F: AsyncFnOnce(&str, &Telemetry, Stop) -> Result<(), BoxError>,
{
    let arguments: Vec<String> = env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match &*arguments {
        [help] if help == "-h" || help == "--help" => say(usage),
        [address] => {
            if let Err(error) = run(name, address, serve) {
                complain(&format!("{name}: {error}"));
                return ExitCode::FAILURE;
            }
        }
        _ => {
            let count = arguments.len();
            complain(&format!(
                "{name}: one argument is wanted, the address to listen on, and not {count}\n\n{usage}"
            ));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run<F>(name: &'static str, address: &str, serve: F) -> Result<(), BoxError>
where
    F: AsyncFnOnce(&str, &Telemetry, Stop) -> Result<(), BoxError>,
{
    let metrics = ExchangeMetrics::new();
    let pipeline = trace_pipeline::from_env()
        .default_service(name)
        .exemplars(&metrics)
        .install()?;
    let push = push(&metrics, pipeline.tracer())?;
    let telemetry = Telemetry {
        tracer: pipeline.tracer().clone(),
        metrics,
    };
    let runtime = Runtime::new()?;
    let served = runtime.block_on(async {
        // Before anybody learns the address, so that a signal sent the moment after is not missed.
        let stop = stop::asked_for()?.boxed().shared();
        let overdue = async {
            stop.clone().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            served = serve(address, &telemetry, stop.clone()) => served?,
            () = overdue => complain(&format!("{name}: what is not done in time is dropped")),
        }
        Ok(())
    });
    // What is still open is dropped here, and its spans end as cancelled: before the pipeline, so that these leave too.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Err(lost) = pipeline.shutdown(FLUSH) {
        complain(&format!("{name}: {lost}"));
    }
    // After the spans, so that exemplars lead to the last of them too.
    if let Some(Err(error)) = push.map(|push| push.shutdown(FLUSH)) {
        complain(&format!("{name}: {error}"));
    }
    served
}

/// Metrics are sent where the operator asks for it.
fn push(metrics: &ExchangeMetrics, tracer: &Tracer) -> Result<Option<MetricsPush>, BoxError> {
    if env::var_os("OTEL_METRICS_EXPORTER").is_none() {
        return Ok(None);
    }
    let push = metrics.push(PushConfig::from_env(), tracer.resource())?;
    Ok(Some(push))
}

/// Writes a line, unless nobody reads any more.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
