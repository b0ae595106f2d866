use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::describe::DescribeClient;
use super::policy::ClientPolicy;
use crate::exchange::{ResponseBody, ResponseFuture};

/// A client whose requests are traced. Made by [`ClientTraceLayer`](super::ClientTraceLayer); see the [module docs](crate::client).
#[derive(Clone)]
pub struct ClientTrace<S> {
    inner: S,
    policy: Arc<ClientPolicy>,
}

impl<S> ClientTrace<S> {
    pub(super) const fn new(inner: S, policy: Arc<ClientPolicy>) -> Self {
        Self { inner, policy }
    }

    /// The traced client.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The traced client.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The client without tracing.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for ClientTrace<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: Body,
{
    type Response = Response<ResponseBody<R, DescribeClient>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, DescribeClient>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut exchange = self.policy.begin(&mut request);
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = self.inner.call(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.way_back.clone())
    }
}

impl<S, B, R> hyper::service::Service<Request<B>> for ClientTrace<S>
where
    S: hyper::service::Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: Body,
{
    type Response = Response<ResponseBody<R, DescribeClient>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, DescribeClient>;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        let mut exchange = self.policy.begin(&mut request);
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = self.inner.call(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.way_back.clone())
    }
}

impl<S: fmt::Debug> fmt::Debug for ClientTrace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTrace")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
