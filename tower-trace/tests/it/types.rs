//! What the types of this crate are, and how large.

use std::future::Ready;
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, combinators::UnsyncBoxBody};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::client::{AttemptsLayer, CountAttempts, DescribeClient};
use tower_trace::exchange::{Exchange, ResponseBody, ResponseFuture};
use tower_trace::server::DescribeServer;
use tower_trace::{ClientTrace, ClientTraceLayer, Templates, Trace, TraceLayer};
use trace_testkit::SpanRecorder;

use crate::support::{hello, now, poll_once, read_to_end};

fn is<T: Send + Sync + Unpin + 'static>() {}
fn is_clone<T: Clone>() {}

#[test]
fn everything_is_send_and_sync_and_unpin_where_what_it_wraps_is() {
    type Answer = Ready<Result<Response<Full<Bytes>>, std::io::Error>>;

    is::<TraceLayer>();
    is::<ClientTraceLayer>();
    is::<AttemptsLayer>();
    is::<Templates>();
    is::<Trace<()>>();
    is::<ClientTrace<()>>();
    is::<CountAttempts<()>>();
    is::<Exchange<DescribeServer>>();
    is::<Exchange<DescribeClient>>();
    is::<ResponseFuture<Answer, DescribeServer>>();
    is::<ResponseFuture<Answer, DescribeClient>>();
    is::<ResponseBody<Full<Bytes>, DescribeServer>>();
    is::<ResponseBody<Full<Bytes>, DescribeClient>>();

    is_clone::<TraceLayer>();
    is_clone::<ClientTraceLayer>();
    is_clone::<Trace<()>>();
    is_clone::<ClientTrace<()>>();
    is_clone::<CountAttempts<()>>();
}

#[test]
fn a_body_that_is_not_sync_can_be_sent() {
    fn is_send<T: Send>() {}
    is_send::<ResponseBody<UnsyncBoxBody<Bytes, std::io::Error>, DescribeServer>>();
}

/// Services of one thread are services too.
#[test]
fn nothing_has_to_be_send() {
    let recorder = SpanRecorder::new();
    let shared = Rc::new(());
    let mut service =
        TraceLayer::new(recorder.tracer("shop")).layer(service_fn(move |request: Request<()>| {
            let shared = Rc::clone(&shared);
            async move {
                let answer = hello(request).await;
                drop(shared);
                answer
            }
        }));
    let response = now(service.call(Request::new(()))).unwrap();
    read_to_end(response.into_body()).unwrap();
    let _ = recorder.take_one();
}

#[test]
fn futures_and_bodies_are_few_bytes_larger_than_what_they_wrap() {
    const INNER: usize = 256;
    type Inner = [u8; INNER];

    // Mostly the context that is current inside, and the span. The future also keeps the name of the header that tells the trace id.
    for (size, over) in [
        (size_of::<ResponseFuture<Inner, DescribeServer>>(), 240),
        (size_of::<ResponseFuture<Inner, DescribeClient>>(), 240),
        (size_of::<ResponseBody<Inner, DescribeServer>>(), 224),
        (size_of::<ResponseBody<Inner, DescribeClient>>(), 224),
    ] {
        assert!(size <= INNER + over, "{} bytes over", size - INNER);
    }
}

#[test]
fn a_future_that_is_polled_after_its_end_waits_and_does_not_panic() {
    let recorder = SpanRecorder::new();
    let mut service = TraceLayer::new(recorder.tracer("shop")).layer(service_fn(hello));
    let mut response = std::pin::pin!(service.call(Request::new(())));
    assert!(poll_once(response.as_mut()).is_ready());
    assert!(poll_once(response).is_pending());
    let _ = recorder.take_one();
}
