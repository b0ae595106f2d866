use std::fmt;
use std::sync::Arc;

use tonic::transport::{Channel, Endpoint, Error};
use tower_layer::Layer;
use tower_trace::policy::Propagate;
use tower_trace::repeat::Settings;
use tracing_core_ctx::Tracer;

use super::policy::ClientPolicy;
use super::service::ClientTrace;
use super::target::Target;
use crate::call::{CallPolicy, Side};

/// Traces the calls that a program makes. See the [module docs](crate::client).
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put on a client"]
pub struct ClientTraceLayer {
    pub(super) policy: Arc<ClientPolicy>,
}

impl ClientTraceLayer {
    /// Traces by `tracer`, with the stable conventions and no metadata; hands contexts on to every host.
    pub fn new(tracer: Tracer) -> Self {
        Self {
            policy: Arc::new(ClientPolicy {
                settings: Settings::new(),
                propagate: Propagate::new(&tracer),
                echo: None,
                call: Arc::new(CallPolicy::new(Side::Client, tracer)),
                target: None,
                always_accompany: false,
            }),
        }
    }

    /// Connects to an endpoint, whose address is the calls' `server.address`.
    ///
    /// # Errors
    ///
    /// What `Endpoint::connect` gives.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<ClientTrace<Channel>, Error> {
        Ok(self.to(endpoint).layer(endpoint.connect().await?))
    }

    /// The same, connecting with the first call.
    pub fn connect_lazy(&self, endpoint: &Endpoint) -> ClientTrace<Channel> {
        self.to(endpoint).layer(endpoint.connect_lazy())
    }

    fn to(&self, endpoint: &Endpoint) -> Self {
        match Target::of_uri(endpoint.uri()) {
            // A target that somebody has named stays.
            Some(target) if self.policy.target.is_none() => {
                self.clone().edit(|policy| policy.target = Some(target))
            }
            _ => self.clone(),
        }
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
            .field("tracer", &self.policy.call.tracer)
            .field("target", &self.policy.target)
            .field("propagate", &self.policy.propagate)
            .finish_non_exhaustive()
    }
}
