//! What tonic's own crates put around services: TLS, gRPC-Web, health checks; and Unix sockets.

use std::future::poll_fn;

use bytes::Bytes;
use grpc_trace::{ClientTraceLayer, INFRASTRUCTURE, TraceLayer};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer as _, Service as _};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::SpanKind;

use crate::greeter::proto::FailRequest;
use crate::greeter::proto::greeter_client::GreeterClient;
use crate::greeter::{LIMIT, greets, hello, serve_by, tracer};

const CA: &str = include_str!("../../../trace-pipeline/tests/it/certificates/ca.pem");
const SERVER: &str = include_str!("../../../trace-pipeline/tests/it/certificates/server.pem");
const SERVER_KEY: &str = include_str!("../../../trace-pipeline/tests/it/certificates/server.key");

#[tokio::test]
async fn calls_over_tls_are_traced() {
    let recorder = SpanRecorder::new();
    let (inner, outer) = (tracer(&recorder, "server"), tracer(&recorder, "client"));
    let identity = Identity::from_pem(SERVER, SERVER_KEY);
    let router = Server::builder()
        .tls_config(ServerTlsConfig::new().identity(identity))
        .unwrap()
        .layer(TraceLayer::new(inner.clone()))
        .add_service(greets(&inner));
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(CA));
    let url = format!("https://localhost:{}", served.address.port());
    let endpoint = Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap();
    let channel = ClientTraceLayer::new(outer)
        .connect(&endpoint)
        .await
        .unwrap();
    GreeterClient::new(channel)
        .say_hello(hello("Ann"))
        .await
        .unwrap();
    let spans = recorder.wait_for_async(3, LIMIT).await;
    let of = |kind| spans.iter().find(|span| span.kind() == kind).unwrap();
    let (client, server) = (of(SpanKind::Client), of(SpanKind::Server));
    assert!(server.is_child_of(client));
    assert_eq!(client.str("server.address"), "localhost");
    assert_eq!(client.int("server.port"), i64::from(served.address.port()));
    assert_eq!(server.str("network.peer.address"), "127.0.0.1");
}

/// The status of a gRPC-Web call is data; inside of the layer that makes it so, it is still in the trailers.
#[tokio::test]
async fn calls_over_grpc_web_have_their_status_inside_of_its_layer() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let traced = TraceLayer::new(inner.clone()).layer(greets(&inner));
    let mut web = tonic_web::GrpcWebLayer::new().layer(traced);
    for (code, name) in [(0, "OK"), (5, "NOT_FOUND"), (13, "INTERNAL")] {
        let message = FailRequest {
            code,
            message: String::new(),
        };
        let mut framed = vec![0, 0, 0, 0, u8::try_from(message.encoded_len()).unwrap()];
        framed.extend(message.encode_to_vec());
        let request = Request::post("http://shop.example/accept.greeter.v1.Greeter/Fail")
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .body(tonic::body::Body::new(Full::new(Bytes::from(framed))))
            .unwrap();
        poll_fn(|cx| tower::Service::<Request<tonic::body::Body>>::poll_ready(&mut web, cx))
            .await
            .unwrap();
        let response = web.call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        drop(response.into_body().collect().await);
        let span = recorder.take_one();
        assert_eq!(span.str("rpc.status_code"), name);
        assert_eq!(span.status().is_error(), name == "INTERNAL");
    }
}

#[tokio::test]
async fn health_checks_are_left_out_on_request_and_their_streams_too() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("shop", tonic_health::ServingStatus::Serving)
        .await;
    let layer = TraceLayer::new(inner.clone()).leave_out(INFRASTRUCTURE);
    let router = Server::builder().layer(layer).add_service(health);
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let layer = ClientTraceLayer::new(inner).leave_out(INFRASTRUCTURE);
    let mut client = HealthClient::new(layer.connect_lazy(&served.endpoint()));
    let request = HealthCheckRequest {
        service: "shop".to_owned(),
    };
    assert!(client.check(request.clone()).await.is_ok());
    let mut watched = client.watch(request).await.unwrap().into_inner();
    assert!(watched.message().await.unwrap().is_some());
    recorder.assert_nothing();
}

#[cfg(unix)]
#[tokio::test]
async fn calls_over_a_unix_socket_are_named_by_its_path() {
    let recorder = SpanRecorder::new();
    let (inner, outer) = (tracer(&recorder, "server"), tracer(&recorder, "client"));
    let folder = std::env::temp_dir().join(format!("grpc-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("greeter.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let incoming = futures_util::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    let router = Server::builder()
        .layer(TraceLayer::new(inner.clone()))
        .add_service(greets(&inner));
    let serving = tokio::spawn(router.serve_with_incoming(Box::pin(incoming)));
    let target = format!("unix://{}", path.display());
    let endpoint = Endpoint::from_shared(target.clone()).unwrap();
    let layer = ClientTraceLayer::new(outer);
    for (layer, address) in [
        (layer.clone(), None),
        (layer.target(&target), Some(path.to_str().unwrap())),
    ] {
        let mut client = GreeterClient::new(layer.connect_lazy(&endpoint));
        client.say_hello(hello("Ann")).await.unwrap();
        let spans = recorder.wait_for_async(3, LIMIT).await;
        let client = spans
            .iter()
            .find(|span| span.kind() == SpanKind::Client)
            .unwrap();
        let recorded = client
            .attr("server.address")
            .and_then(|value| value.as_str());
        assert_eq!(recorded, address);
        client.assert_absent("server.port");
        client.assert_absent("network.peer.address");
    }
    serving.abort();
    std::fs::remove_dir_all(&folder).unwrap();
}
