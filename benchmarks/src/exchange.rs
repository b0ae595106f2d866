use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::{Service, service_fn};
use tracing_core_ctx::context::{Context as TraceContext, Scope};

use crate::request::OrdersRequest;
use crate::sink::Collected;
use crate::{BATCH, Subject};

/// Requests through a service, one after the other, each answered and its body read to the end. There is no runtime: a loop polls.
pub(crate) struct Exchanges<S> {
    pub(crate) service: S,
    pub(crate) make: Box<dyn Fn() -> OrdersRequest>,
    /// What is current around the calls.
    pub(crate) context: TraceContext,
    pub(crate) sink: Arc<Collected>,
    requests: Vec<OrdersRequest>,
    scope: Option<Scope>,
}

impl<S> Exchanges<S> {
    pub(crate) fn new(
        service: S,
        sink: Arc<Collected>,
        make: impl Fn() -> OrdersRequest + 'static,
    ) -> Self {
        Self {
            service,
            make: Box::new(make),
            context: TraceContext::new(),
            sink,
            requests: Vec::with_capacity(BATCH),
            scope: None,
        }
    }

    pub(crate) fn within(mut self, context: TraceContext) -> Self {
        self.context = context;
        self
    }
}

impl<S, B> Subject for Exchanges<S>
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible>,
{
    fn prepare(&mut self) {
        self.requests.extend((0..BATCH).map(|_| (self.make)()));
        self.scope = Some(self.context.clone().attach());
    }

    fn run(&mut self) {
        for request in self.requests.drain(..) {
            exchange(&mut self.service, request);
        }
    }

    fn settle(&mut self) {
        self.scope = None;
        self.sink.settle(|_| {});
    }

    fn delivered(&self) -> u64 {
        self.sink.delivered()
    }
}

fn exchange<S, B>(service: &mut S, request: OrdersRequest)
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        service.poll_ready(&mut cx).is_ready(),
        "the service is always ready"
    );
    let response = {
        let mut future = pin!(service.call(request));
        loop {
            if let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) {
                break response;
            }
        }
    };
    let mut body = pin!(response.into_body());
    while let Poll::Pending | Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
}

/// The service behind the layer: 200 with a small body.
pub(crate) fn inner()
-> impl Service<OrdersRequest, Response = Response<Full<Bytes>>, Error = Infallible> {
    service_fn(|request: Request<Full<Bytes>>| async move {
        drop(request);
        let mut response =
            Response::new(Full::new(Bytes::from_static(br#"{"orders":[17,18,19]}"#)));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    })
}
