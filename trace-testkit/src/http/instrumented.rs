use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use super::{BoxError, TestBody};

/// A body whose type is of no interest any more.
pub type ErasedBody = UnsyncBoxBody<Bytes, BoxError>;

/// The future of an [`Instrumented`] service.
pub type ErasedFuture =
    Pin<Box<dyn Future<Output = Result<Response<ErasedBody>, BoxError>> + Send>>;

/// An instrumentation around a [`TestService`](super::TestService), its types erased: what a harness hands to the suite.
pub struct Instrumented {
    service: Box<dyn ErasedService>,
    has_readiness: bool,
}

impl Instrumented {
    /// Any tower service.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<TestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            service: Box::new(service),
            has_readiness: true,
        }
    }

    /// Anything that can be called, such as a hyper service or a client: `call` must be the call itself and not a future that makes it later.
    /// Facts about readiness do not apply.
    ///
    /// ```
    /// use http::Request;
    /// use trace_testkit::http::{Instrumented, TestBody, TestService};
    ///
    /// # trait HyperService { type F; fn call(&self, request: Request<TestBody>) -> Self::F; }
    /// fn erase<S>(service: S) -> Instrumented
    /// where
    ///     S: HyperService + Clone + Send + 'static,
    ///     S::F: Future<Output = Result<http::Response<TestBody>, std::io::Error>> + Send + 'static,
    /// {
    ///     Instrumented::from_fn(move |request| service.call(request))
    /// }
    /// ```
    pub fn from_fn<C, F, B, E>(call: C) -> Self
    where
        C: FnMut(Request<TestBody>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<B>, E>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        E: Into<BoxError>,
    {
        Self {
            service: Box::new(Callable(call)),
            has_readiness: false,
        }
    }

    pub(crate) const fn has_readiness(&self) -> bool {
        self.has_readiness
    }
}

impl Service<Request<TestBody>> for Instrumented {
    type Response = Response<ErasedBody>;
    type Error = BoxError;
    type Future = ErasedFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<TestBody>) -> ErasedFuture {
        self.service.call(request)
    }
}

impl Clone for Instrumented {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone_box(),
            has_readiness: self.has_readiness,
        }
    }
}

impl fmt::Debug for Instrumented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").finish_non_exhaustive()
    }
}

trait ErasedService: Send {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
    fn call(&mut self, request: Request<TestBody>) -> ErasedFuture;
    fn clone_box(&self) -> Box<dyn ErasedService>;
}

impl<S, B> ErasedService for S
where
    S: Service<Request<TestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::poll_ready(self, cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<TestBody>) -> ErasedFuture {
        Box::pin(EraseResponse {
            inner: Box::pin(Service::call(self, request)),
        })
    }

    fn clone_box(&self) -> Box<dyn ErasedService> {
        Box::new(self.clone())
    }
}

/// Erases the types of the response.
///
/// It is no `async` block, because that would drop the inner future while a panic of it unwinds; here the inner future
/// lives as long as its owner lets it, as it does below most servers.
struct EraseResponse<F> {
    inner: Pin<Box<F>>,
}

impl<F, B, E> Future for EraseResponse<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Into<BoxError>,
{
    type Output = Result<Response<ErasedBody>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.inner.as_mut().poll(cx)).map_err(Into::into)?;
        Poll::Ready(Ok(
            response.map(|body| UnsyncBoxBody::new(body.map_err(Into::into)))
        ))
    }
}

#[derive(Clone)]
struct Callable<C>(C);

impl<C, F, R, E> Service<Request<TestBody>> for Callable<C>
where
    C: FnMut(Request<TestBody>) -> F,
    F: Future<Output = Result<R, E>>,
{
    type Response = R;
    type Error = E;
    type Future = F;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<TestBody>) -> F {
        (self.0)(request)
    }
}
