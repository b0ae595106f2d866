use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::{ProcessMessage, ResponseFuture};
use crate::QueueTracer;

/// Traces the messages that a service handles. See the [module docs](super).
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put on a service"]
pub struct ProcessTraceLayer {
    queue: QueueTracer,
}

impl ProcessTraceLayer {
    /// With the settings of `queue`; a message that has its span already, such as one of `amqp`, is not asked again.
    pub const fn new(queue: QueueTracer) -> Self {
        Self { queue }
    }
}

impl<S> Layer<S> for ProcessTraceLayer {
    type Service = ProcessTrace<S>;

    fn layer(&self, inner: S) -> ProcessTrace<S> {
        ProcessTrace {
            inner,
            queue: self.queue.clone(),
        }
    }
}

/// A service that handles each message in its process span. See the [module docs](super).
#[derive(Clone, Debug)]
pub struct ProcessTrace<S> {
    inner: S,
    queue: QueueTracer,
}

impl<S> ProcessTrace<S> {
    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, M> Service<M> for ProcessTrace<S>
where
    S: Service<M>,
    M: ProcessMessage,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut message: M) -> Self::Future {
        let mut active = message.begin(&self.queue);
        let measured = message.measured();
        let inner = {
            let _entered = active.enter();
            self.inner.call(message)
        };
        ResponseFuture::new(inner, active, measured)
    }
}
