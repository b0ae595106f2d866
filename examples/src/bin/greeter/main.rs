//! A small gRPC service that other services, in any language, are chained with: `greeter 127.0.0.1:50051`.
//!
//! It serves `accept.greeter.v1.Greeter`, as `proto/greeter.proto` has it. Every reply names the trace and the span that it was made in. Spans are
//! exported as the `OTEL_*` variables say, and the last of them when the service is asked to end, by SIGTERM or ctrl-c.

mod greets;

use std::net::SocketAddr;
use std::process::ExitCode;

use examples::greeter::DESCRIPTORS;
use examples::greeter::greeter_server::GreeterServer;
use examples::service::{self, BoxError, Stop, Telemetry, say};
use greets::Greets;
use grpc_trace::{INFRASTRUCTURE, TraceLayer};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

const USAGE: &str = "\
A small gRPC service for chains across languages.

Usage: greeter ADDR

ADDR is where it listens, such as 127.0.0.1:50051; with port 0 the system chooses one. Relay calls whatever target it is
told to: keep it on loopback addresses. Spans are exported as the OTEL_* variables say.";

fn main() -> ExitCode {
    service::main("greeter", USAGE, serve)
}

async fn serve(address: &str, telemetry: &Telemetry, stop: Stop) -> Result<(), BoxError> {
    let tracer = &telemetry.tracer;
    let address: SocketAddr = address
        .parse()
        .map_err(|_| format!("{address} is no address such as 127.0.0.1:50051"))?;
    let incoming = TcpIncoming::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    say(&format!("listening on {}", incoming.local_addr()?));
    let layer = TraceLayer::new(tracer.clone())
        .observe(telemetry.metrics.clone())
        .descriptors(DESCRIPTORS)?
        .leave_out(INFRASTRUCTURE);
    Server::builder()
        .layer(layer)
        .add_service(GreeterServer::new(Greets::new(tracer)))
        .serve_with_incoming_shutdown(incoming, stop)
        .await?;
    Ok(())
}
