//! fraud: plain hyper, no router and no tower. Slow for one customer, on purpose.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tower::Layer as _;
use tower_trace::{Templates, TraceLayer};
use tracing_core_ctx::{Context, SpanRef, Tracer};

use super::{listen, work};

pub(super) async fn open(tracer: Tracer) -> io::Result<SocketAddr> {
    let routes = Templates::new(["/risk/{customer}"]).map_err(io::Error::other)?;
    let trace = TraceLayer::new(tracer).templates(routes).tell_callers(true);
    listen::hyper(trace.layer(service_fn(risk))).await
}

/// Answers how risky it is to trust a customer.
async fn risk(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let customer = request
        .uri()
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    if request.into_body().collect().await.is_err() {
        return Ok(answer(StatusCode::BAD_REQUEST, ""));
    }
    tell_rules();
    work(4).await;
    let score = score(&customer).await;
    work(2).await;
    Ok(answer(StatusCode::OK, score))
}

/// The gateway knew the customer's tier and put it into the baggage; here, three services further on, it is read.
fn tell_rules() {
    let context = Context::current();
    let tier = context.baggage().get("shop.tier").unwrap_or("none");
    context
        .span()
        .event("rules.read", |event| event.set("shop.tier", tier));
}

/// A span by `#[instrument]`, as in code that knows nothing of this project.
#[tracing::instrument(skip_all, fields(fraud.rules = 3))]
async fn score(customer: &str) -> &'static str {
    let millis = if customer == "bob" { 380 } else { 22 };
    work(millis).await;
    SpanRef::current().set("fraud.model", "forest-7");
    tracing::info!(millis, "scored");
    if customer == "eve" { "high" } else { "low" }
}

fn answer(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
