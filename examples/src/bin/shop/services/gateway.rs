//! gateway: axum, and reqwest to call the others. The trace begins here, and its id is told to the customer.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tower_trace::reqwest::Client;
use tower_trace::{ClientTraceLayer, TraceLayer, Trust};
use trace_pipeline::metrics::ExchangeMetrics;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Baggage, Context, SpanRef, Tracer};

use super::listen;

/// The services that the gateway calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upstream {
    pub(super) auth: SocketAddr,
    pub(super) inventory: SocketAddr,
    pub(super) orders: SocketAddr,
}

#[derive(Clone)]
struct Gateway {
    client: Client,
    upstream: Upstream,
}

/// What a service behind the gateway did not do.
#[derive(Debug)]
struct Unavailable(reqwest::Error);

pub(super) async fn open(tracer: Tracer, upstream: Upstream) -> io::Result<SocketAddr> {
    // The services are on this machine, whatever proxy the environment names.
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .map_err(io::Error::other)?;
    // How long requests take that it answers and that it sends, for Prometheus.
    let metrics = ExchangeMetrics::new();
    let gateway = Gateway {
        client: Client::new(
            client,
            ClientTraceLayer::new(tracer.clone())
                .hear_callees(true)
                .observe(metrics.clone()),
        ),
        upstream,
    };
    let trace = TraceLayer::for_axum(tracer)
        .observe(metrics.clone())
        .filter(|request| request.uri.path() != "/health")
        // Anybody may come in here: whoever sends a trace context gets a link to it, not a say in ours.
        .trust(Trust::NewRootWithLink)
        .trace_id_header(HeaderName::from_static("x-trace-id"));
    let router = Router::new()
        .route("/health", get(|| async { "well" }))
        .route("/checkout", post(checkout))
        .route("/catalogue", get(catalogue))
        .with_state(gateway)
        .layer(trace)
        // Outside of the layer: who looks is not counted.
        .route("/metrics", get(page).with_state(metrics));
    listen::axum(router).await
}

async fn page(State(metrics): State<ExchangeMetrics>) -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, ExchangeMetrics::OPENMETRICS)];
    (content_type, metrics.openmetrics())
}

/// Places an order for a customer who is known.
async fn checkout(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    order: Bytes,
) -> Result<StatusCode, Unavailable> {
    let Some(tier) = gateway.tier(headers.get(header::AUTHORIZATION)).await? else {
        return Ok(StatusCode::UNAUTHORIZED);
    };
    tracing::info!(tier, "checkout");
    // Baggage goes along with the trace, to every service that works on this order.
    let baggage = Baggage::new().with("shop.tier", &*tier);
    let context = Context::current().with_baggage(baggage);
    gateway.place(order).with_context(context).await
}

/// The catalogue, passed on as it comes in.
async fn catalogue(State(gateway): State<Gateway>) -> Result<Body, Unavailable> {
    let url = format!("http://{}/stock", gateway.upstream.inventory);
    let response = gateway
        .client
        .get(url)
        .template("/stock")
        .send()
        .await
        .map_err(Unavailable)?;
    Ok(Body::new(reqwest::Body::from(response)))
}

impl Gateway {
    /// The tier of the customer whose session it is.
    async fn tier(&self, token: Option<&HeaderValue>) -> Result<Option<String>, Unavailable> {
        let url = format!("http://{}/session", self.upstream.auth);
        let mut request = self.client.get(url).template("/session");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let response = request.send().await.map_err(Unavailable)?;
        let is_known = response.status().is_success();
        let tier = response.text().await.map_err(Unavailable)?;
        Ok(is_known.then_some(tier))
    }

    async fn place(&self, order: Bytes) -> Result<StatusCode, Unavailable> {
        let url = format!("http://{}/orders", self.upstream.orders);
        let request = self
            .client
            .post(url)
            .template("/orders")
            .header(header::CONTENT_TYPE, "application/json");
        let response = request.body(order).send().await.map_err(Unavailable)?;
        let status = response.status();
        response.bytes().await.map_err(Unavailable)?;
        Ok(status)
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        SpanRef::current().record_failure(&self.0);
        StatusCode::BAD_GATEWAY.into_response()
    }
}
