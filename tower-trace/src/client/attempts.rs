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
/// ```
/// use tower::{ServiceBuilder, retry::RetryLayer};
/// use tower_trace::{ClientTraceLayer, client::AttemptsLayer};
/// # use tracing_core_ctx::Tracer;
/// # fn demo<P>(tracer: Tracer, policy: P) {
///
/// let client = ServiceBuilder::new()
///     .layer(AttemptsLayer::default())
///     .layer(RetryLayer::new(policy))
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
