//! What the facts have in common: a service under test, a way to call it, and looks at what came of it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use tower_service::Service as _;
use tracing_core_ctx::{Context, Tracer};

use super::sampler::{Notes, NotingSampler};
use super::service::Readiness;
use super::{
    BoxError, ErasedBody, ErasedFuture, Instrumented, Place, Probe, TestBody, TestService, Wish,
};
use crate::{RecordedSpan, SpanRecorder};

/// No fact takes longer, whatever is broken.
const LIMIT: Duration = Duration::from_secs(20);

/// The caller that requests come from, if a fact says so.
pub(crate) const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// The same caller, not recording.
pub(crate) const UNSAMPLED_CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
pub(crate) const CALLER_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER_SPAN: &str = "00f067aa0ba902b7";

/// Runs one fact on a runtime of its own. What the suites' tests call.
///
/// # Panics
///
/// When the fact does not hold, takes too long, or leaves a context behind on its thread.
pub fn run(fact: impl Future<Output = ()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the fact: {error}"),
    };
    let done = runtime.block_on(async { tokio::time::timeout(LIMIT, fact).await });
    assert!(done.is_ok(), "the fact hangs");
    assert_nothing_current();
}

/// A service under test with everything that watches it.
pub(crate) struct Stage {
    pub(crate) recorder: SpanRecorder,
    pub(crate) tracer: Tracer,
    pub(crate) probe: Probe,
    pub(crate) service: Instrumented,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) head: Response<()>,
    pub(crate) data: Vec<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Stage {
    /// Instruments a service that answers with `handler`.
    pub(crate) fn new<F, R>(
        instrument: impl FnOnce(Tracer, TestService) -> Instrumented,
        handler: F,
    ) -> Self
    where
        F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
    {
        Self::of(instrument, TestService::new(handler))
    }

    /// Instruments a service that answers OK, when it is asked, and says this of its readiness.
    pub(crate) fn with_readiness(
        instrument: impl FnOnce(Tracer, TestService) -> Instrumented,
        readiness: Readiness,
    ) -> Self {
        Self::of(instrument, TestService::new(ok).with_readiness(readiness))
    }

    /// Instruments a service with a setting, if there is such a setting.
    pub(crate) fn with_wish<F, R>(
        instrument: impl FnOnce(Wish, Tracer, TestService) -> Option<Instrumented>,
        wish: Wish,
        handler: F,
    ) -> Option<Self>
    where
        F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
    {
        let mut is_supported = true;
        let stage = Self::new(
            |tracer, inner| {
                let spare = Instrumented::new(inner.clone());
                instrument(wish, tracer, inner).unwrap_or_else(|| {
                    is_supported = false;
                    spare
                })
            },
            handler,
        );
        is_supported.then_some(stage)
    }

    /// Instruments a service that answers OK, with a sampler that notes what it sees of these attributes.
    pub(crate) fn with_noting_sampler(
        instrument: impl FnOnce(Tracer, TestService) -> Instrumented,
        keys: &'static [&'static str],
    ) -> (Self, Notes) {
        let notes = Notes::default();
        let recorder = SpanRecorder::new();
        let sampler = NotingSampler {
            keys,
            notes: notes.clone(),
        };
        let tracer = recorder.tracer_builder("suite").sampler(sampler).build();
        (
            Self::on(recorder, tracer, instrument, TestService::new(ok)),
            notes,
        )
    }

    fn of(
        instrument: impl FnOnce(Tracer, TestService) -> Instrumented,
        inner: TestService,
    ) -> Self {
        let recorder = SpanRecorder::new();
        let tracer = recorder.tracer("suite");
        Self::on(recorder, tracer, instrument, inner)
    }

    fn on(
        recorder: SpanRecorder,
        tracer: Tracer,
        instrument: impl FnOnce(Tracer, TestService) -> Instrumented,
        inner: TestService,
    ) -> Self {
        let probe = inner.probe().clone();
        let service = instrument(tracer.clone(), inner);
        Self {
            recorder,
            tracer,
            probe,
            service,
        }
    }

    /// Waits for the service and calls it. The future has not been polled.
    pub(crate) async fn call(&mut self, request: Request<TestBody>) -> ErasedFuture {
        ready(&mut self.service).await;
        self.service.call(request)
    }

    /// Calls the service up to the head of the answer.
    pub(crate) async fn head(&mut self, request: Request<TestBody>) -> Response<ErasedBody> {
        match self.call(request).await.await {
            Ok(response) => response,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Calls the service and reads the answer to its end, as a server that knows no length does.
    pub(crate) async fn exchange(&mut self, request: Request<TestBody>) -> Answer {
        let (head, mut body) = self.head(request).await.into_parts();
        let (mut data, mut trailers) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(bytes)) => data.push(bytes),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(error) => panic!("the body broke: {error}"),
            }
        }
        let head = Response::from_parts(head, ());
        Answer {
            head,
            data,
            trailers,
        }
    }

    /// The span of an exchange that is complete.
    #[track_caller]
    pub(crate) fn span(&self) -> RecordedSpan {
        let span = self.recorder.take_one();
        assert_eq!(self.recorder.open(), 0, "a span is still open");
        span
    }

    /// Asserts that the exchange's own span was current wherever the inner service ran at `place`.
    #[track_caller]
    pub(crate) fn assert_current(&self, place: Place, span: &RecordedSpan) {
        let seen = self.probe.at(place);
        assert!(!seen.is_empty(), "nothing ran in {place:?}");
        for (index, context) in seen.iter().enumerate() {
            assert_eq!(
                context.span_context().map(|current| current.span_id()),
                Some(span.span_id()),
                "the current span in {place:?}, time {index}, is another"
            );
        }
    }

    /// The only context that was current in the inner `call`.
    #[track_caller]
    pub(crate) fn context_in_call(&self) -> Context {
        let seen = self.probe.at(Place::Call);
        match <[Context; 1]>::try_from(seen) {
            Ok([context]) => context,
            Err(seen) => panic!("the inner service was called {} times", seen.len()),
        }
    }
}

