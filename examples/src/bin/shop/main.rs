//! The demo: a small shop of six services on loopback sockets, and what its traces look like.
//!
//! Each service is a file below `services`, with a tracer and a pipeline of its own, as if it were a program of its own. The demo sends
//! requests that go well, take long, fail and are given up, and draws the trace of each.

mod draw;
mod logs;
mod options;
mod record;
mod report;
mod services;
mod telemetry;
mod visit;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

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

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    logs::install(options.json_logs);
    let runtime = Runtime::new()?;
    let mut telemetry = Telemetry::new(options.otlp.clone());
    let gateway = runtime.block_on(services::open(|service| telemetry.tracer(service)))?;
    let mut report = Report::new(options);
    write(&report.opening(&telemetry))?;
    for (number, visit) in (1..=options.requests()).zip(VISITS.iter().cycle()) {
        let answer = runtime.block_on(visit.make(gateway));
        let spans = telemetry.collect(SETTLE);
        write(&report.visit(number, visit, &answer, &spans))?;
    }
    if options.serve {
        write(&report.invitation(gateway))?;
        runtime.block_on(serve(&telemetry, &mut report))?;
    }
    write(&report.services())?;
    drop(runtime);
    write(&report.closing(&telemetry.shutdown(SHUTDOWN)))?;
    Ok(())
}

/// Draws the traces of whoever comes, until the operator asks for the end.
async fn serve(telemetry: &Telemetry, report: &mut Report) -> io::Result<()> {
    let mut stop = std::pin::pin!(examples::stop::asked_for()?);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = look.tick() => {}
        }
        if telemetry.has_news() {
            write(&format!("\n{}", report.traces(&telemetry.collect(SETTLE))))?;
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn finish(result: Result<(), Box<dyn Error>>) -> ExitCode {
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
