//! inventory: axum with a router inside a router, and tonic's routes beside it. One of its items is out of reach.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use examples::shop::inventory_server::{Inventory, InventoryServer};
use examples::shop::{ReserveRequest, ReserveStep};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, stream};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tower_trace::TraceLayer;
use tracing_core_ctx::{SpanRef, Tracer};

use super::{listen, work};

pub(super) async fn open(tracer: Tracer) -> io::Result<SocketAddr> {
    let stock = Router::new().nest("/stock", Router::new().route("/", get(catalogue)));
    // Each protocol has its own layer, around its own routes.
    let http = stock.layer(TraceLayer::for_axum(tracer.clone()).tell_callers(true));
    let grpc = Routes::new(InventoryServer::new(Shelves))
        .prepare()
        .into_axum_router()
        .layer(
            grpc_trace::TraceLayer::new(tracer)
                .service::<InventoryServer<Shelves>>()
                .tell_callers(true),
        );
    listen::axum(http.merge(grpc)).await
}

struct Shelves;

#[tonic::async_trait]
impl Inventory for Shelves {
    type ReserveStream = BoxStream<'static, Result<ReserveStep, Status>>;

    /// Takes an item off its shelf. The sofas are in a warehouse that is out of reach.
    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<Self::ReserveStream>, Status> {
        let item = request.into_inner().item;
        SpanRef::current().set("shop.item", &item);
        work(9).await;
        if item == "sofa" {
            tracing::error!(item, "the warehouse does not answer");
            return Err(Status::unavailable("the warehouse does not answer"));
        }
        Ok(Response::new(steps().boxed()))
    }
}

/// The span of the call is current while its stream is made.
fn steps() -> impl Stream<Item = Result<ReserveStep, Status>> {
    stream::iter(["found", "picked"]).then(|done| async move {
        work(5).await;
        SpanRef::current().event("shelf.step", |event| event.set("shop.done", done));
        Ok(ReserveStep {
            done: done.to_owned(),
        })
    })
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
