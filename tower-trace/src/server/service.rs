use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::describe::DescribeServer;
use super::policy::ServerPolicy;
use crate::exchange::{ResponseBody, ResponseFuture};
use crate::head::RequestHead;

/// A service whose requests are traced. Made by [`TraceLayer`](super::TraceLayer); see the [module docs](crate::server).
///
/// It is a tower service around a tower service, and a hyper service around a hyper one.
#[derive(Clone)]
pub struct Trace<S> {
    inner: S,
    policy: Arc<ServerPolicy>,
}

impl<S> Trace<S> {
    pub(super) const fn new(inner: S, policy: Arc<ServerPolicy>) -> Self {
        Self { inner, policy }
    }

    /// The traced service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The traced service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service without tracing.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for Trace<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: Body,
{
    type Response = Response<ResponseBody<R, DescribeServer>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, DescribeServer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut exchange = self.policy.begin(RequestHead::new(&request));
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = self.inner.call(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.echo.clone())
    }
}

impl<S, B, R> hyper::service::Service<Request<B>> for Trace<S>
where
    S: hyper::service::Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: Body,
{
    type Response = Response<ResponseBody<R, DescribeServer>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, DescribeServer>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let mut exchange = self.policy.begin(RequestHead::new(&request));
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = self.inner.call(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.echo.clone())
    }
}

impl<S: fmt::Debug> fmt::Debug for Trace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
