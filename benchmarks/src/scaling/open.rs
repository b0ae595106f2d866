//! Memory of spans that have not ended.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower::{Layer as _, Service};
use tracing_core_ctx::Tracer;

use super::requests::{Counted, layer, requests};
use super::resident::resident;
use crate::Error;
use crate::exchange::inner;
use crate::request::OrdersRequest;

pub(super) const NAME: &str = "open";

/// Exchanges whose responses have begun and whose bodies nobody has read: with tracing, each has a span with all of its attributes.
pub struct OpenExchanges {
    bodies: Vec<Box<dyn Body<Data = Bytes, Error = Infallible>>>,
    sink: Arc<Counted>,
}

/// So many exchanges, without tracing or with it.
#[must_use]
pub fn open_exchanges(count: usize, traced: bool) -> OpenExchanges {
    let sink = Arc::new(Counted::default());
    let bodies = if traced {
        let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
        begin(layer(tracer).layer(inner()), count)
    } else {
        begin(inner(), count)
    };
    OpenExchanges { bodies, sink }
}

impl OpenExchanges {
    /// Ends them all, and says how many spans there were.
    #[must_use]
    pub fn end(self) -> u64 {
        assert_eq!(self.sink.spans(), 0, "no span ends before its exchange");
        drop(self.bodies);
        self.sink.spans()
    }
}

impl fmt::Debug for OpenExchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenExchanges({})", self.bodies.len())
    }
}

fn begin<S, B>(mut service: S, count: usize) -> Vec<Box<dyn Body<Data = Bytes, Error = Infallible>>>
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible> + 'static,
{
    let mut cx = Context::from_waker(Waker::noop());
    let make = requests();
    let mut bodies: Vec<Box<dyn Body<Data = Bytes, Error = Infallible>>> =
        Vec::with_capacity(count);
    for _ in 0..count {
        let mut future = pin!(service.call(make()));
        if let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) {
            bodies.push(Box::new(response.into_body()));
        }
    }
    bodies
}

/// `open <exchanges> bare|traced`: bytes for each.
pub(super) fn work(arguments: &[&str]) -> Result<Vec<f64>, Error> {
    let [count, traced] = arguments else {
        return Err("how many, and `bare` or `traced`?".into());
    };
    let count: usize = count.parse()?;
    let traced = *traced == "traced";
    // Pools and one-time memory are there before.
    let _ = open_exchanges(100, traced).end();
    let before = resident()?;
    let open = open_exchanges(count, traced);
    let held = resident()?.saturating_sub(before);
    let spans = open.end();
    if spans != if traced { count as u64 } else { 0 } {
        return Err(format!("{spans} spans of {count} exchanges").into());
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
    Ok(vec![held as f64 / count as f64])
}
