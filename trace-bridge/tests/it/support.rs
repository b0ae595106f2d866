//! What the tests of this crate share.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use trace_bridge::TracingLayer;
use trace_testkit::SpanRecorder;
use tracing::Dispatch;
use tracing_core_ctx::Tracer;
use tracing_subscriber::prelude::*;

/// Runs `work` with a layer as `change` makes it, and its tracer.
pub(crate) fn with_layer<R>(
    recorder: &SpanRecorder,
    change: impl FnOnce(TracingLayer) -> TracingLayer,
    work: impl FnOnce(&Tracer) -> R,
) -> R {
    let tracer = recorder.tracer("shop");
    let dispatch = dispatch(change(TracingLayer::new(tracer.clone())));
    tracing::dispatcher::with_default(&dispatch, || work(&tracer))
}

/// The same with the layer as it is by default.
pub(crate) fn with_default<R>(recorder: &SpanRecorder, work: impl FnOnce(&Tracer) -> R) -> R {
    with_layer(recorder, |layer| layer, work)
}

pub(crate) fn dispatch(layer: TracingLayer) -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

/// Polls a future once.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that does not wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Pending once.
pub(crate) async fn pause() {
    let mut is_over = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut is_over, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}
