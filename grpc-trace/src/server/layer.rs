use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;
use tower_trace::Trust;
use tower_trace::repeat::Settings;
use tracing_core_ctx::Tracer;

use super::policy::ServerPolicy;
use super::service::Trace;
use crate::call::{CallPolicy, Side};
use crate::method::KnownMethods;

/// Traces the calls that a server answers. See the [module docs](crate::server).
///
/// Everything has a default; closures are kept erased, so a configured layer is still a `TraceLayer`.
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put on a service"]
pub struct TraceLayer {
    pub(super) policy: Arc<ServerPolicy>,
}

impl TraceLayer {
    /// Traces by `tracer`, with the stable conventions and no metadata; callers are believed.
    pub fn new(tracer: Tracer) -> Self {
        Self {
            policy: Arc::new(ServerPolicy {
                settings: Settings::new(),
                call: Arc::new(CallPolicy::new(Side::Server, tracer)),
                methods: KnownMethods::default(),
                trust: Trust::Continue,
                trust_by: None,
                peer: None,
                echo: None,
            }),
        }
    }

    /// How many calls were named `_OTHER` because there were too many different methods. See [`max_names`](Self::max_names).
    #[must_use]
    pub fn overflowed_names(&self) -> u64 {
        self.policy.methods.overflowed()
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
            .field("tracer", &self.policy.call.tracer)
            .field("methods", &self.policy.methods)
            .field("trust", &self.policy.trust)
            .finish_non_exhaustive()
    }
}
