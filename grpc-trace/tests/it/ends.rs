//! Calls that end early, over real connections: each span ends once, with the right code.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::SpanKind;

use crate::greeter::proto::StreamRequest;
use crate::greeter::proto::greeter_client::GreeterClient;
use crate::greeter::{LIMIT, Pair, hello, tracer};

fn endless(count: u32) -> StreamRequest {
    StreamRequest {
        name: "endless".to_owned(),
        count,
    }
}

#[tokio::test]
async fn a_deadline_that_passes_is_deadline_exceeded() {
    let mut pair = Pair::new().await;
    let mut request = Request::new(hello("forever"));
    request.set_timeout(Duration::from_millis(50));
    let status = pair.client.say_hello(request).await.unwrap_err();
    // What tonic calls it.
    assert_eq!(status.code(), Code::Cancelled);
    let (client, server) = pair.spans().await;
    client.assert_failed("DEADLINE_EXCEEDED");
    client.assert_absent("ctx.outcome");
    assert!(client.duration() >= Duration::from_millis(50));
    // Who is first: the server's timer, which began later, or the news that the client has gone.
    let code = server.str("rpc.status_code");
    assert!(
        ["DEADLINE_EXCEEDED", "CANCELLED"].contains(&code),
        "{server:?}"
    );
}

#[tokio::test]
async fn a_timeout_of_the_endpoint_is_deadline_exceeded() {
    let pair = Pair::new().await;
    let endpoint = pair.served.endpoint().timeout(Duration::from_millis(50));
    let outer = tracer(&pair.recorder, "client");
    let channel = grpc_trace::ClientTraceLayer::new(outer).connect_lazy(&endpoint);
    let status = GreeterClient::new(channel)
        .say_hello(hello("forever"))
        .await;
    assert!(status.is_err());
    let (client, server) = pair.spans().await;
    client.assert_failed("DEADLINE_EXCEEDED");
    // The server was not told how long the client waits.
    assert_eq!(server.str("rpc.status_code"), "CANCELLED");
    server.assert_unset();
}

#[tokio::test]
async fn a_timeout_of_the_server_is_said_to_the_layer() {
    let limit = Duration::from_millis(20);
    let pair = Pair::with(|server| server.timeout(limit), |client| client).await;
    let mut client = pair.client.clone();
    let call = async { client.say_hello(hello("forever")).await };
    assert!(tokio::time::timeout(limit * 15, call).await.is_err());
    let (client, server) = pair.spans().await;
    assert_eq!(client.str("rpc.status_code"), "CANCELLED");
    server.assert_failed("DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_on_both_sides() {
    let mut pair = Pair::new().await;
    {
        let mut call = std::pin::pin!(pair.client.say_hello(hello("forever")));
        while pair.recorder.open() < 2 {
            tokio::select! {
                biased;
                _ = &mut call => panic!("it waits"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let (client, server) = pair.spans().await;
    for span in [&client, &server] {
        assert_eq!(span.str("rpc.status_code"), "CANCELLED");
        assert_eq!(span.str("ctx.outcome"), "cancelled");
    }
    client.assert_failed("CANCELLED");
    server.assert_unset();
}

#[tokio::test]
async fn a_stream_that_is_dropped_half_way_is_cancelled_on_both_sides() {
    let mut pair = Pair::new().await;
    let mut replies = pair
        .client
        .stream_hello(endless(1))
        .await
        .unwrap()
        .into_inner();
    assert!(replies.next().await.unwrap().is_ok());
    drop(replies);
    let spans = pair.recorder.wait_for_async(3, LIMIT).await;
    let of = |kind| spans.iter().find(|span| span.kind() == kind).unwrap();
    of(SpanKind::Client).assert_failed("CANCELLED");
    of(SpanKind::Server).assert_unset();
    assert_eq!(of(SpanKind::Server).str("rpc.status_code"), "CANCELLED");
}

#[tokio::test]
async fn a_server_that_is_killed_is_unavailable() {
    // On a runtime of its own, which goes away with all its connections at once.
    let recorder = SpanRecorder::new();
    let (inner, outer) = (tracer(&recorder, "server"), tracer(&recorder, "client"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let layer = grpc_trace::TraceLayer::new(inner.clone());
    let served = runtime
        .spawn(async move { crate::greeter::serve(&inner, layer).await })
        .await
        .unwrap();
    let channel = grpc_trace::ClientTraceLayer::new(outer).connect_lazy(&served.endpoint());
    let mut client = GreeterClient::new(channel);
    let mut replies = client.stream_hello(endless(1)).await.unwrap().into_inner();
    assert!(replies.next().await.unwrap().is_ok());
    runtime.shutdown_background();
    assert!(replies.next().await.unwrap().is_err());
    let spans = recorder.wait_for_async(3, LIMIT).await;
    let of = |kind| spans.iter().find(|span| span.kind() == kind).unwrap();
    of(SpanKind::Client).assert_failed("UNAVAILABLE");
    assert_eq!(of(SpanKind::Server).str("rpc.status_code"), "CANCELLED");
}

#[tokio::test]
async fn nobody_at_the_other_end_is_unavailable() {
    let recorder = SpanRecorder::new();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let layer = grpc_trace::ClientTraceLayer::new(tracer(&recorder, "client"));
    let mut client = GreeterClient::new(layer.connect_lazy(&endpoint));
    let status = client.say_hello(hello("Ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    recorder.take_one().assert_failed("UNAVAILABLE");
}

#[tokio::test]
async fn a_stream_of_a_while_is_a_span_of_a_while_on_both_sides() {
    let mut pair = Pair::new().await;
    let pause = Duration::from_millis(100);
    let requests = stream::iter(["Ann", "Bob"]).then(move |name| async move {
        tokio::time::sleep(pause).await;
        hello(name)
    });
    let replies = pair.client.chat_hello(requests).await.unwrap().into_inner();
    assert_eq!(replies.count().await, 2);
    let (client, server) = pair.spans().await;
    assert!(client.duration() >= 2 * pause && server.duration() >= pause);
}

#[tokio::test]
async fn a_panic_of_a_handler_is_an_error_on_both_sides() {
    let mut pair = Pair::new().await;
    let status = pair.client.say_hello(hello("panic")).await.unwrap_err();
    let (client, server) = pair.spans().await;
    server.assert_failed("panic");
    assert!(client.status().is_error(), "{status:?}");
}
