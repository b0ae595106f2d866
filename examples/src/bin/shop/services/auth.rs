//! auth: plain hyper, no router and no tower. The layer's service is a hyper service.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context as OtelContext, KeyValue, global};
use tower::Layer as _;
use tower_trace::{Templates, TraceLayer};
use tracing_core_ctx::{SpanRef, Tracer};

use super::{listen, work};

pub(super) async fn open(tracer: Tracer) -> io::Result<SocketAddr> {
    // Without a router somebody has to say what the routes are.
    let routes = Templates::new(["/session"]).map_err(io::Error::other)?;
    let trace = TraceLayer::new(tracer).templates(routes).tell_callers(true);
    listen::hyper(trace.layer(service_fn(session))).await
}

/// Answers the tier of the customer whose session it is. The token is in a header that no span ever records.
async fn session(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    find_session().await;
    let mut response = Response::new(Full::default());
    if request.headers().contains_key(header::AUTHORIZATION) {
        tracing::info!("session found");
        SpanRef::current().event("session.found", |event| event.set("shop.cached", true));
        *response.body_mut() = Full::from("gold");
    } else {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(response)
}

/// Looks the session up, as a library does it that is instrumented with OpenTelemetry and knows nothing of this project.
async fn find_session() {
    let store = global::tracer("session-store");
    let span = store.start("find session");
    let context = OtelContext::current_with_span(span);
    let lookup = async {
        work(5).await;
        let span = OtelContext::current();
        span.span().set_attribute(KeyValue::new("store.shard", 3));
    };
    lookup.with_context(context).await;
}
