//! Messages: counted in both directions, on both sides.

use futures_util::{StreamExt as _, stream};
use tonic::codec::CompressionEncoding;
use trace_testkit::RecordedSpan;

use crate::greeter::proto::HelloRequest;
use crate::greeter::{Pair, hello};

fn counts(span: &RecordedSpan) -> (i64, i64) {
    (
        span.int("ctx.rpc.messages.sent"),
        span.int("ctx.rpc.messages.received"),
    )
}

#[tokio::test]
async fn messages_are_not_counted_by_default() {
    let mut pair = Pair::new().await;
    let replies = pair
        .client
        .chat_hello(stream::iter([hello("Ann")]))
        .await
        .unwrap();
    assert_eq!(replies.into_inner().count().await, 1);
    let (client, server) = pair.spans().await;
    for span in [client, server] {
        span.assert_absent("ctx.rpc.messages.sent");
        span.assert_absent("ctx.rpc.messages.received");
        assert!(span.events().is_empty());
    }
}

#[tokio::test]
async fn messages_are_counted_in_both_directions_on_both_sides() {
    for compressed in [false, true] {
        let mut pair = Pair::with(
            |server| server.count_messages(true),
            |client| client.count_messages(true),
        )
        .await;
        if compressed {
            pair.client = pair
                .client
                .clone()
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        // Longer than a DATA frame.
        let names = ["Ann".to_owned(), String::new(), "x".repeat(100_000)];
        let requests = stream::iter(names.map(|name| HelloRequest { name }));
        let replies = pair.client.chat_hello(requests).await.unwrap().into_inner();
        assert_eq!(
            replies
                .filter(|reply| std::future::ready(reply.is_ok()))
                .count()
                .await,
            3
        );
        let (client, server) = pair.spans().await;
        assert_eq!(counts(&client), (3, 3));
        assert_eq!(counts(&server), (3, 3));
    }
}

#[tokio::test]
async fn events_say_the_size_and_are_capped() {
    let mut pair = Pair::with(|server| server, |client| client.message_events(3)).await;
    let requests = stream::iter(["Ann", "Bob", "Cy", "Di"]).map(hello);
    let replies = pair.client.chat_hello(requests).await.unwrap().into_inner();
    assert_eq!(replies.count().await, 4);
    let (client, _) = pair.spans().await;
    assert_eq!(client.events().len(), 3);
    client.assert_absent("ctx.rpc.messages.sent");
    let first = client.event("ctx.rpc.message");
    let get = |key| first.attributes.get(key).unwrap();
    assert_eq!(get("ctx.rpc.message.direction").as_str(), Some("sent"));
    assert_eq!(get("ctx.rpc.message.id").as_i64(), Some(1));
    // One field of three letters.
    assert_eq!(get("ctx.rpc.message.size").as_i64(), Some(5));
    assert_eq!(get("ctx.rpc.message.compressed").as_bool(), Some(false));
}
