//! reqwest-tracing, a middleware of reqwest-middleware, on `tracing`; one version behind the other peers on OpenTelemetry's SDK.
//!
//! Six attributes, and eight that tracing-opentelemetry adds. The span ends with the head of the answer.

use std::pin::Pin;

use http::{Extensions, Response};
use reqwest::Request;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next};
use reqwest_tracing::TracingMiddleware;
use tower::{Service, service_fn};

use super::fastrace_reqwest::make_request;
use super::opentelemetry::previous::{handler, set_up_with_tracing};
use crate::client::{ALL, Above};
use crate::exchange::{Exchanges, answer};
use crate::subject::{Entry, Traced};
use crate::{Error, Work};

pub(crate) const CLIENT: Entry<Above> = Entry {
    name: "reqwest-tracing",
    packages: &[
        "reqwest_tracing",
        "tracing_subscriber",
        "opentelemetry_sdk_0_32",
    ],
    bare: ("reqwest's middleware", bare),
    traced,
    cases: ALL,
};

fn bare(_: Above) -> Box<dyn Work> {
    let client = ClientBuilder::new(reqwest::Client::new()).with(at_once);
    Box::new(Exchanges::new(service(client.build()), make_request))
}

fn traced(above: Above) -> Result<Traced, Error> {
    let delivery = set_up_with_tracing(true)?;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TracingMiddleware::default())
        .with(at_once)
        .build();
    let exchanges = Exchanges::new(service(client), make_request);
    Ok(Traced::new(
        exchanges.within(move || handler(above).entered()),
        delivery,
    ))
}

fn service(
    client: ClientWithMiddleware,
) -> impl Service<Request, Response = Response<reqwest::Body>, Error = reqwest_middleware::Error> {
    service_fn(move |request| {
        let client = client.clone();
        async move { client.execute(request).await.map(Response::from) }
    })
}

/// The last middleware, which answers in place of a connection.
fn at_once<'a>(
    request: Request,
    _: &'a mut Extensions,
    _: Next<'a>,
) -> Pin<Box<dyn Future<Output = reqwest_middleware::Result<reqwest::Response>> + Send + 'a>> {
    Box::pin(async move {
        drop(request);
        Ok(reqwest::Response::from(answer::<reqwest::Body>()))
    })
}
