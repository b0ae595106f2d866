use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use tower_trace::exchange::{ResponseBody, ResponseFuture};

use super::policy::ClientPolicy;
use crate::describe::DescribeCall;

/// A client whose calls are traced: what generated clients are made from. Made by [`ClientTraceLayer`](super::ClientTraceLayer); see the
/// [module docs](crate::client).
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
    B: 'static,
    R: Body,
{
    type Response = Response<ResponseBody<R, DescribeCall>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, DescribeCall>;

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
        ResponseFuture::new(answer, exchange, self.policy.echo.clone())
    }
}

impl<S: fmt::Debug> fmt::Debug for ClientTrace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTrace")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
