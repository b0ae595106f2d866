use std::fmt;
use std::sync::Arc;

use http::Request;
use tower_layer::Layer;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::semconv::StabilityOptIn;

use super::describe::DescribeClient;
use super::policy::ClientPolicy;
use super::propagate::Propagate;
use super::service::ClientTrace;
use crate::SCOPE;
use crate::capture::Captured;
use crate::exchange::ResponseFuture;
use crate::method::KnownMethods;
use crate::redact::SensitiveKeys;
use crate::route::Routes;

/// Traces the requests that a program sends. See the [module docs](crate::client).
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put on a client"]
pub struct ClientTraceLayer {
    pub(super) policy: Arc<ClientPolicy>,
}

impl ClientTraceLayer {
    /// Traces by `tracer`, with the stable HTTP conventions, redacted URLs and no headers; hands contexts on to every host.
    pub fn new(tracer: Tracer) -> Self {
        Self {
            policy: Arc::new(ClientPolicy {
                propagate: Propagate::new(&tracer),
                tracer: tracer.with_scope(&SCOPE),
                routes: Routes::default(),
                filter: None,
                on_request: None,
                on_response: None,
                sensitive: SensitiveKeys::default(),
                request_headers: Captured::default(),
                response_headers: Captured::default(),
                body_sizes: false,
                end_at_head: false,
                scheme: "http",
                methods: KnownMethods::from_env(),
                legacy_names: StabilityOptIn::from_env().http_dup(),
                way_back: None,
                observer: None,
            }),
        }
    }

    /// Traces one request that is sent by a function, where there is no service: with hyper's own connections for example.
    ///
    /// ```no_run
    /// use bytes::Bytes;
    /// use http_body_util::Empty;
    /// use tower_trace::ClientTraceLayer;
    ///
    /// # async fn demo(
    /// #     tracing: ClientTraceLayer,
    /// #     mut connection: hyper::client::conn::http1::SendRequest<Empty<Bytes>>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("/users/7").header("host", "api.example").body(Empty::new())?;
    /// let response = tracing.send(request, |request| connection.send_request(request)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send<B, F>(
        &self,
        mut request: Request<B>,
        send: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F, DescribeClient> {
        let mut exchange = self.policy.begin(&mut request);
        let mut running = exchange.running();
        let entered = running.enter();
        let answer = send(request);
        drop(entered);
        running.returned();
        ResponseFuture::new(answer, exchange, self.policy.way_back.clone())
    }
}

#[cfg(feature = "reqwest")]
impl ClientTraceLayer {
    /// Whether contexts are handed on to this host.
    pub(crate) fn reaches(&self, host: Option<&str>, port: Option<u16>) -> bool {
        self.policy.propagate.reaches(|| (host, port))
    }
}

impl<S> Layer<S> for ClientTraceLayer {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace::new(inner, Arc::clone(&self.policy))
    }
}

impl fmt::Debug for ClientTraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTraceLayer")
            .field("tracer", &self.policy.tracer)
            .field("propagate", &self.policy.propagate)
            .finish_non_exhaustive()
    }
}
