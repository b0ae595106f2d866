//! The body of a request, on its way to the one who reads it.

use std::any::Any;
use std::mem;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
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
            if this.inner.is_some() {
                let _entered = this.context.enter();
                this.inner.set(None);
            }
        }
    }
}

/// Takes `context` along into every poll of the body, if it is of a type that can hold another body: tonic's, or axum's with the feature
/// of this name. Others are left as they are.
pub(crate) fn accompany<B: 'static>(body: &mut B, context: &Context, counter: Option<Counter>) {
    let body: &mut dyn Any = body;
    if let Some(body) = body.downcast_mut::<tonic::body::Body>() {
        let wrapped = wrap(mem::take(body), context, counter);
        // In the box that tonic's body has inside: it takes that over as it is.
        *body = tonic::body::Body::new(UnsyncBoxBody::new(wrapped));
    } else {
        #[cfg(feature = "axum")]
        if let Some(body) = body.downcast_mut::<axum::body::Body>() {
            *body = axum::body::Body::new(wrap(mem::take(body), context, counter));
        }
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
        if this.inner.is_none() {
            return Poll::Ready(None);
        }
        let entered = this.context.enter();
        let polled = match this.inner.as_mut().as_pin_mut() {
            None => Poll::Ready(None),
            Some(mut inner) => {
                let polled = inner.as_mut().poll_frame(cx);
                let is_over = match &polled {
                    Poll::Pending | Poll::Ready(Some(Err(_))) => false,
                    Poll::Ready(None) => true,
                    Poll::Ready(Some(Ok(_))) => inner.is_end_stream(),
                };
                if is_over {
                    // What the body still holds goes while the context is current.
                    this.inner.set(None);
                }
                polled
            }
        };
        drop(entered);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(counter) = this.counter
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
