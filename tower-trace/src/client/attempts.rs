use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

/// Counts how often one request was sent: a request extension that all clones of the request share.
///
/// A retrying layer clones the request for each attempt; with this extension, the layer inside tells them apart.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// For a request that was sent `times` times already, by something else that counts.
    #[must_use]
    pub fn sent(times: u32) -> Self {
        Self(Arc::new(AtomicU32::new(times)))
    }

    /// Takes the number of this attempt: 0 the first time.
    pub(super) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Puts [`Attempts`] on every request. Goes outside of the layer that retries.
///
/// The policy that retries sees the traced response; a policy for any body need not name its type:
///
/// ```
/// use std::future::{Ready, ready};
/// use tower::{ServiceBuilder, retry};
/// use tower_trace::{ClientTraceLayer, client::AttemptsLayer};
/// # use tracing_core_ctx::Tracer;
///
/// #[derive(Clone)]
/// struct Twice;
///
/// impl<B: Clone, R, E> retry::Policy<http::Request<B>, http::Response<R>, E> for Twice {
///     type Future = Ready<()>;
///
///     fn retry(
///         &mut self,
///         request: &mut http::Request<B>,
///         result: &mut Result<http::Response<R>, E>,
///     ) -> Option<Ready<()>> {
///         let busy = result.as_ref().is_ok_and(|response| response.status() == 503);
///         let first = request.extensions_mut().insert(Twice).is_none();
///         (busy && first).then(|| ready(()))
///     }
///
///     fn clone_request(&mut self, request: &http::Request<B>) -> Option<http::Request<B>> {
///         Some(request.clone())
///     }
/// }
///
/// # fn demo(tracer: Tracer) {
/// let client = ServiceBuilder::new()
///     .layer(AttemptsLayer::default())
///     .layer(retry::RetryLayer::new(Twice))
///     .layer(ClientTraceLayer::new(tracer));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AttemptsLayer {}

impl<S> Layer<S> for AttemptsLayer {
    type Service = CountAttempts<S>;

    fn layer(&self, inner: S) -> CountAttempts<S> {
        CountAttempts { inner }
    }
}

/// A client whose requests carry [`Attempts`]. Made by [`AttemptsLayer`].
#[derive(Clone, Copy, Debug)]
pub struct CountAttempts<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for CountAttempts<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(Attempts::default());
        self.inner.call(request)
    }
}
