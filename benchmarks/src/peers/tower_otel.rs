//! tower-otel, on `tracing`, for both sides.
//!
//! Seventeen attributes on the server and fourteen on the client, among them every header of both messages, and eight that
//! tracing-opentelemetry adds. The span ends with the head of the answer.

use tower::Layer as _;
use tower_otel::trace::HttpLayer;
use tracing::Level;

use super::opentelemetry::{handler, set_up_with_tracing};
use crate::Error;
use crate::client::{self, Above};
use crate::exchange::{Exchanges, Small, inner};
use crate::request::to_be_sent;
use crate::server::{self, Decision, requests};
use crate::subject::{Entry, Traced};

const PACKAGES: &[&str] = &["tower_otel", "tracing_subscriber", "opentelemetry_sdk"];

pub(crate) const SERVER: Entry<Decision> = Entry {
    name: "tower-otel",
    packages: PACKAGES,
    bare: server::BARE,
    traced: serve,
    cases: server::ALL,
};

pub(crate) const CLIENT: Entry<Above> = Entry {
    name: "tower-otel",
    packages: PACKAGES,
    bare: client::BARE,
    traced: send,
    cases: client::ALL,
};

fn serve(decision: Decision) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(decision != Decision::Off)?;
    let service = layer().layer(inner::<Small, Small>());
    Ok(Traced::new(
        Exchanges::new(service, requests(decision)),
        delivery,
    ))
}

pub(crate) fn layer() -> HttpLayer {
    HttpLayer::server(Level::INFO)
}

fn send(above: Above) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(true)?;
    let service = HttpLayer::client(Level::INFO).layer(inner::<Small, Small>());
    let exchanges = Exchanges::new(service, to_be_sent).within(move || handler(above).entered());
    Ok(Traced::new(exchanges, delivery))
}
