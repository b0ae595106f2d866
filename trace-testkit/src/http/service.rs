use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{BoxError, Place, Probe, TestBody, TestError};

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response<TestBody>, BoxError>> + Send>>;

/// The service that an instrumentation wraps: a handler, watched from all sides.
///
/// It takes requests with a body of any type, so that an instrumentation may wrap request bodies too. A clone has to become ready by itself, as the
/// contract of [`Service`] says; a call without that is noted.
#[derive(Clone)]
pub struct TestService {
    handler: Arc<dyn Fn(Request<TestBody>) -> HandlerFuture + Send + Sync>,
    probe: Probe,
    readiness: Readiness,
    ready: Ready,
}

/// What the service says when it is asked whether it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Failed,
    Pending,
    Ready,
}

/// Belongs to one instance: a clone is not ready.
#[derive(Default)]
struct Ready(bool);

impl Clone for Ready {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl TestService {
    /// A service that is always ready and answers with `handler`.
    pub fn new<F, R>(handler: F) -> Self
    where
        F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
    {
        Self {
            handler: Arc::new(move |request| Box::pin(handler(request))),
            probe: Probe::new(),
            readiness: Readiness::Ready,
            ready: Ready(false),
        }
    }

    /// Which contexts were current where.
    #[must_use]
    pub const fn probe(&self) -> &Probe {
        &self.probe
    }

    pub(crate) const fn with_readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }
}

impl<B> Service<Request<B>> for TestService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<TestBody>;
    type Error = BoxError;
    type Future = TestFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.readiness {
            Readiness::Failed => Poll::Ready(Err(TestError.into())),
            Readiness::Pending => Poll::Pending,
            Readiness::Ready => {
                self.ready = Ready(true);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> TestFuture {
        if !std::mem::take(&mut self.ready).0 {
            self.probe.see_unready_call();
        }
        self.probe.see(Place::Call);
        TestFuture {
            inner: (self.handler)(request.map(TestBody::foreign)),
            probe: self.probe.clone(),
        }
    }
}

impl fmt::Debug for TestService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestService")
            .field("ready", &self.ready.0)
            .finish_non_exhaustive()
    }
}

/// The future of a [`TestService`].
#[must_use = "futures do nothing unless polled"]
pub struct TestFuture {
    inner: HandlerFuture,
    probe: Probe,
}

impl Future for TestFuture {
    type Output = Result<Response<TestBody>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.probe.see(Place::Poll);
        let poll = self.inner.as_mut().poll(cx);
        poll.map_ok(|response| response.map(|body| body.watched(&self.probe)))
    }
}

impl Drop for TestFuture {
    fn drop(&mut self) {
        self.probe.see(Place::FutureDrop);
    }
}

impl fmt::Debug for TestFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestFuture").finish_non_exhaustive()
    }
}
