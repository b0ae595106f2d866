//! Destructors: where a second panic ends the process, and where nobody waits any more.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::TraceLayer;
use trace_testkit::SpanRecorder;
use trace_testkit::http::TestBody;
use tracing_core_ctx::{Context, Span, SpanRecord, SpanSink, Tracer};

use crate::support::{now, poll_once, read_to_end};

fn request() -> Request<()> {
    Request::new(())
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

#[derive(Debug)]
struct BrokenSink;

impl SpanSink for BrokenSink {
    fn submit(&self, _: SpanRecord) {
        resume_unwind(Box::new("a broken sink"));
    }
}

#[test]
fn a_sink_that_panics_while_a_panic_unwinds_does_not_end_the_process() {
    let layer = TraceLayer::new(Tracer::builder().sink(BrokenSink).build());
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        let body = TestBody::new().data("one").panic();
        Ok::<_, Infallible>(Response::new(body))
    }));
    // The body panics, and is dropped by that panic: its span ends here.
    let read = catch_unwind(AssertUnwindSafe(|| {
        read_to_end(now(service.call(request())).unwrap().into_body())
    }));
    let panic = read.unwrap_err().downcast::<&str>().unwrap();
    assert!(panic.contains("the body panics"), "{panic}");
}

#[test]
fn a_handler_whose_remains_panic_has_panicked() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    // When it is done, and when it is dropped before.
    for is_done in [true, false] {
        let mut service = layer.layer(service_fn(move |_: Request<()>| {
            let bomb = Bomb;
            async move {
                let _bomb = bomb;
                if !is_done {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        }));
        let exchange = catch_unwind(AssertUnwindSafe(|| {
            let mut exchange = Box::pin(service.call(request()));
            drop(poll_once(exchange.as_mut()));
        }));
        assert!(exchange.is_err());
        recorder.take_one().assert_failed("panic");
    }
}

/// A body whose destructor looks at the context, and panics if it is told to.
struct Remains {
    panics: bool,
}

impl Body for Remains {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Span::child("frame").end();
        Poll::Pending
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        Span::child("cleanup").end();
        if self.panics {
            resume_unwind(Box::new("on purpose"));
        }
    }
}

#[test]
fn a_body_whose_remains_panic_has_panicked() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Remains { panics: true }))
    }));
    let response = now(service.call(request())).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(response))).is_err());
    let spans = recorder.take();
    assert_eq!(spans.len(), 2, "{spans:?}");
    spans[1].assert_failed("panic");
}

#[test]
fn a_body_that_is_read_and_dropped_on_another_thread_runs_in_its_span() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).parameterize_paths(false);
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Remains { panics: false }))
    }));
    let mut body = Box::pin(now(service.call(request())).unwrap().into_body());
    let elsewhere = std::thread::spawn(move || {
        let mut cx = TaskContext::from_waker(std::task::Waker::noop());
        assert!(body.as_mut().poll_frame(&mut cx).is_pending());
        assert!(Context::current().span_context().is_none());
        drop(body);
        assert!(Context::current().span_context().is_none());
    });
    elsewhere.join().unwrap();
    let spans = recorder.take();
    let [frame, cleanup, server] = &spans[..] else {
        panic!("{spans:?}");
    };
    for (child, name) in [(frame, "frame"), (cleanup, "cleanup")] {
        assert_eq!(child.name(), name);
        assert!(child.is_child_of(server));
    }
    assert_eq!(server.str("ctx.outcome"), "cancelled");
}

/// A body of which another thread says that it is over, like one that is read from a connection.
struct Remote(Arc<AtomicBool>);

impl Body for Remote {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"one")))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_body_that_is_over_after_its_last_frame_is_complete_when_its_reader_has_seen_that() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    for is_seen in [true, false] {
        let is_over = Arc::new(AtomicBool::new(false));
        let body = is_over.clone();
        let mut service = layer.layer(service_fn(move |_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(Remote(body.clone()))))
        }));
        let mut body = now(service.call(request())).unwrap().into_body();
        assert!(now(body.frame()).is_some());
        assert_eq!(recorder.open(), 1);
        is_over.store(is_seen, Ordering::SeqCst);
        assert_eq!(body.is_end_stream(), is_seen);
        drop(body);
        let outcome = recorder.take_one().attr("ctx.outcome").is_none();
        assert_eq!(outcome, is_seen);
    }
}

#[test]
fn a_body_that_was_read_before_its_reader_panicked_is_complete() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    for (frames, is_complete) in [(2, true), (1, false)] {
        let mut service = layer.layer(service_fn(|_: Request<()>| async {
            let body = TestBody::new().data("one").data("two").knows_length();
            Ok::<_, Infallible>(Response::new(body))
        }));
        let mut body = now(service.call(request())).unwrap().into_body();
        let reader = catch_unwind(AssertUnwindSafe(move || {
            for _ in 0..frames {
                assert!(now(body.frame()).is_some());
            }
            let _body = body;
            resume_unwind(Box::new("the reader's own fault"))
        }));
        assert!(reader.is_err());
        let span = recorder.take_one();
        match is_complete {
            true => span.assert_unset(),
            false => span.assert_failed("panic"),
        }
    }
}
