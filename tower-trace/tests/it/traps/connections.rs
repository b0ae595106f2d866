//! What connections do: they stay, they hold bodies back, and they break.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer as _, Service as _};
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::{Context, SpanKind};

use crate::support::{BoxError, LIMIT, hello, raw, read_until, serve};

type Chunk = Result<Frame<Bytes>, BoxError>;

/// A body that is sent as it comes, like an event stream.
fn streamed(chunks: UnboundedReceiver<Chunk>) -> StreamBody<impl stream::Stream<Item = Chunk>> {
    StreamBody::new(stream::unfold(chunks, |mut chunks| async move {
        chunks.recv().await.map(|chunk| (chunk, chunks))
    }))
}

/// Serves one streamed answer; what is sent into the channel goes out.
async fn event_stream(recorder: &SpanRecorder) -> (std::net::SocketAddr, UnboundedSender<Chunk>) {
    let (chunks, receiver) = unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let layer = TraceLayer::new(recorder.tracer("server"));
    let service = service_fn(move |_: Request<Incoming>| {
        let body = streamed(receiver.lock().unwrap().take().unwrap());
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    (serve(layer.layer(service)).await, chunks)
}

fn data(text: &'static str) -> Chunk {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// A server that answers one request with these bytes and hangs up.
async fn scripted(answer: String) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // Whatever else comes is read, so that the other side sees an end and no reset.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    address
}

/// Sends a request through a traced client.
async fn send(
    recorder: &SpanRecorder,
    request: Request<Empty<Bytes>>,
) -> Result<
    Response<impl http_body::Body<Data = Bytes, Error = hyper::Error>>,
    impl std::error::Error,
> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
    client.call(request).await
}

fn get(address: std::net::SocketAddr) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{address}/"))
        .body(Empty::new())
        .unwrap()
}

