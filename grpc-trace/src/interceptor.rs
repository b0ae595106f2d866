//! Carrying contexts by interceptors, for those who can add nothing else.
//!
//! An interceptor sees the beginning of a call and not its end, so these make no spans: they hand contexts on. Where a layer can be put, it does
//! all of this and more.

use http::HeaderMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};
use tower_trace::carrier::HeaderExtractor;
use tower_trace::policy::Propagate;
use tracing_core_ctx::{Context, Tracer};

/// Writes the current context into the metadata of each call of a client, in place of what stands there: metadata that was copied from a caller may hold
/// the context of that one. A [`ClientTraceLayer`](crate::ClientTraceLayer) inside of it, even
/// behind a buffer, takes that context for its caller's.
///
/// ```
/// use grpc_trace::interceptor::InjectContext;
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// // GreeterClient::with_interceptor(channel, interceptor)
/// let interceptor = InjectContext::new(tracer);
/// # drop(interceptor);
/// ```
#[derive(Clone, Debug)]
pub struct InjectContext {
    tracer: Tracer,
    propagate: Propagate,
}

impl InjectContext {
    /// Writes by the tracer's propagators.
    #[must_use]
    pub fn new(tracer: Tracer) -> Self {
        Self {
            propagate: Propagate::new(&tracer),
            tracer,
        }
    }
}

impl Interceptor for InjectContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let current = Context::current();
        let headers: &mut HeaderMap = request.metadata_mut().as_mut();
        self.propagate.inject(&self.tracer, &current, headers);
        request.extensions_mut().insert(current);
        Ok(request)
    }
}

/// Reads the caller's context out of the metadata of each call of a server. Handlers find it in the request's extensions.
///
/// ```
/// use tonic::{Request, Response, Status};
/// use tracing_core_ctx::context::FutureExt as _;
/// use tracing_core_ctx::{Context, Tracer};
///
/// async fn say_hello(tracer: Tracer, request: Request<String>) -> Result<Response<String>, Status> {
///     let caller = request.extensions().get::<Context>().cloned().unwrap_or_default();
///     let span = tracer.span("say hello").parent(&caller).start();
///     let answer = async { Response::new("hello".to_owned()) };
///     Ok(answer.with_context(span.context()).await)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ExtractContext {
    tracer: Tracer,
}

impl ExtractContext {
    /// Reads by the tracer's propagators.
    #[must_use]
    pub const fn new(tracer: Tracer) -> Self {
        Self { tracer }
    }
}

impl Interceptor for ExtractContext {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self
            .tracer
            .extract(&HeaderExtractor(request.metadata().as_ref()));
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}
