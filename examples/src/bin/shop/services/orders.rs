//! orders: axum, and tonic's clients over traced channels.

use std::io;
use std::net::SocketAddr;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use examples::shop::inventory_client::InventoryClient;
use examples::shop::payment_client::PaymentClient;
use examples::shop::{ChargeRequest, ReserveRequest};
use grpc_trace::{ClientTrace, ClientTraceLayer};
use http::StatusCode;
use serde::Deserialize;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower_trace::TraceLayer;
use tracing_core_ctx::{Relation, Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};

#[derive(Clone)]
struct Orders {
    tracer: Tracer,
    inventory: InventoryClient<ClientTrace<Channel>>,
    payment: PaymentClient<ClientTrace<Channel>>,
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
    let trace = ClientTraceLayer::new(tracer.clone());
    let connect = |address: SocketAddr| {
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        Ok::<_, io::Error>(trace.connect_lazy(&endpoint.map_err(io::Error::other)?))
    };
    let orders = Orders {
        inventory: InventoryClient::new(connect(inventory)?),
        payment: PaymentClient::new(connect(payment)?),
        tracer: tracer.clone(),
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
    tracing::info!(item = order.item, "order placed");
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
    /// Asks again, once, if the inventory is not available. Each attempt is a span of its own.
    async fn reserve(&self, item: &str) -> Result<(), StatusCode> {
        let mut status = self.try_reserve(item).await;
        if status
            .as_ref()
            .is_err_and(|status| status.code() == Code::Unavailable)
        {
            SpanRef::current().event("retry", |_| {});
            status = self.try_reserve(item).await;
        }
        expect_ok(status)
    }

    async fn try_reserve(&self, item: &str) -> Result<(), Status> {
        let item = item.to_owned();
        let steps = self
            .inventory
            .clone()
            .reserve(ReserveRequest { item })
            .await?;
        let mut steps = steps.into_inner();
        while let Some(step) = steps.message().await? {
            SpanRef::current().event("step", |event| event.set("shop.done", &*step.done));
        }
        Ok(())
    }

    async fn charge(&self, customer: &str) -> Result<(), StatusCode> {
        let customer = customer.to_owned();
        let charged = self
            .payment
            .clone()
            .charge(ChargeRequest { customer })
            .await;
        expect_ok(charged.map(drop))
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
fn expect_ok(answer: Result<(), Status>) -> Result<(), StatusCode> {
    let span = SpanRef::current();
    answer.map_err(|status| match status.code() {
        Code::FailedPrecondition => {
            span.fail("declined", status.message().to_owned());
            StatusCode::PAYMENT_REQUIRED
        }
        _ => {
            span.record_failure(&status);
            StatusCode::SERVICE_UNAVAILABLE
        }
    })
}
