//! The demo: a small shop of ten services on loopback sockets and queues, and what its traces look like.
//!
//! Each service is a file below `services`, with a tracer and a pipeline of its own, as if it were a program of its own. The demo sends
//! requests that go well, take long, fail and are given up, and draws the trace of each.

mod brokers;
mod draw;
mod logs;
mod options;
mod record;
mod report;
mod sample;
mod services;
mod telemetry;
mod visit;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use brokers::{BoxError, Brokers};
use options::{Command, Options, USAGE};
use report::Report;
use telemetry::Telemetry;
use tokio::runtime::Runtime;
use visit::VISITS;

/// How long to wait for the last spans of a trace.
const SETTLE: Duration = Duration::from_secs(2);

/// How long the last spans may take to leave for a back end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// How often it is looked for new traces, with `--serve`.
const LOOK: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let options = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => return finish(write(USAGE).map_err(Into::into)),
        Err(problem) => {
            complain(&format!("{problem}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    finish(run(&options))
}

fn run(options: &Options) -> Result<(), BoxError> {
    if options.sample {
        return show_sample(options);
    }
    logs::install(options.json_logs);
    let runtime = Runtime::new()?;
    let mut telemetry = Telemetry::new(options.otlp.clone());
    let brokers = Brokers::open(options.kafka.as_deref(), options.amqp.as_deref());
    let brokers = runtime.block_on(brokers)?;
    let open = services::open(&brokers, |service| telemetry.tracer(service));
    let gateway = runtime.block_on(open)?;
    let mut report = Report::new(options);
    write(&report.opening(&telemetry))?;
    for (number, visit) in (1..=options.requests()).zip(VISITS.iter().cycle()) {
        let answer = runtime.block_on(visit.make(gateway));
        let spans = telemetry.collect(SETTLE, &brokers.underway);
        write(&report.visit(number, visit, &answer, &spans))?;
    }
    if options.serve {
        write(&report.invitation(gateway))?;
        runtime.block_on(serve(&telemetry, &brokers, &mut report))?;
    }
    write(&report.services())?;
    drop(runtime);
    write(&report.closing(&telemetry.shutdown(SHUTDOWN)))?;
    Ok(())
}

/// Sends many requests, keeps few, and draws one that failed.
fn show_sample(options: &Options) -> Result<(), BoxError> {
    let sample = sample::take(options.requests())?;
    write(&sample.report())?;
    let failed = sample.failed_trace();
    if !failed.is_empty() {
        write("\nOne that failed, as it was kept:\n")?;
        write(&Report::new(options).traces(&failed))?;
    }
    Ok(())
}

/// Draws the traces of whoever comes, until the operator asks for the end.
async fn serve(telemetry: &Telemetry, brokers: &Brokers, report: &mut Report) -> io::Result<()> {
    let mut stop = std::pin::pin!(examples::stop::asked_for()?);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = look.tick() => {}
        }
        if telemetry.has_news() {
            write(&format!(
                "\n{}",
                report.traces(&telemetry.collect(SETTLE, &brokers.underway))
            ))?;
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn finish(result: Result<(), BoxError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn complain(text: &str) {
    // There is nobody to tell that this could not be told.
    let _ = writeln!(io::stderr(), "shop: {text}");
}
