//! tonic-tracing-opentelemetry, on `tracing`, for both sides.
//!
//! Six attributes on each side, and eight that tracing-opentelemetry adds. The span ends with the head of the answer:
//! the status in the trailers is not seen, and taken for `OK`.

use tonic_tracing_opentelemetry::middleware::{client, server};
use tower::Layer as _;

use super::opentelemetry::{handler, set_up_with_tracing};
use crate::Error;
use crate::client::{ALL, Above};
use crate::exchange::Exchanges;
use crate::grpc::call::{greeter, received, to_be_sent};
use crate::grpc::{CLIENT_BARE, SERVER_BARE};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Above> = Entry {
    name: "tonic-tracing-opentelemetry",
    packages: &[
        "tonic_tracing_opentelemetry",
        "tracing_subscriber",
        "opentelemetry_sdk",
    ],
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
    let service = server::OtelGrpcLayer::default().layer(greeter());
    Ok(Traced::new(
        Exchanges::new(service, received(above)),
        delivery,
    ))
}

fn send(above: Above) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(true)?;
    let service = client::OtelGrpcLayer.layer(greeter());
    let exchanges = Exchanges::new(service, to_be_sent).within(move || handler(above).entered());
    Ok(Traced::new(exchanges, delivery))
}
