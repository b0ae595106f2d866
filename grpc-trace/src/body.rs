//! The body of a request, on its way to the one who reads it.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tracing_core_ctx::Context;

use crate::messages::Counter;

pin_project! {
    /// A request's body that is read with the call's context current, and whose messages are counted if somebody asked for that.
    struct RequestBody<B> {
        // An option, so that it can be dropped while the context is current.
        #[pin]
        inner: Option<B>,
        context: Context,
        counter: Option<Counter>,
    }

    impl<B> PinnedDrop for RequestBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.context.enter();
            this.inner.set(None);
        }
    }
}

/// Takes `context` along into every poll of the body, if it is of a type that can hold another body: tonic's, or axum's with the feature
/// of this name. Others are left as they are.
pub(crate) fn accompany<B: 'static>(body: B, context: &Context, counter: Option<Counter>) -> B {
    let mut place = Some(body);
    let any: &mut dyn Any = &mut place;
    if let Some(slot) = any.downcast_mut::<Option<tonic::body::Body>>()
        && let Some(inner) = slot.take()
    {
        *slot = Some(tonic::body::Body::new(wrap(inner, context, counter)));
    } else {
        #[cfg(feature = "axum")]
        if let Some(slot) = any.downcast_mut::<Option<axum::body::Body>>()
            && let Some(inner) = slot.take()
        {
            *slot = Some(axum::body::Body::new(wrap(inner, context, counter)));
        }
    }
    match place {
        Some(body) => body,
        // What was taken out was put back above.
        None => unreachable!("a body is in its place"),
    }
}

fn wrap<B>(inner: B, context: &Context, counter: Option<Counter>) -> RequestBody<B> {
    RequestBody {
        inner: Some(inner),
        context: context.clone(),
        counter: counter.map(Counter::attached),
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = {
            let _entered = this.context.enter();
            match this.inner.as_mut().as_pin_mut() {
                Some(inner) => inner.poll_frame(cx),
                None => return Poll::Ready(None),
            }
        };
        if let Some(counter) = this.counter
            && let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            counter.see(data, this.context.span_ref());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