/// A handler that answers with an empty body.
pub(crate) async fn ok(_request: Request<TestBody>) -> Result<Response<TestBody>, BoxError> {
    Ok(Response::new(TestBody::empty()))
}

/// Waits until the service is ready.
pub(crate) async fn ready(service: &mut Instrumented) {
    if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
        panic!("not ready: {error}");
    }
}

/// Polls once, with the waker of the fact.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Asks the body for a frame, once.
pub(crate) async fn poll_frame(
    body: &mut ErasedBody,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *body).poll_frame(cx))).await
}

/// Polls once and expects a panic, which goes no further. The future lives on, as below a server that catches panics.
pub(crate) async fn poll_panics<F: Future + Unpin>(future: &mut F) {
    let panicked = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let _ = Pin::new(&mut *future).poll(cx);
        }));
        Poll::Ready(polled.is_err())
    });
    assert!(panicked.await, "the panic did not come through");
}

/// Polls once and expects a panic, which drops the future as it unwinds, as in most servers.
pub(crate) async fn poll_panics_and_drops<F: Future + Unpin>(future: F) {
    let mut future = Some(future);
    let panicked = poll_fn(|cx| {
        let Some(mut future) = future.take() else {
            return Poll::Ready(false);
        };
        let polled = catch_unwind(AssertUnwindSafe(move || {
            let _ = Pin::new(&mut future).poll(cx);
        }));
        Poll::Ready(polled.is_err())
    });
    assert!(panicked.await, "the panic did not come through");
}

#[track_caller]
pub(crate) fn assert_nothing_current() {
    let left = Context::current();
    assert!(
        left.span_context().is_none() && left.baggage().is_empty(),
        "a context was left behind: {left:?}"
    );
}
