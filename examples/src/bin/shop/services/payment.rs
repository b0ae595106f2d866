//! payment: tonic, a hyper connection by hand to ask the fraud check, and a Kafka producer.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use examples::shop::payment_server::{Payment, PaymentServer};
use examples::shop::{ChargeReply, ChargeRequest};
use grpc_trace::TraceLayer;
use http::header;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use queue_trace::QueueTracer;
use queue_trace::kafka::TracedProducer;
use rdkafka::producer::FutureRecord;
use tokio::net::TcpStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tower_trace::{ClientTraceLayer, Templates};
use tracing_core_ctx::{Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};
use crate::brokers::{BoxError, Brokers, PAYMENTS_CHARGED, Underway};

/// How long the queue of the producer may be full.
const PATIENCE: Duration = Duration::from_secs(1);

struct Cashier {
    fraud: SocketAddr,
    trace: ClientTraceLayer,
    events: TracedProducer,
    underway: Underway,
}

pub(super) async fn open(
    tracer: Tracer,
    fraud: SocketAddr,
    brokers: &Brokers,
) -> Result<SocketAddr, BoxError> {
    let urls = Templates::new(["/risk/{customer}"])?;
    let cashier = Cashier {
        fraud,
        trace: ClientTraceLayer::new(tracer.clone())
            .templates(urls)
            .hear_callees(true),
        events: brokers.kafka.producer(QueueTracer::new(tracer.clone()))?,
        underway: brokers.underway.clone(),
    };
    let server = Server::builder()
        .layer(
            TraceLayer::new(tracer)
                .service::<PaymentServer<Cashier>>()
                .tell_callers(true),
        )
        .add_service(PaymentServer::new(cashier));
    Ok(listen::tonic(|incoming| {
        server.serve_with_incoming(incoming)
    })?)
}

#[tonic::async_trait]
impl Payment for Cashier {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeReply>, Status> {
        let risk = match self.risk_of(&request.get_ref().customer).await {
            Ok(risk) => risk,
            Err(error) => {
                SpanRef::current().record_failure(&*error);
                return Err(Status::unavailable("the fraud check is out of reach"));
            }
        };
        let customer = &request.get_ref().customer;
        let bank = async {
            work(11).await;
            if risk != "low" {
                tracing::warn!(risk, "declined");
                SpanRef::current().event("charge.declined", |event| event.set("shop.risk", &*risk));
                return Err(Status::failed_precondition("the bank declined"));
            }
            Ok(())
        };
        bank.in_span(Span::child("ask bank")).await?;
        self.announce(customer).await;
        Ok(Response::new(ChargeReply {}))
    }
}

impl Cashier {
    /// Tells whoever wants to know. That nobody could be told does not give the money back.
    async fn announce(&self, customer: &str) {
        let record = FutureRecord::to(PAYMENTS_CHARGED)
            .key(customer)
            .payload(customer);
        if self
            .underway
            .send(self.events.send(record, PATIENCE))
            .await
            .is_err()
        {
            SpanRef::current().event("announcement.failed", |_| {});
        }
    }

    /// Asks the fraud check over a connection of its own: no pool, no tower, no client library.
    async fn risk_of(&self, customer: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(self.fraud).await?;
        let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        let request = http::Request::get(format!("/risk/{customer}"))
            .header(header::HOST, self.fraud.to_string())
            .body(Empty::<Bytes>::new())?;
        let response = self
            .trace
            .send(request, |request| connection.send_request(request))
            .await?;
        let risk = response.into_body().collect().await?.to_bytes();
        Ok(String::from_utf8_lossy(&risk).into_owned())
    }
}
