//! Real sockets, hyper on both ends, no tower: what a mock would never show.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::{Layer as _, Service as _};
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{SpanKind, Status};

use crate::support::{LIMIT, hello, raw, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_hyper_server_and_client_make_one_trace() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut connection, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let tracing = ClientTraceLayer::new(recorder.tracer("client"));
    let request = Request::get("/users/7")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = tracing
        .send(request, |request| connection.send_request(request))
        .await
        .unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );

    let spans = recorder.wait_for(2, LIMIT);
    let server = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Server)
        .unwrap();
    let client = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .unwrap();
    assert!(server.is_child_of(client));
    assert!(server.parent_is_remote());
    assert_eq!(server.name(), "GET /users/{id}");
    assert_eq!(server.str("network.peer.address"), "127.0.0.1");
    assert_eq!(server.str("server.address"), "127.0.0.1");
    assert_eq!(server.int("server.port"), i64::from(address.port()));
    assert_eq!(client.str("url.full"), format!("http://{address}/users/7"));
    assert_eq!(client.str("network.protocol.version"), "1.1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_is_version_2_and_its_host_is_the_authority() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Empty<Bytes>>();
    let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
    let request = Request::get(format!("http://{address}/"))
        .body(Empty::new())
        .unwrap();
    let response = client.call(request).await.unwrap();
    response.into_body().collect().await.unwrap();

    let spans = recorder.wait_for(2, LIMIT);
    for span in &spans {
        assert_eq!(span.str("network.protocol.version"), "2");
        assert_eq!(span.str("network.peer.address"), "127.0.0.1");
        assert_eq!(span.str("server.address"), "127.0.0.1");
        assert_eq!(span.int("server.port"), i64::from(address.port()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooled_connection_does_not_keep_a_span_open() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
    for _ in 0..3 {
        let request = Request::get(format!("http://{address}/"))
            .body(Empty::new())
            .unwrap();
        let response = client.call(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        let _ = recorder.wait_for(2, LIMIT);
        assert_eq!(
            recorder.open(),
            0,
            "the connection lives on, the spans have ended"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_length_keeps_its_content_length_and_the_span_is_complete() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).body_sizes(true);
    let address = serve(layer.layer(service_fn(hello))).await;
    let answer = raw(
        address,
        "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.contains("content-length: 5"), "{answer}");
    assert!(!answer.contains("transfer-encoding"), "{answer}");
    let span = recorder.wait_for(1, LIMIT).remove(0);
    span.assert_absent("ctx.outcome");
    assert_eq!(span.int("http.response.body.size"), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_request_is_complete_though_its_body_is_never_polled() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    raw(
        address,
        "HEAD / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
    )
    .await;
    let span = recorder.wait_for(1, LIMIT).remove(0);
    span.assert_absent("ctx.outcome");
    assert_eq!(span.int("http.response.status_code"), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_body_is_covered_to_its_last_chunk_and_trailers_arrive() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let (frames, receiver) =
        tokio::sync::mpsc::unbounded_channel::<Result<Frame<Bytes>, Infallible>>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let address = serve(layer.layer(service_fn(move |_: Request<Incoming>| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
            let frame = receiver.recv().await?;
            Some((frame, receiver))
        });
        async move { Ok::<_, Infallible>(Response::new(StreamBody::new(frames.boxed()))) }
    })))
    .await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Empty<Bytes>>();
    let request = Request::get(format!("http://{address}/events"))
        .body(Empty::new())
        .unwrap();
    let mut body = client.request(request).await.unwrap().into_body();

    frames
        .send(Ok(Frame::data(Bytes::from_static(b"one"))))
        .unwrap();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "one"
    );
    assert_eq!(
        recorder.open(),
        1,
        "the head is long gone, the span goes on"
    );
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", "abc".parse().unwrap());
    frames.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(frames);
    assert_eq!(
        body.frame()
            .await
            .unwrap()
            .unwrap()
            .into_trailers()
            .unwrap()["checksum"],
        "abc"
    );
    let span = recorder.wait_for(1, LIMIT).remove(0);
    span.assert_absent("ctx.outcome");
    span.assert_unset();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_vanishes_cancels_the_span_and_is_no_error() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let address = serve(layer.layer(service_fn(move |_: Request<Incoming>| {
        let started = started.clone();
        async move {
            started.send(()).unwrap();
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    })))
    .await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .unwrap();
    starts.recv().await.unwrap();
    drop(stream);
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.str("ctx.outcome"), "cancelled");
    span.assert_absent("http.response.status_code");
    span.assert_unset();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_is_an_error_and_the_server_lives_on() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(
        layer.layer(service_fn(|request: Request<Incoming>| async move {
            if request.uri().path() == "/panic" {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            hello(request).await
        })),
    )
    .await;
    raw(address, "GET /panic HTTP/1.1\r\nhost: shop\r\n\r\n").await;
    recorder.wait_for(1, LIMIT).remove(0).assert_failed("panic");
    let answer = raw(
        address,
        "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    recorder.wait_for(1, LIMIT).remove(0).assert_unset();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgraded_connection_works_and_its_span_ended_with_the_101() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(
        layer.layer(service_fn(|mut request: Request<Incoming>| async move {
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
                let mut io = TokioIo::new(upgraded);
                let mut word = [0; 4];
                io.read_exact(&mut word).await.unwrap();
                io.write_all(&word).await.unwrap();
                io.shutdown().await.unwrap();
            });
            let response = Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header(header::CONNECTION, "upgrade")
                .header(header::UPGRADE, "echo")
                .body(Empty::<Bytes>::new())
                .unwrap();
            Ok::<_, Infallible>(response)
        })),
    )
    .await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(
            b"GET /echo HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
        )
        .await
        .unwrap();
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.str("ctx.outcome"), "upgraded");
    assert_eq!(span.int("http.response.status_code"), 101);
    span.assert_unset();
    stream.write_all(b"ping").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.ends_with(b"ping"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_named_so() {
    let recorder = SpanRecorder::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
    let request = Request::get(format!("http://{free}/"))
        .body(Empty::new())
        .unwrap();
    client.call(request).await.unwrap_err();
    let span = recorder.take_one();
    span.assert_failed("connection_refused");
    span.assert_absent("http.response.status_code");
    assert!(matches!(span.status(), Status::Error { .. }));
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_named_so_where_nothing_says_more() {
    let recorder = SpanRecorder::new();
    let connector = tower::service_fn(|_: http::Uri| {
        let error = std::io::Error::other("no certificate");
        std::future::ready(Err::<TokioIo<TcpStream>, _>(error))
    });
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
    let request = Request::get("https://a/").body(Empty::new()).unwrap();
    client.call(request).await.unwrap_err();
    recorder.take_one().assert_failed("connect");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_body_of_a_204_is_complete() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .status(204)
            .body(Full::<Bytes>::default())
            .unwrap();
        Ok::<_, Infallible>(response)
    })))
    .await;
    raw(
        address,
        "DELETE /users/7 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n",
    )
    .await;
    let span = recorder.wait_for(1, LIMIT).remove(0);
    span.assert_absent("ctx.outcome");
    assert_eq!(span.int("http.response.status_code"), 204);
}
