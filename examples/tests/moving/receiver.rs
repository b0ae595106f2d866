//! A back end that keeps the spans it is sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

type Spans = Arc<Mutex<Vec<Span>>>;

pub(crate) struct Receiver {
    address: SocketAddr,
    spans: Spans,
    _runtime: Runtime,
}

impl Receiver {
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Runtime::new()?;
        let spans = Spans::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&spans));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            spans,
            _runtime: runtime,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The names of all spans, each with that of the span above it, in the order in which they started.
    pub(crate) fn tree(&self) -> Vec<String> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.sort_by_key(|span| span.start_time_unix_nano);
        let name = |span: &Span| {
            (
                (span.trace_id.clone(), span.span_id.clone()),
                span.name.clone(),
            )
        };
        let names: HashMap<_, _> = spans.iter().map(name).collect();
        let line = |span: &Span| {
            let above = (span.trace_id.clone(), span.parent_span_id.clone());
            match names.get(&above) {
                Some(above) => format!("{above} > {}", span.name),
                None => span.name.clone(),
            }
        };
        spans.iter().map(line).collect()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    let new = scopes.flat_map(|scope| scope.spans);
    spans
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(new);
    StatusCode::OK
}
