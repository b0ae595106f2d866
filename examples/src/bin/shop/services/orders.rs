//! orders: axum, tonic's clients over traced channels, and a Kafka producer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use examples::shop::inventory_client::InventoryClient;
use examples::shop::payment_client::PaymentClient;
use examples::shop::{ChargeRequest, ReserveRequest};
use grpc_trace::{ClientTrace, ClientTraceLayer};
use http::StatusCode;
use queue_trace::QueueTracer;
use queue_trace::kafka::TracedProducer;
use rdkafka::producer::FutureRecord;
use serde::Deserialize;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower_trace::TraceLayer;
use tracing_core_ctx::{Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};
use crate::brokers::{BoxError, Brokers, ORDERS_PLACED, Underway};

/// How long the queue of the producer may be full.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Orders {
    inventory: InventoryClient<ClientTrace<Channel>>,
    payment: PaymentClient<ClientTrace<Channel>>,
    events: TracedProducer,
    underway: Underway,
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
    brokers: &Brokers,
) -> Result<SocketAddr, BoxError> {
    let trace = ClientTraceLayer::new(tracer.clone()).hear_callees(true);
    let connect = |address: SocketAddr| {
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        Ok::<_, io::Error>(trace.connect_lazy(&endpoint.map_err(io::Error::other)?))
    };
    let orders = Orders {
        inventory: InventoryClient::new(connect(inventory)?),
        payment: PaymentClient::new(connect(payment)?),
        events: brokers.kafka.producer(QueueTracer::new(tracer.clone()))?,
        underway: brokers.underway.clone(),
    };
    let router = Router::new()
        .route("/orders", post(place))
        .with_state(orders)
        .layer(TraceLayer::for_axum(tracer).tell_callers(true));
    Ok(listen::axum(router).await?)
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
            orders.announce(&order).await;
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

    /// Tells whoever wants to know. That nobody could be told is no reason to take the order back.
    async fn announce(&self, order: &Order) {
        let text =
            serde_json::json!({ "customer": order.customer, "item": order.item }).to_string();
        let record = FutureRecord::to(ORDERS_PLACED)
            .key(&order.customer)
            .payload(&text);
        // Two services listen.
        let send = self.events.send(record, PATIENCE);
        if self.underway.send(self.underway.send(send)).await.is_err() {
            SpanRef::current().event("announcement.failed", |_| {});
        }
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
