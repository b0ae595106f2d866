use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::semconv::StabilityOptIn;

use super::policy::ServerPolicy;
use super::service::Trace;
use crate::SCOPE;
use crate::method::KnownMethods;
use crate::redact::SensitiveKeys;
use crate::repeat::Settings;
use crate::route::Routes;
use crate::trust::Trust;

/// Traces the requests that a service answers. See the [module docs](crate::server).
///
/// Everything has a default; closures are kept erased, so a configured layer is still a `TraceLayer`.
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put on a service"]
pub struct TraceLayer {
    pub(super) policy: Arc<ServerPolicy>,
}

impl TraceLayer {
    /// Traces by `tracer`, with the stable HTTP conventions, redacted queries and no headers.
    pub fn new(tracer: Tracer) -> Self {
        Self {
            policy: Arc::new(ServerPolicy {
                settings: Settings::new(),
                tracer: tracer.with_scope(&SCOPE),
                routes: Routes::default(),
                filter: None,
                trust: Trust::Continue,
                trust_by: None,
                name: None,
                on_request: None,
                on_response: None,
                peer: None,
                uri: None,
                sensitive: SensitiveKeys::default(),
                request_headers: crate::capture::Captured::default(),
                response_headers: crate::capture::Captured::default(),
                body_sizes: false,
                forwarded: false,
                scheme: "http",
                methods: KnownMethods::from_env(),
                legacy_names: StabilityOptIn::from_env().http_dup(),
                echo: None,
                observer: None,
            }),
        }
    }

    /// How many requests were named `_OTHER` because there were too many different names. See [`max_names`](Self::max_names).
    #[must_use]
    pub fn overflowed_names(&self) -> u64 {
        self.policy.routes.overflowed()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, Arc::clone(&self.policy))
    }
}

impl fmt::Debug for TraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceLayer")
            .field("tracer", &self.policy.tracer)
            .field("routes", &self.policy.routes)
            .field("trust", &self.policy.trust)
            .finish_non_exhaustive()
    }
}
