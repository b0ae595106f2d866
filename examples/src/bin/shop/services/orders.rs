//! orders: axum, and hyper-util's client as a tower service: tracing is one layer among others there.

mod client;

use std::io;
use std::net::SocketAddr;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use client::{Client, Unavailable};
use http::StatusCode;
use serde::Deserialize;
use tower_trace::TraceLayer;
use tracing_core_ctx::{Relation, Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};

#[derive(Clone)]
struct Orders {
    tracer: Tracer,
    client: Client,
    inventory: SocketAddr,
    payment: SocketAddr,
}

#[derive(Debug, Deserialize)]
struct Order {
    item: String,
    customer: String,
}

pub(super) async fn open(
    tracer: Tracer,
    inventory: SocketAddr,
    payment: SocketAddr,
) -> io::Result<SocketAddr> {
    let orders = Orders {
        client: Client::new(tracer.clone()).map_err(io::Error::other)?,
        tracer: tracer.clone(),
        inventory,
        payment,
    };
    let router = Router::new()
        .route("/orders", post(place))
        .with_state(orders)
        .layer(TraceLayer::for_axum(tracer));
    listen::axum(router).await
}

/// Prices the order, then reserves its item and charges the customer at the same time. Whichever fails first cancels the other.
async fn place(State(orders): State<Orders>, Json(order): Json<Order>) -> StatusCode {
    SpanRef::current().set("shop.item", &order.item);
    work(6).in_span(Span::child("price")).await;
    let reserve = orders.reserve(&order.item).in_span(Span::child("reserve"));
    let charge = orders
        .charge(&order.customer)
        .in_span(Span::child("charge"));
    match tokio::try_join!(reserve, charge) {
        Ok(((), ())) => {
            orders.send_receipt();
            StatusCode::CREATED
        }
        Err(status) => status,
    }
}

impl Orders {
    async fn reserve(&self, item: &str) -> Result<(), StatusCode> {
        let url = format!("http://{}/stock/{item}", self.inventory);
        expect_created(self.client.post(url).await)
    }

    async fn charge(&self, customer: &str) -> Result<(), StatusCode> {
        let url = format!("http://{}/charges/{customer}", self.payment);
        expect_created(self.client.post(url).await)
    }

    /// Nobody waits for the receipt: it follows from the order, in a trace of its own.
    fn send_receipt(&self) {
        let mut span = self.tracer.span("send receipt").root();
        if let Some(order) = SpanRef::current().span_context() {
            span = span.relation(Relation::FollowsFrom(order.clone()));
        }
        let send = async {
            work(7).await;
            SpanRef::current().event("mail.queued", |_| {});
        };
        tokio::spawn(send.in_span(span.start()));
    }
}

/// The span that is current has failed with anything else.
fn expect_created(answer: Result<StatusCode, Unavailable>) -> Result<(), StatusCode> {
    let span = SpanRef::current();
    match answer {
        Ok(StatusCode::CREATED) => Ok(()),
        Ok(StatusCode::PAYMENT_REQUIRED) => {
            span.fail("declined", "the bank declined");
            Err(StatusCode::PAYMENT_REQUIRED)
        }
        Ok(status) => {
            span.fail(status.as_str(), "");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(error) => {
            span.record_failure(&*error);
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
