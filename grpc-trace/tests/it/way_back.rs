//! What a server tells about its part of the trace, and what a client hears, over real connections.

use tonic::Request;
use trace_testkit::RecordedSpan;
use tracing_core_ctx::SpanKind;

use crate::greeter::proto::{FailRequest, StreamRequest};
use crate::greeter::{LIMIT, Pair, hello};

const HEARD: &str = "ctx.sampling.callee";

const fn failure(code: u32) -> FailRequest {
    FailRequest {
        code,
        message: String::new(),
    }
}

async fn pair(tells: bool, hears: bool) -> Pair {
    Pair::with(
        |server| server.tell_callers(tells),
        |client| client.hear_callees(hears),
    )
    .await
}

/// The client's span, which is one of so many.
async fn client_of(pair: &Pair, spans: usize) -> RecordedSpan {
    let spans = pair.recorder.wait_for_async(spans, LIMIT).await;
    let client = spans
        .into_iter()
        .find(|span| span.kind() == SpanKind::Client);
    client.unwrap()
}

#[tokio::test]
async fn a_call_that_fails_is_told_with_its_status_and_heard() {
    let mut pair = pair(true, true).await;
    let status = pair.client.fail(failure(13)).await.unwrap_err();
    assert!(
        !status.metadata().contains_key("traceresponse"),
        "who hands the status on does not tell it too"
    );
    let (client, server) = pair.spans().await;
    assert!(client.bool(HEARD));
    server.assert_absent(HEARD);
}

#[tokio::test]
async fn a_stream_that_fails_at_its_end_is_told_in_the_trailers() {
    let mut pair = pair(true, true).await;
    let request = Request::new(StreamRequest {
        name: "13".to_owned(),
        count: 3,
    });
    let mut replies = pair
        .client
        .stream_hello(request)
        .await
        .unwrap()
        .into_inner();
    for _ in 0..3 {
        replies.message().await.unwrap();
    }
    let status = replies.message().await.unwrap_err();
    assert!(!status.metadata().contains_key("traceresponse"));
    // Three of them are the handler's.
    assert!(client_of(&pair, 5).await.bool(HEARD));
}

#[tokio::test]
async fn a_call_that_is_fine_or_the_callers_own_fault_tells_nothing() {
    let mut fine = pair(true, true).await;
    fine.client.say_hello(hello("Ada")).await.unwrap();
    let mut not_found = pair(true, true).await;
    not_found.client.fail(failure(5)).await.unwrap_err();
    client_of(&fine, 3).await.assert_absent(HEARD);
    client_of(&not_found, 2).await.assert_absent(HEARD);
}

#[tokio::test]
async fn without_either_nothing_is_told_or_heard() {
    for (tells, hears) in [(true, false), (false, true), (false, false)] {
        let mut pair = pair(tells, hears).await;
        let status = pair.client.fail(failure(13)).await.unwrap_err();
        assert_eq!(status.metadata().contains_key("traceresponse"), tells);
        let (client, _) = pair.spans().await;
        client.assert_absent(HEARD);
    }
}
