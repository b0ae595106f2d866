use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tonic::server::NamedService;
use tower_service::Service;
use tower_trace::RequestHead;
use tower_trace::exchange::{ResponseBody, ResponseFuture};

use super::policy::ServerPolicy;
use crate::body;
use crate::describe::DescribeCall;

/// A service whose calls are traced. Made by [`TraceLayer`](super::TraceLayer); see the [module docs](crate::server).
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
        let mut exchange = self.policy.begin(RequestHead::new(&request));
        if let Some(counter) = exchange.describe().and_then(DescribeCall::requests) {
            // The handler reads the body in its own polls, where the context is current already.
            body::accompany(request.body_mut(), exchange.context(), Some(counter));
        }
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = self.inner.call(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.echo.clone())
    }
}

/// A traced service is routed to as before.
impl<S: NamedService> NamedService for Trace<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: fmt::Debug> fmt::Debug for Trace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
