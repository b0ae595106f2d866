//! inventory: axum with a router inside a router. One of its items is out of reach.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::StatusCode;
use tower_trace::TraceLayer;
use tracing_core_ctx::{Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};

pub(super) async fn open(tracer: Tracer) -> io::Result<SocketAddr> {
    let stock = Router::new()
        .route("/", get(catalogue))
        .route("/{item}", post(reserve));
    let router = Router::new()
        .nest("/stock", stock)
        .layer(TraceLayer::for_axum(tracer));
    listen::axum(router).await
}

/// Takes an item off its shelf. The sofas are in a warehouse that is out of reach.
async fn reserve(Path(item): Path<String>) -> StatusCode {
    SpanRef::current().set("shop.item", &item);
    if item == "sofa" {
        work(9).await;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let pick = async {
        work(9).await;
        SpanRef::current().event("shelf.found", |event| event.set("shop.shelf", "B7"));
        work(5).await;
    };
    pick.in_span(Span::child("pick")).await;
    StatusCode::CREATED
}

/// All items, page by page, as they are read.
async fn catalogue() -> Body {
    Body::from_stream(pages())
}

/// The span of the request is current while its body is made.
fn pages() -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(["lamp\n", "chair\n", "sofa\n"]).then(|page| async move {
        work(14).await;
        SpanRef::current().event("page.sent", |event| event.set("shop.bytes", page.len()));
        Ok(Bytes::from_static(page.as_bytes()))
    })
}
