//! A small gRPC service that other services, in any language, are chained with: `greeter 127.0.0.1:50051`.
//!
//! It serves `accept.greeter.v1.Greeter`, as `proto/greeter.proto` has it. Every reply names the trace and the span that it was made in. Spans are
//! exported as the `OTEL_*` variables say, and the last of them when the service is asked to end, by SIGTERM or ctrl-c.

mod service;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use examples::greeter::DESCRIPTORS;
use examples::greeter::greeter_server::GreeterServer;
use examples::stop;
use futures_util::FutureExt as _;
use grpc_trace::{INFRASTRUCTURE, TraceLayer};
use service::Greets;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tracing_core_ctx::Tracer;

const USAGE: &str = "\
A small gRPC service for chains across languages.

Usage: greeter ADDR

ADDR is where it listens, such as 127.0.0.1:50051; with port 0 the system chooses one. Relay calls whatever target it is
told to: keep it on loopback addresses. Spans are exported as the OTEL_* variables say.";

/// How long calls may still take once the service was asked to end.
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
                complain(&format!("greeter: {error}"));
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
    let address: SocketAddr = address
        .parse()
        .map_err(|_| format!("{address} is no address such as 127.0.0.1:50051"))?;
    let pipeline = trace_pipeline::from_env()
        .default_service("greeter")
        .install()?;
    let runtime = Runtime::new()?;
    let served = runtime.block_on(serve(address, pipeline.tracer()));
    // Calls that are still open are dropped here, and their spans end as cancelled: before the pipeline, so that these leave too.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Err(lost) = pipeline.shutdown(FLUSH) {
        complain(&format!("greeter: {lost}"));
    }
    served
}

/// Serves until the operator asks for the end.
async fn serve(address: SocketAddr, tracer: &Tracer) -> Result<(), Box<dyn Error>> {
    // Before anybody learns the address, so that a signal sent the moment after is not missed.
    let stop = stop::asked_for()?.shared();
    let incoming = TcpIncoming::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    say(&format!("listening on {}", incoming.local_addr()?));

    let layer = TraceLayer::new(tracer.clone())
        .descriptors(DESCRIPTORS)?
        .leave_out(INFRASTRUCTURE);
    let server = Server::builder()
        .layer(layer)
        .add_service(GreeterServer::new(Greets::new(tracer)))
        .serve_with_incoming_shutdown(incoming, stop.clone().map(drop));
    let overdue = async {
        stop.await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = server => served?,
        () = overdue => complain("greeter: some calls are not done in time and are dropped"),
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
