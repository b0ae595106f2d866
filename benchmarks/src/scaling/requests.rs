//! The requests of these measurements, and the layer that they go through.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::{Empty, Full};
use tower::{Service, service_fn};
use tower_trace::{PeerAddr, TraceLayer};
use trace_pipeline::{Batch, ExportError, Exporter};
use tracing_core_ctx::{SpanRecord, SpanSink, Tracer};

use crate::exchange::ORDERS;
use crate::request::{AUTHORITY, CALLER, ROUTE, SAMPLED, TARGET, TRACE_STATE};

pub(super) type OrdersRequest = Request<Empty<Bytes>>;

/// What a router leaves on a request that it has matched: axum keeps the route so.
#[derive(Clone, Debug)]
struct MatchedRoute(Arc<str>);

/// Sampled by their caller, through a router, from a known peer: their spans have the full set of attributes.
pub(super) fn requests() -> impl Fn() -> OrdersRequest {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::HOST, AUTHORITY),
        (header::USER_AGENT, CALLER),
        (header::ACCEPT, "application/json"),
        (HeaderName::from_static("traceparent"), SAMPLED),
        (HeaderName::from_static("tracestate"), TRACE_STATE),
    ];
    let route = MatchedRoute(ROUTE.into());
    move || {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_static(TARGET);
        for (name, value) in HEADERS {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
        let peer = PeerAddr(([192, 0, 2, 17], 52_814).into());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(route.clone());
        request
    }
}

pub(super) fn layer(tracer: Tracer) -> TraceLayer {
    TraceLayer::new(tracer).route(|head| {
        head.extensions
            .get::<MatchedRoute>()
            .map(|route| Cow::Borrowed(&*route.0))
    })
}

/// The service behind the layer: a small body, at once.
pub(super) fn inner()
-> impl Service<OrdersRequest, Response = Response<Full<Bytes>>, Error = Infallible> {
    service_fn(|request: OrdersRequest| async move {
        drop(request);
        Ok(answer())
    })
}

pub(super) fn answer() -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(ORDERS)))
}

/// Polls the head of a response out of a service that answers at once.
pub(super) fn begin<S, B>(service: &mut S, request: OrdersRequest) -> Option<B>
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(service.call(request)).as_mut().poll(&mut cx) {
        Poll::Ready(Ok(response)) => Some(response.into_body()),
        Poll::Pending => None,
    }
}

/// Reads a body to its end.
pub(super) fn read(body: impl Body) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut body = pin!(body);
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
}

/// Counts spans and frees them at once: the least that a sink can do. Each thread counts by itself, so that nobody waits for a count.
#[derive(Debug, Default)]
pub(super) struct Counted {
    counts: [Count; 8],
}

/// Alone in what a processor fetches at once.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicU64);

thread_local! {
    static OWN: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

impl Counted {
    pub(super) fn spans(&self) -> u64 {
        let counts = self.counts.iter();
        counts.map(|count| count.0.load(Ordering::Relaxed)).sum()
    }
}

impl SpanSink for Counted {
    fn submit(&self, _span: SpanRecord) {
        let own = OWN.with(|own| own % self.counts.len());
        self.counts[own].0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A back end that takes everything at once.
#[derive(Debug)]
pub(super) struct Discard;

impl Exporter for Discard {
    fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}
