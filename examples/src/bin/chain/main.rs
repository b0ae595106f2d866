//! A small service that other services, in any language, are chained with: `chain 127.0.0.1:8001`.
//!
//! - `GET /chain?targets=URL,URL` calls `/chain` on the first target with the rest, through a traced client.
//! - `GET /hello/{name}` and `GET /status/{code}` call nobody.
//! - `GET /metrics` is the page for Prometheus.
//! - `POST /test` posts what it is told to, as the test suite of W3C Trace Context wants it.
//!
//! Every answer tells which trace headers arrived and which span answered. Spans are exported as the `OTEL_*` variables say, and
//! the last of them when the service is asked to end, by SIGTERM or ctrl-c.

mod answer;
mod outbound;
mod problem;
mod routes;

use std::net::SocketAddr;
use std::process::ExitCode;

use examples::service::{self, BoxError, Stop, Telemetry, say};
use tokio::net::TcpListener;

const USAGE: &str = "\
A small service for chains across languages and for the test suite of W3C Trace Context.

Usage: chain ADDR

ADDR is where it listens, such as 127.0.0.1:8001; with port 0 the system chooses one. It calls whatever URL it is
told to: keep it on loopback addresses. Spans are exported as the OTEL_* variables say.";

fn main() -> ExitCode {
    service::main("chain", USAGE, serve)
}

async fn serve(address: &str, telemetry: &Telemetry, stop: Stop) -> Result<(), BoxError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    say(&format!("listening on {}", listener.local_addr()?));
    let routes = routes::router(telemetry)?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}
