//! tower-otel's layer for gRPC, on `tracing`, for both sides.
//!
//! Ten attributes on the server and seven on the client, among them every header of both messages, and eight that tracing-opentelemetry
//! adds. The span ends with the head of the answer: the status in the trailers is not seen, and taken for `OK`.

use tower::Layer as _;
use tower_otel::trace::GrpcLayer;
use tracing::Level;

use super::opentelemetry::{handler, set_up_with_tracing};
use crate::Error;
use crate::client::{ALL, Above};
use crate::exchange::Exchanges;
use crate::grpc::call::{greeter, received, to_be_sent};
use crate::grpc::{CLIENT_BARE, SERVER_BARE};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Above> = Entry {
    name: "tower-otel",
    packages: &["tower_otel", "tracing_subscriber", "opentelemetry_sdk"],
    bare: SERVER_BARE,
    traced: serve,
    cases: ALL,
};

pub(crate) const CLIENT: Entry<Above> = Entry {
    bare: CLIENT_BARE,
    traced: send,
    ..SERVER
};

fn serve(above: Above) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(true)?;
    let service = GrpcLayer::server(Level::INFO).layer(greeter());
    Ok(Traced::new(
        Exchanges::new(service, received(above)),
        delivery,
    ))
}

fn send(above: Above) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(true)?;
    let service = GrpcLayer::client(Level::INFO).layer(greeter());
    let exchanges = Exchanges::new(service, to_be_sent).within(move || handler(above).entered());
    Ok(Traced::new(exchanges, delivery))
}
