//! All four kinds of call, over real connections.

use futures_util::{StreamExt as _, stream};
use tonic::Code;
use tracing_core_ctx::{Context, Span, SpanKind};

use crate::greeter::proto::{FailRequest, StreamRequest};
use crate::greeter::{LIMIT, Pair, SERVICE, hello};

#[tokio::test]
async fn a_unary_call_is_a_span_on_each_side() {
    let mut pair = Pair::new().await;
    let reply = pair
        .client
        .say_hello(hello("Ann"))
        .await
        .unwrap()
        .into_inner();
    let mut spans = pair.recorder.wait_for_async(3, LIMIT).await;
    spans.sort_by_key(|span| (span.service().to_owned(), span.name().to_owned()));
    let [client, server, greet] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert!(server.is_child_of(client) && greet.is_child_of(server));
    assert_eq!(reply.span_id, server.span_id().to_string());
    let port = i64::from(pair.served.address.port());
    let method = format!("{SERVICE}/SayHello");
    assert_eq!(
        (client.kind(), server.kind()),
        (SpanKind::Client, SpanKind::Server)
    );
    assert_eq!((client.name(), server.name()), (&*method, &*method));
    client.assert_attributes(&[
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", (&*method).into()),
        ("rpc.status_code", "OK".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", port.into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", port.into()),
    ]);
    let peer = server.int("network.peer.port");
    server.assert_attributes(&[
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", (&*method).into()),
        ("rpc.status_code", "OK".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", port.into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", peer.into()),
    ]);
    client.assert_unset();
    server.assert_unset();
}

#[tokio::test]
async fn a_stream_of_replies_is_polled_in_the_servers_span() {
    let mut pair = Pair::new().await;
    let request = StreamRequest {
        name: "Ann".to_owned(),
        count: 3,
    };
    let replies = pair
        .client
        .stream_hello(request)
        .await
        .unwrap()
        .into_inner();
    let replies: Vec<_> = replies.map(Result::unwrap).collect().await;
    let spans = pair.recorder.wait_for_async(5, LIMIT).await;
    let server = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Server)
        .unwrap();
    assert_eq!(replies.len(), 3);
    for reply in replies {
        assert_eq!(reply.span_id, server.span_id().to_string());
    }
    let inside = spans.iter().filter(|span| span.name() == "greet in stream");
    assert_eq!(inside.filter(|span| span.is_child_of(server)).count(), 3);
}

#[tokio::test]
async fn a_stream_of_requests_is_polled_in_the_clients_span() {
    let mut pair = Pair::new().await;
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let requests = stream::iter(["Ann", "Bob"]).map(move |name| {
        let current = Context::current();
        sender
            .send(current.span_context().map(|span| span.span_id()))
            .unwrap();
        Span::child("ask").end();
        hello(name)
    });
    let reply = pair
        .client
        .collect_hello(requests)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reply.message, "Ann,Bob");
    let spans = pair.recorder.wait_for_async(4, LIMIT).await;
    let client = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .unwrap();
    let asked = spans.iter().filter(|span| span.name() == "ask");
    assert_eq!(asked.filter(|span| span.is_child_of(client)).count(), 2);
    for _ in 0..2 {
        assert_eq!(seen.recv().await.unwrap(), Some(client.span_id()));
    }
}

#[tokio::test]
async fn a_chat_is_one_span_on_each_side() {
    let mut pair = Pair::new().await;
    let requests = stream::iter(["Ann", "Bob", "Cy"]).map(hello);
    let replies = pair.client.chat_hello(requests).await.unwrap().into_inner();
    let replies: Vec<_> = replies.map(|reply| reply.unwrap()).collect().await;
    let (client, server) = pair.spans().await;
    for reply in &replies {
        assert_eq!(reply.span_id, server.span_id().to_string());
    }
    assert_eq!(replies.len(), 3);
    client.assert_unset();
    server.assert_unset();
}

#[tokio::test]
async fn every_code_arrives_on_both_sides_in_trailers_and_alone() {
    let names = tracing_core_ctx::semconv::rpc_grpc_status_code::ALL;
    let mut pair = Pair::new().await;
    for (code, name) in (0..).zip(names) {
        // Alone, unless it is OK.
        let message = "because 100%".to_owned();
        let failed = pair.client.fail(FailRequest { code, message }).await;
        assert_eq!(
            failed.err().map_or(Code::Ok, |status| status.code()) as u32,
            code
        );
        let (client, server) = pair.spans().await;
        for span in [&client, &server] {
            check(span, name, "because 100%");
        }

        // Behind a message.
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
        let last = replies.collect::<Vec<_>>().await.pop().unwrap();
        assert_eq!(
            last.err().map_or(Code::Ok, |status| status.code()) as u32,
            code
        );
        let spans = pair.recorder.wait_for_async(3, LIMIT).await;
        let calls = spans
            .iter()
            .filter(|span| span.kind() != SpanKind::Internal);
        assert_eq!(calls.map(|span| check(span, name, "at the end")).count(), 2);
    }
}

fn check(span: &trace_testkit::RecordedSpan, name: &str, message: &str) {
    let is_error = match span.kind() {
        SpanKind::Client => name != "OK",
        _ => [
            "UNKNOWN",
            "DEADLINE_EXCEEDED",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
        ]
        .contains(&name),
    };
    assert_eq!(span.str("rpc.status_code"), name);
    if is_error {
        span.assert_failed(name);
        assert_eq!(
            *span.status(),
            tracing_core_ctx::Status::error(message.to_owned())
        );
    } else {
        span.assert_unset();
    }
}
