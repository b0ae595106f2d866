use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

use super::spans;
use crate::Error;

#[derive(Debug, Default)]
struct Received {
    spans: AtomicU64,
    bytes: AtomicU64,
}

/// A back end that takes traces by OTLP over HTTP and counts their spans.
///
/// It writes its address as the first line, and answers each line it reads with the spans and the bytes that have arrived so far. It ends with
/// its input.
///
/// # Errors
///
/// When it cannot listen.
pub fn receive() -> Result<(), Error> {
    let received = Arc::new(Received::default());
    let app = Router::new()
        .route("/v1/traces", post(take))
        .with_state(Arc::clone(&received));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        thread::spawn(move || answer(&address.to_string(), &received));
        axum::serve(listener, app).await?;
        Ok(())
    })
}

async fn take(State(received): State<Arc<Received>>, headers: HeaderMap, body: Body) -> Response {
    let is_protobuf = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-protobuf");
    if !is_protobuf || headers.contains_key(header::CONTENT_ENCODING) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Ok(body) = body.collect().await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let body = body.to_bytes();
    let Some(spans) = spans::count(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    received.spans.fetch_add(spans, Ordering::Relaxed);
    received
        .bytes
        .fetch_add(body.len() as u64, Ordering::Relaxed);
    // All fields of the answer have their defaults: it is empty.
    ([(header::CONTENT_TYPE, "application/x-protobuf")], "").into_response()
}

/// Leaves the process when nobody asks any more.
fn answer(address: &str, received: &Received) {
    let mut out = io::stdout();
    let mut said = writeln!(out, "{address}");
    for line in io::stdin().lines() {
        if line.is_err() || said.is_err() {
            break;
        }
        let spans = received.spans.load(Ordering::Relaxed);
        let bytes = received.bytes.load(Ordering::Relaxed);
        said = writeln!(out, "{spans}\t{bytes}");
    }
    std::process::exit(0);
}
