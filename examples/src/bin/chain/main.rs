//! A small service that other services, in any language, are chained with: `chain 127.0.0.1:8001`.
//!
//! - `GET /chain?targets=URL,URL` calls `/chain` on the first target with the rest, through a traced client.
//! - `GET /hello/{name}` and `GET /status/{code}` call nobody.
//! - `POST /test` posts what it is told to, as the test suite of W3C Trace Context wants it.
//!
//! Every answer tells which trace headers arrived and which span answered. Spans are exported as the `OTEL_*` variables say, and
//! the last of them when the service is asked to end, by SIGTERM or ctrl-c.

mod answer;
mod outbound;
mod problem;
mod service;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use examples::stop;
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing_core_ctx::Tracer;

const USAGE: &str = "\
A small service for chains across languages and for the test suite of W3C Trace Context.

Usage: chain ADDR

ADDR is where it listens, such as 127.0.0.1:8001; with port 0 the system chooses one. It calls whatever URL it is
told to: keep it on loopback addresses. Spans are exported as the OTEL_* variables say.";

/// How long requests may still take once the service was asked to end.
const DRAIN: Duration = Duration::from_secs(3);

/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match &*arguments {
        [help] if help == "-h" || help == "--help" => say(USAGE),
        [address] => {
            if let Err(error) = run(address) {
                complain(&format!("chain: {error}"));
                return ExitCode::FAILURE;
            }
        }
        _ => {
            complain(USAGE);
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(address: &str) -> Result<(), Box<dyn Error>> {
    let pipeline = trace_pipeline::from_env()
        .default_service("chain")
        .install()?;
    let runtime = Runtime::new()?;
    let served = runtime.block_on(serve(address, pipeline.tracer()));
    // Requests that are still open are dropped here, and their spans end as cancelled: before the pipeline, so that these leave too.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Err(lost) = pipeline.shutdown(FLUSH) {
        complain(&format!("chain: {lost}"));
    }
    served
}

/// Serves until the operator asks for the end.
async fn serve(address: &str, tracer: &Tracer) -> Result<(), Box<dyn Error>> {
    // Before anybody learns the address, so that a signal sent the moment after is not missed.
    let stop = stop::asked_for()?.shared();
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    say(&format!("listening on {}", listener.local_addr()?));

    let service = service::router(tracer)?.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone());
    let overdue = async {
        stop.await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = server => served?,
        () = overdue => complain("chain: some requests are not done in time and are dropped"),
    }
    Ok(())
}

/// Writes a line, unless nobody reads any more.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
