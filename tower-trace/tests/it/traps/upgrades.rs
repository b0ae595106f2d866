//! Connections that go over to another protocol: the span ends, the connection does not, and nobody's right to it is lost.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer as _;
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::SpanRecorder;

use crate::support::{LIMIT, hello, serve};

/// Answers with `status` and says back what comes over the connection then.
async fn echo(
    mut request: Request<Incoming>,
    status: StatusCode,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    tokio::spawn(async move {
        let mut io = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
        let mut word = [0; 4];
        io.read_exact(&mut word).await.unwrap();
        io.write_all(&word).await.unwrap();
        io.shutdown().await.unwrap();
    });
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, "upgrade".parse().unwrap());
        headers.insert(header::UPGRADE, "echo".parse().unwrap());
    }
    Ok(response)
}

async fn ping(upgraded: Upgraded) {
    let mut io = TokioIo::new(upgraded);
    io.write_all(b"ping").await.unwrap();
    let mut answer = Vec::new();
    io.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"ping");
}

/// The spans of both sides have ended, before a byte went over the connection.
fn assert_both_ended(recorder: &SpanRecorder, name: &str, status: i64) {
    for span in recorder.wait_for(2, LIMIT) {
        assert_eq!(span.name(), name);
        assert_eq!(span.int("http.response.status_code"), status);
        assert_eq!(span.str("ctx.outcome"), "upgraded");
        span.assert_unset();
    }
    assert_eq!(recorder.open(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_a_101_have_the_connection_and_no_open_span() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).parameterize_paths(false);
    let address = serve(layer.layer(service_fn(|request| {
        echo(request, StatusCode::SWITCHING_PROTOCOLS)
    })))
    .await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut connection, driver) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(driver.with_upgrades());
    let request = Request::get("/chat")
        .header(header::HOST, "shop")
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "echo")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = ClientTraceLayer::new(recorder.tracer("client"))
        .send(request, |request| connection.send_request(request))
        .await
        .unwrap();
    assert_both_ended(&recorder, "GET", 101);
    ping(hyper::upgrade::on(response).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_a_tunnel_have_the_connection_and_no_open_span() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("proxy"));
    let address = serve(layer.layer(service_fn(|request| echo(request, StatusCode::OK)))).await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut connection, driver) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(driver.with_upgrades());
    let request = Request::connect("shop.example:443")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = ClientTraceLayer::new(recorder.tracer("client"))
        .send(request, |request| connection.send_request(request))
        .await
        .unwrap();
    assert_both_ended(&recorder, "CONNECT", 200);
    ping(hyper::upgrade::on(response).await.unwrap()).await;
}

/// [RFC 8441](https://www.rfc-editor.org/rfc/rfc8441): a WebSocket in one stream of an HTTP/2 connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_an_extended_connect_have_the_stream_and_no_open_span() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).parameterize_paths(false);
    let service = layer.layer(service_fn(|request: Request<Incoming>| async {
        match request.extensions().get::<Protocol>() {
            Some(protocol) => {
                assert_eq!(protocol.as_str(), "websocket");
                echo(request, StatusCode::OK).await
            }
            None => Ok(hello(request).await?.map(|_| Empty::new())),
        }
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let io = TokioIo::new(listener.accept().await.unwrap().0);
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .enable_connect_protocol()
            .serve_connection(io, service)
            .await
    });
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut connection, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(driver);
    let tracing = ClientTraceLayer::new(recorder.tracer("client"));

    // After an ordinary exchange the client knows that the server can do it.
    let request = Request::get(format!("http://{address}/")).body(Empty::<Bytes>::new());
    let sent = tracing.send(request.unwrap(), |request| connection.send_request(request));
    drop(sent.await.unwrap());
    for span in recorder.wait_for(2, LIMIT) {
        span.assert_absent("ctx.outcome");
    }

    let request = Request::connect(format!("http://{address}/chat"))
        .extension(Protocol::from_static("websocket"))
        .body(Empty::new());
    let sent = tracing.send(request.unwrap(), |request| connection.send_request(request));
    let response = sent.await.unwrap();
    assert_both_ended(&recorder, "CONNECT", 200);
    ping(hyper::upgrade::on(response).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_is_refused_is_an_ordinary_exchange() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let request =
        "GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: upgrade, close\r\nupgrade: echo\r\n\r\n";
    let answer = crate::support::raw(address, request).await;
    assert!(answer.ends_with("hello"), "{answer}");
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.int("http.response.status_code"), 200);
    span.assert_absent("ctx.outcome");
}
