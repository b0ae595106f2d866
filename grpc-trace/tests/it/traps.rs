//! What other instrumentations of gRPC get wrong, one test each.
//!
//! `suite` is the contract suite of `trace-testkit`. The other names are modules of these tests.
//!
//! | trap | test |
//! |---|---|
//! | trailers are ignored, so `INTERNAL` in them is a success | `traps::a_failure_in_the_trailers_is_a_failure` |
//! | the status of `Err(Status)`, which is in the headers, is not seen | `traps::a_failure_in_the_headers_is_a_failure` |
//! | OK calls are marked as errors, or success as `Ok` | `traps::a_success_is_unset` |
//! | the status code is a number, or a number as text | `traps::the_status_is_a_name` |
//! | the client judges by the server's rule | `traps::not_found_is_an_error_of_clients_alone` |
//! | the server never judges | `traps::internal_is_an_error_of_servers` |
//! | old names are recorded unasked | `traps::old_names_are_not_recorded` |
//! | a layer on one service hides its name | `traps::a_traced_service_has_its_name` |
//! | DATA frames are counted for messages | `traps::a_message_of_many_frames_is_one_message` |
//! | the span ends with the head | `traps::a_stream_is_part_of_the_call` |
//! | a second `traceparent` is appended | `traps::a_stale_traceparent_is_replaced` |
//! | baggage that no header can hold ends the call | `traps::baggage_of_any_kind_does_no_harm` |
//! | `server.address` is `host:port` | `traps::host_and_port_are_two_things` |
//! | the buffer of a channel loses the parent | `hops::the_current_span_is_the_parent_though_the_channel_has_a_task_of_its_own` |
//! | all metadata is recorded | `suite::no_metadata_is_captured_by_default` |
//! | names without bound, from scanners | `settings::methods_are_bounded_in_number_without_a_list` |

use futures_util::{StreamExt as _, stream};
use tonic::server::NamedService;
use trace_testkit::traps::TrapTable;
use tracing_core_ctx::{SpanKind, Status};

use crate::greeter::proto::greeter_server::GreeterServer;
use crate::greeter::proto::{FailRequest, HelloRequest, StreamRequest};
use crate::greeter::{Greets, LIMIT, Pair, SERVICE, hello};

/// A table that nobody checks is a wish.
#[test]
fn every_trap_has_its_test() {
    let traps = TrapTable::of_crate(env!("CARGO_MANIFEST_DIR"))
        .place("suite", "../trace-testkit/src")
        .check(include_str!("traps.rs"));
    assert!(traps >= 15, "{traps}");
}

/// Fails with `code`, behind a message or at once.
async fn failed(code: u32, in_trailers: bool) -> [trace_testkit::RecordedSpan; 2] {
    let mut pair = Pair::new().await;
    if in_trailers {
        let request = StreamRequest {
            name: code.to_string(),
            count: 1,
        };
        let replies = pair
            .client
            .stream_hello(request)
            .await
            .unwrap()
            .into_inner();
        drop(replies.collect::<Vec<_>>().await);
    } else {
        let message = String::new();
        drop(pair.client.fail(FailRequest { code, message }).await);
    }
    let count = if in_trailers { 3 } else { 2 };
    let spans = pair.recorder.wait_for_async(count, LIMIT).await;
    [SpanKind::Client, SpanKind::Server].map(|kind| {
        spans
            .iter()
            .find(|span| span.kind() == kind)
            .unwrap()
            .clone()
    })
}

#[tokio::test]
async fn a_failure_in_the_trailers_is_a_failure() {
    for span in failed(13, true).await {
        span.assert_failed("INTERNAL");
    }
}

#[tokio::test]
async fn a_failure_in_the_headers_is_a_failure() {
    for span in failed(13, false).await {
        span.assert_failed("INTERNAL");
    }
}

#[tokio::test]
async fn a_success_is_unset() {
    for span in failed(0, false).await {
        span.assert_unset();
        assert_eq!(*span.status(), Status::Unset);
    }
}

#[tokio::test]
async fn the_status_is_a_name() {
    for span in failed(5, false).await {
        assert_eq!(span.str("rpc.status_code"), "NOT_FOUND");
    }
}

#[tokio::test]
async fn not_found_is_an_error_of_clients_alone() {
    let [client, server] = failed(5, false).await;
    client.assert_failed("NOT_FOUND");
    server.assert_unset();
}

#[tokio::test]
async fn internal_is_an_error_of_servers() {
    let [_, server] = failed(13, false).await;
    server.assert_failed("INTERNAL");
}

#[tokio::test]
async fn old_names_are_not_recorded() {
    for span in failed(5, false).await {
        for old in [
            "http.user_agent",
            "rpc.grpc.status_code",
            "rpc.response.status_code",
            "rpc.service",
            "rpc.system",
        ] {
            span.assert_absent(old);
        }
    }
}

#[test]
fn a_traced_service_has_its_name() {
    fn name<S: NamedService>() -> &'static str {
        S::NAME
    }
    assert_eq!(name::<grpc_trace::Trace<GreeterServer<Greets>>>(), SERVICE);
}

#[tokio::test]
async fn a_message_of_many_frames_is_one_message() {
    let mut pair = Pair::with(|server| server.count_messages(true), |client| client).await;
    let name = "x".repeat(500_000);
    let requests = stream::iter([HelloRequest { name }]);
    drop(pair.client.collect_hello(requests).await.unwrap());
    let (_, server) = pair.spans().await;
    assert_eq!(server.int("ctx.rpc.messages.received"), 1);
    assert_eq!(server.int("ctx.rpc.messages.sent"), 1);
}

#[tokio::test]
async fn a_stream_is_part_of_the_call() {
    let mut pair = Pair::new().await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let requests = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    sender.send(hello("Ann")).unwrap();
    let mut replies = pair.client.chat_hello(requests).await.unwrap().into_inner();
    assert!(replies.next().await.unwrap().is_ok());
    assert_eq!(pair.recorder.open(), 2);
    drop(sender);
    assert!(replies.next().await.is_none());
    let (client, server) = pair.spans().await;
    client.assert_unset();
    server.assert_unset();
}

#[tokio::test]
async fn a_stale_traceparent_is_replaced() {
    let mut pair = Pair::new().await;
    let mut request = tonic::Request::new(stream::iter([hello("Ann")]));
    let stale = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request
        .metadata_mut()
        .insert("traceparent", stale.parse().unwrap());
    let replies = pair.client.chat_hello(request).await.unwrap().into_inner();
    assert_eq!(replies.count().await, 1);
    // The server's span is a child of the client's.
    drop(pair.spans().await);
}

#[tokio::test]
async fn baggage_of_any_kind_does_no_harm() {
    use tracing_core_ctx::Context;
    use tracing_core_ctx::context::FutureExt as _;

    let pair = Pair::new().await;
    let cx = Context::new()
        .with_baggage_entry("line", "one\r\ntwo\0")
        .with_baggage_entry("text", "sch\u{f6}n");
    let mut client = pair.client.clone();
    let message = String::new();
    let call = async move { client.fail(FailRequest { code: 0, message }).await };
    assert!(call.with_context(cx).await.is_ok());
    drop(pair.spans().await);
}

#[tokio::test]
async fn host_and_port_are_two_things() {
    for span in failed(0, false).await {
        assert_eq!(span.str("server.address"), "127.0.0.1");
        assert!(span.int("server.port") > 0);
    }
}