fn of_kind(spans: &[RecordedSpan], kind: SpanKind) -> &RecordedSpan {
    spans.iter().find(|span| span.kind() == kind).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_on_one_connection_are_spans_of_their_own() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for n in 1..=3 {
        let request = format!("GET /{n} HTTP/1.1\r\nhost: shop\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "hello").await;
        let span = recorder.wait_for(1, LIMIT).remove(0);
        assert_eq!(span.str("url.path"), format!("/{n}"));
        assert_eq!(span.parent(), None, "the next request starts anew");
        assert_eq!(recorder.open(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_one_packet_are_spans_of_their_own() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let one = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";
    let last = one.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    raw(address, &format!("{one}{one}{last}")).await;
    let spans = recorder.wait_for(3, LIMIT);
    assert!(spans.iter().all(|span| span.parent().is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_of_a_pooled_connection_is_in_no_trace() {
    /// Spawns, and notes whether a span is current in the polls of what was spawned.
    #[derive(Clone, Default)]
    struct Watching(Arc<Mutex<Vec<bool>>>);

    impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Watching {
        fn execute(&self, task: F) {
            let seen = Arc::clone(&self.0);
            tokio::spawn(async move {
                let mut task = pin!(task);
                poll_fn(|cx| {
                    let in_trace = Context::current().span_context().is_some();
                    seen.lock().unwrap().push(in_trace);
                    task.as_mut().poll(cx)
                })
                .await;
            });
        }
    }

    for http2 in [false, true] {
        let recorder = SpanRecorder::new();
        let address = serve(service_fn(hello)).await;
        let watching = Watching::default();
        let client = Client::builder(watching.clone())
            .http2_only(http2)
            .build_http::<Empty<Bytes>>();
        let mut client = ClientTraceLayer::new(recorder.tracer("client")).layer(client);
        for _ in 0..2 {
            let response = client.call(get(address)).await.unwrap();
            response.into_body().collect().await.unwrap();
            recorder.take_one().assert_unset();
        }
        let seen = watching.0.lock().unwrap();
        assert!(!seen.is_empty(), "the connection has a task");
        assert!(seen.iter().all(|in_trace| !in_trace), "http2: {http2}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_waits_for_100_continue_arrives_in_one_span() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server")).body_sizes(true);
    let service = service_fn(|request: Request<Incoming>| async move {
        let body = request.into_body().collect().await?.to_bytes();
        Ok::<_, hyper::Error>(Response::new(Full::new(body)))
    });
    let address = serve(layer.layer(service)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: shop\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let interim = read_until(&mut stream, "\r\n\r\n").await;
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    assert_eq!(recorder.open(), 1);
    stream.write_all(b"pear").await.unwrap();
    read_until(&mut stream, "pear").await;
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.int("http.response.status_code"), 200);
    assert_eq!(span.int("http.request.body.size"), 4);
    span.assert_absent("ctx.outcome");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interim_response_is_not_the_response() {
    let recorder = SpanRecorder::new();
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let address = scripted(format!("{hints}{answer}")).await;
    let response = send(&recorder, get(address)).await.unwrap();
    response.into_body().collect().await.unwrap();
    let span = recorder.take_one();
    assert_eq!(span.int("http.response.status_code"), 200);
    span.assert_unset();
}

/// A length that is announced, and no body that is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_head_and_a_304_are_complete_with_a_content_length() {
    for (method, status) in [("HEAD", "200 OK"), ("GET", "304 Not Modified")] {
        let recorder = SpanRecorder::new();
        let address = scripted(format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n")).await;
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/"));
        let response = send(&recorder, request.body(Empty::new()).unwrap()).await;
        assert_eq!(response.unwrap().headers()[header::CONTENT_LENGTH], "5");
        let span = recorder.take_one();
        span.assert_unset();
        span.assert_absent("ctx.outcome");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_304_is_complete_whatever_its_handler_made_of_a_body() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let service = service_fn(|request: Request<Incoming>| async {
        let mut response = hello(request).await?;
        *response.status_mut() = http::StatusCode::NOT_MODIFIED;
        Ok::<_, Infallible>(response)
    });
    let address = serve(layer.layer(service)).await;
    let request = "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    let answer = raw(address, request).await;
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let span = recorder.wait_for(1, LIMIT).remove(0);
    span.assert_unset();
    span.assert_absent("ctx.outcome");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_stream_is_covered_until_its_reader_hangs_up() {
    let recorder = SpanRecorder::new();
    let (address, events) = event_stream(&recorder).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /events HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .unwrap();
    for event in ["one", "two"] {
        events.send(data(event)).unwrap();
        let end = format!("{event}\r\n");
        read_until(&mut stream, &end).await;
        assert_eq!(recorder.open(), 1);
    }
    drop(stream);
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.str("ctx.outcome"), "cancelled");
    assert_eq!(span.int("http.response.status_code"), 200);
    span.assert_unset();
    events.closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_http2_resets_is_cancelled_and_its_connection_lives_on() {
    let recorder = SpanRecorder::new();
    let (address, events) = event_stream(&recorder).await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut connection, driver) =
        hyper::client::conn::http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io)
            .await
            .unwrap();
    let driver = tokio::spawn(driver);
    let response = connection.send_request(get(address)).await.unwrap();
    let mut body = response.into_body();
    events.send(data("one")).unwrap();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    drop(body);
    let span = recorder.wait_for(1, LIMIT).remove(0);
    assert_eq!(span.str("ctx.outcome"), "cancelled");
    assert_eq!(span.str("network.protocol.version"), "2");
    span.assert_unset();
    assert!(!driver.is_finished());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_on_its_way_is_an_error_on_both_sides() {
    let recorder = SpanRecorder::new();
    let (address, chunks) = event_stream(&recorder).await;
    let response = send(&recorder, get(address)).await.unwrap();
    chunks.send(data("one")).unwrap();
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    chunks.send(Err(broken.into())).unwrap();
    assert!(body.frame().await.unwrap().is_err());

    let spans = recorder.wait_for(2, LIMIT);
    for span in &spans {
        assert_eq!(span.int("http.response.status_code"), 200);
    }
    of_kind(&spans, SpanKind::Server).assert_failed("broken_pipe");
    of_kind(&spans, SpanKind::Client).assert_failed("unexpected_eof");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_up_before_it_answers_is_an_error_of_the_client() {
    let recorder = SpanRecorder::new();
    let address = scripted(String::new()).await;
    assert!(send(&recorder, get(address)).await.is_err());
    let span = recorder.take_one();
    span.assert_failed("incomplete_message");
    span.assert_absent("http.response.status_code");
}
