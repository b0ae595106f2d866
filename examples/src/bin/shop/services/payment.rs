//! payment: axum, and a hyper connection by hand to ask the fraud check.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_trace::{ClientTraceLayer, Templates, TraceLayer};
use tracing_core_ctx::{Span, SpanFutureExt as _, SpanRef, Tracer};

use super::{listen, work};

#[derive(Clone)]
struct Payment {
    fraud: SocketAddr,
    trace: ClientTraceLayer,
}

pub(super) async fn open(tracer: Tracer, fraud: SocketAddr) -> io::Result<SocketAddr> {
    let urls = Templates::new(["/risk/{customer}"]).map_err(io::Error::other)?;
    let payment = Payment {
        fraud,
        trace: ClientTraceLayer::new(tracer.clone()).templates(urls),
    };
    let router = Router::new()
        .route("/charges/{customer}", post(charge))
        .with_state(payment)
        .layer(TraceLayer::for_axum(tracer));
    listen::axum(router).await
}

/// Charges a customer who passes the fraud check.
async fn charge(State(payment): State<Payment>, Path(customer): Path<String>) -> StatusCode {
    let risk = match payment.risk_of(&customer).await {
        Ok(risk) => risk,
        Err(error) => {
            SpanRef::current().record_failure(&*error);
            return StatusCode::BAD_GATEWAY;
        }
    };
    let bank = async {
        work(11).await;
        if risk != "low" {
            SpanRef::current().event("charge.declined", |event| event.set("shop.risk", &*risk));
            return StatusCode::PAYMENT_REQUIRED;
        }
        StatusCode::CREATED
    };
    bank.in_span(Span::child("ask bank")).await
}

impl Payment {
    /// Asks the fraud check over a connection of its own: no pool, no tower, no client library.
    async fn risk_of(&self, customer: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(self.fraud).await?;
        let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        let request = Request::get(format!("/risk/{customer}"))
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
