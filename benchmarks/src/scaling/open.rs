//! Memory of spans that have not ended.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;

use http::Response;
use tower::{Layer as _, Service};
use tower_trace::carrier::HeaderExtractor;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Span, SpanKind, Tracer, semconv};

use super::requests::{Counted, OrdersRequest, begin, inner, layer, requests};
use super::usage::resident;
use crate::Error;
use crate::request::{CALLER, ROUTE};

pub(super) const NAME: &str = "open";

/// What is open.
#[derive(Clone, Copy)]
enum Kind {
    /// Responses whose bodies nobody has read, without tracing.
    Bare,
    /// The same with tracing: each has a span with all of its attributes.
    Exchanges,
    /// Spans with the attributes of such an exchange, and nothing around them.
    Spans,
}

/// Things that hold a span each, which ends with them.
struct Open {
    held: Box<dyn Any>,
    sink: Arc<Counted>,
}

impl Open {
    /// So many of a kind.
    fn new(kind: Kind, count: usize) -> Self {
        let sink = Arc::new(Counted::default());
        let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
        let held = match kind {
            Kind::Bare => begin_all(inner(), count),
            Kind::Exchanges => begin_all(layer(tracer).layer(inner()), count),
            Kind::Spans => begin_spans(&tracer, count),
        };
        Self { held, sink }
    }

    /// Ends them all, and says how many spans there were. None may have ended before.
    fn end(self) -> u64 {
        let before = self.sink.spans();
        drop(self.held);
        self.sink.spans() - before
    }
}

fn begin_all<S, B>(mut service: S, count: usize) -> Box<dyn Any>
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible>,
    B: 'static,
{
    let make = requests();
    let mut bodies: Vec<B> = Vec::with_capacity(count);
    bodies.extend((0..count).filter_map(|_| begin(&mut service, make())));
    Box::new(bodies)
}

fn begin_spans(tracer: &Tracer, count: usize) -> Box<dyn Any> {
    let caller = tracer.extract(&HeaderExtractor(requests()().headers()));
    let mut spans: Vec<Span> = Vec::with_capacity(count);
    spans.extend((0..count).map(|_| {
        tracer
            .span("GET /api/users/{id}/orders")
            .kind(SpanKind::Server)
            .parent(&caller)
            .start_with(describe)
    }));
    Box::new(spans)
}

/// As `TraceLayer` does, from the first header to the end of the head.
fn describe(span: &mut SpanWriter<'_>) {
    span.set_new(semconv::HTTP_REQUEST_METHOD, "GET");
    span.set_new(semconv::URL_SCHEME, "http");
    span.set_new(semconv::URL_PATH, "/api/users/12345/orders");
    span.set_new(semconv::URL_QUERY, "limit=10");
    span.set_new(semconv::HTTP_ROUTE, ROUTE);
    span.set_new(semconv::SERVER_ADDRESS, "orders.example");
    span.set_new(semconv::SERVER_PORT, 8080);
    span.set_new(semconv::CLIENT_ADDRESS, "192.0.2.17");
    span.set_new(semconv::NETWORK_PEER_ADDRESS, "192.0.2.17");
    span.set_new(semconv::NETWORK_PEER_PORT, 52_814);
    span.set_new(semconv::NETWORK_PROTOCOL_VERSION, "1.1");
    span.set_new(semconv::USER_AGENT_ORIGINAL, CALLER);
    span.set_new(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
}

/// `open <count> bare|exchanges|spans`: bytes for each.
pub(super) fn work(arguments: &[&str]) -> Result<Vec<f64>, Error> {
    let [count, kind] = *arguments else {
        return Err("how many, and of what?".into());
    };
    let count: usize = count.parse()?;
    let (kind, expected) = match kind {
        "bare" => (Kind::Bare, 0),
        "exchanges" => (Kind::Exchanges, count as u64),
        "spans" => (Kind::Spans, count as u64),
        _ => return Err(format!("`{kind}` is not known").into()),
    };
    // One-time memory is there before, and what pools keep is in use.
    let first = Open::new(kind, 1000);
    let before = resident()?;
    let open = Open::new(kind, count);
    let held = resident()?.saturating_sub(before);
    let spans = open.end();
    drop(first);
    if spans != expected {
        return Err(format!("{spans} spans of {expected}").into());
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
    Ok(vec![held as f64 / count as f64])
}
