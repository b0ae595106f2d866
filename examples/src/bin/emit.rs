//! Makes spans and tells how their way to the back end ended: `emit 100`.
//!
//! To see what a broken back end does to a program: `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 emit 100`. There is no async
//! runtime here; a pipeline needs none.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

use serde::Serialize;
use trace_pipeline::otlp::{OtlpConfig, SpoolConfig};
use trace_pipeline::{Pipeline, PipelineBuilder, PipelineStats};
use tracing_core_ctx::Tracer;

const USAGE: &str = "\
Makes N spans, named emit-0, emit-1 and so on, and shuts the pipeline down.

Usage: emit N

ACCEPT_GAP_MS is the time between two spans in milliseconds; with 0, the default, they are made as fast as it goes.
Spans are exported as the OTEL_* variables say. ACCEPT_SPOOL is a directory in which they lie until they are delivered, also beyond the
end of the process; with it, what an earlier process left there is delivered too. At SIGTERM and SIGINT the spans leave before the process
ends, and before a panic of the main thread. The last line of the output is

  {\"emitted\":N,\"emit_ms\":..,\"shutdown_ms\":..,\"shutdown_ok\":true}

or has \"shutdown_ok\":false and says \"why\". The exit status is 0 whatever the back end did.";

/// How long the last spans may take to leave.
const SHUTDOWN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let [argument] = &*arguments else {
        return usage();
    };
    if argument == "-h" || argument == "--help" {
        say(USAGE);
        return ExitCode::SUCCESS;
    }
    let Ok(count) = argument.parse() else {
        return usage();
    };
    run(count, gap());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    complain(USAGE);
    ExitCode::from(2)
}

/// The time between two spans. A wrong value is a warning and the default, as it is with the `OTEL_*` variables.
fn gap() -> Duration {
    let value = env::var_os("ACCEPT_GAP_MS").unwrap_or_default();
    let value = value.to_string_lossy();
    let value = value.trim();
    if value.is_empty() {
        return Duration::ZERO;
    }
    let millis = value.parse().unwrap_or_else(|_| {
        complain(&format!(
            "emit: ACCEPT_GAP_MS is `{value}`, but should be a whole number of milliseconds; it is taken as 0"
        ));
        0
    });
    Duration::from_millis(millis)
}

/// Has spans lie on disk until they are delivered, where somebody says where.
fn with_spool(builder: PipelineBuilder) -> PipelineBuilder {
    match env::var_os("ACCEPT_SPOOL") {
        Some(directory) if !directory.is_empty() => {
            builder.otlp(OtlpConfig::from_env().spool(SpoolConfig::new(directory)))
        }
        _ => builder,
    }
}

#[cfg(unix)]
fn end_on_signals(pipeline: &Pipeline) {
    if let Err(error) = pipeline.end_on_signals(SHUTDOWN) {
        complain(&format!("emit: {error}"));
    }
}

#[cfg(not(unix))]
fn end_on_signals(_pipeline: &Pipeline) {}

/// The last line of the output.
#[derive(Debug, Serialize)]
struct Outcome {
    emitted: u64,
    emit_ms: u128,
    shutdown_ms: u128,
    shutdown_ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Makes the spans, shuts down, says what became of it.
fn run(count: u64, gap: Duration) {
    // Tracing that cannot start is no reason not to work: the program goes on without it.
    let pipeline = with_spool(trace_pipeline::from_env().default_service("emit")).install();
    if let Ok(pipeline) = &pipeline {
        pipeline.flush_on_panic(SHUTDOWN);
        end_on_signals(pipeline);
    }
    let tracer = pipeline
        .as_ref()
        .map_or_else(|_| Tracer::noop(), |pipeline| pipeline.tracer().clone());

    let start = Instant::now();
    emit(&tracer, count, gap);
    let emit_ms = start.elapsed().as_millis();

    let start = Instant::now();
    let shutdown = shut_down(pipeline);
    let outcome = Outcome {
        emitted: count,
        emit_ms,
        shutdown_ms: start.elapsed().as_millis(),
        shutdown_ok: shutdown.is_ok(),
        why: shutdown.err().map(|error| error.to_string()),
    };
    match serde_json::to_string(&outcome) {
        Ok(line) => say(&line),
        Err(error) => complain(&format!("emit: {error}")),
    }
}

fn emit(tracer: &Tracer, count: u64, gap: Duration) {
    for number in 0..count {
        if number > 0 && !gap.is_zero() {
            pause(gap);
        }
        tracer.span(&format!("emit-{number}")).start().end();
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause is what was asked for")]
fn pause(gap: Duration) {
    thread::sleep(gap);
}

/// Waits until the last spans have left, and gives the reason if they have not.
fn shut_down<E: Error + 'static>(pipeline: Result<Pipeline, E>) -> Result<(), Box<dyn Error>> {
    let pipeline = pipeline?;
    let shutdown = pipeline.shutdown(SHUTDOWN);
    say(&ledger(&pipeline.stats()));
    Ok(shutdown?)
}

/// What became of the spans, whenever it did: a full queue drops them long before the shutdown.
fn ledger(stats: &PipelineStats) -> String {
    let dropped: Vec<String> = stats
        .dropped
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!(", {reason} {count}"))
        .collect();
    format!(
        "exported {}, spooled {}, recovered {}, dropped {}{}; {} exports, {} retries",
        stats.exported,
        stats.spooled,
        stats.recovered,
        stats.dropped.total(),
        dropped.concat(),
        stats.exports,
        stats.retries
    )
}

/// Writes a line, unless nobody reads any more.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
