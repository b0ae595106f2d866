//! Calls that cross tasks, retries, other layers and interceptors.

use std::future::{Ready, ready};

use futures_util::{StreamExt as _, stream};
use grpc_trace::interceptor::{ExtractContext, InjectContext};
use grpc_trace::{ClientTraceLayer, TraceLayer};
use http::{Request, Response};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use tower::{Layer as _, ServiceBuilder};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Context, SpanKind};

use crate::greeter::proto::FailRequest;
use crate::greeter::proto::greeter_client::GreeterClient;
use crate::greeter::{LIMIT, Pair, greets, hello, serve_by, tracer};

#[tokio::test]
async fn the_current_span_is_the_parent_though_the_channel_has_a_task_of_its_own() {
    let pair = Pair::new().await;
    let outer = tracer(&pair.recorder, "client");
    let parent = outer.span("parent").start();
    let mut client = pair.client.clone();
    let call = async move { client.say_hello(hello("Ann")).await };
    call.with_context(parent.context()).await.unwrap();
    parent.end();
    let spans = pair.recorder.wait_for_async(4, LIMIT).await;
    let parent = spans.iter().find(|span| span.name() == "parent").unwrap();
    let client = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .unwrap();
    assert!(client.is_child_of(parent));
}

/// A buffer outside of the layer: an interceptor brings the context along, or the request itself does.
#[tokio::test]
async fn a_buffer_outside_of_the_layer_keeps_the_context() {
    let pair = Pair::new().await;
    let outer = tracer(&pair.recorder, "client");
    let channel = pair.served.endpoint().connect_lazy();
    let traced = ClientTraceLayer::new(outer.clone()).layer(channel);
    let buffered = ServiceBuilder::new().buffer(8).service(traced);
    for by_interceptor in [true, false] {
        let parent = outer.span("parent").start();
        let buffered = buffered.clone();
        let interceptor = InjectContext::new(outer.clone());
        let call = async move {
            if by_interceptor {
                let intercepted = InterceptedService::new(buffered, interceptor);
                GreeterClient::new(intercepted)
                    .say_hello(hello("Ann"))
                    .await
            } else {
                let mut request = tonic::Request::new(hello("Ann"));
                request.extensions_mut().insert(Context::current());
                GreeterClient::new(buffered).say_hello(request).await
            }
        };
        call.with_context(parent.context()).await.unwrap();
        parent.end();
        let spans = pair.recorder.wait_for_async(4, LIMIT).await;
        let parent = spans.iter().find(|span| span.name() == "parent").unwrap();
        let client = spans
            .iter()
            .find(|span| span.kind() == SpanKind::Client)
            .unwrap();
        let server = spans
            .iter()
            .find(|span| span.kind() == SpanKind::Server)
            .unwrap();
        assert!(client.is_child_of(parent) && server.is_child_of(client));
    }
}

#[derive(Clone)]
struct Twice;

impl<R, E> tower::retry::Policy<Request<tonic::body::Body>, Response<R>, E> for Twice {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<tonic::body::Body>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Ready<()>> {
        let failed = result
            .as_ref()
            .is_ok_and(|response| response.headers().contains_key("grpc-status"));
        let first = request.extensions_mut().insert(Self).is_none();
        (failed && first).then(|| ready(()))
    }

    fn clone_request(
        &mut self,
        request: &Request<tonic::body::Body>,
    ) -> Option<Request<tonic::body::Body>> {
        let mut clone = Request::new(tonic::body::Body::empty());
        *clone.uri_mut() = request.uri().clone();
        *clone.method_mut() = request.method().clone();
        *clone.version_mut() = request.version();
        *clone.headers_mut() = request.headers().clone();
        *clone.extensions_mut() = request.extensions().clone();
        Some(clone)
    }
}

/// One call is one span, by the conventions, however often it is sent: the layer goes outside of what retries.
#[tokio::test]
async fn a_layer_outside_of_retries_sees_one_call_and_inside_each_attempt() {
    for outside in [true, false] {
        let pair = Pair::new().await;
        let layer = ClientTraceLayer::new(tracer(&pair.recorder, "client"));
        let channel = pair.served.endpoint().connect_lazy();
        let retry = tower::retry::RetryLayer::new(Twice);
        let request = FailRequest {
            code: 14,
            message: String::new(),
        };
        let status = match outside {
            true => {
                GreeterClient::new(layer.layer(retry.layer(channel)))
                    .fail(request)
                    .await
            }
            false => {
                GreeterClient::new(retry.layer(layer.layer(channel)))
                    .fail(request)
                    .await
            }
        };
        assert!(status.is_err());
        let clients = if outside { 1 } else { 2 };
        let spans = pair.recorder.wait_for_async(clients + 2, LIMIT).await;
        let kind = |kind| spans.iter().filter(|span| span.kind() == kind).count();
        assert_eq!(
            (kind(SpanKind::Client), kind(SpanKind::Server)),
            (clients, 2)
        );
    }
}

#[tokio::test]
async fn a_layer_on_one_service_leaves_the_others_alone_and_keeps_its_name() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let traced = TraceLayer::new(inner.clone()).layer(greets(&inner));
    let router = Server::builder().add_service(traced);
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let mut client = GreeterClient::new(served.endpoint().connect_lazy());
    client.say_hello(hello("Ann")).await.unwrap();
    let spans = recorder.wait_for_async(2, LIMIT).await;
    assert_eq!(spans[1].str("network.peer.address"), "127.0.0.1");
    let status = client_of("/other.Service/Method", &served.endpoint()).await;
    assert_eq!(status.code(), Code::Unimplemented);
    recorder.assert_nothing();
}

#[tokio::test]
async fn routes_in_an_axum_router_are_traced_from_outside() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let layer = TraceLayer::new(inner.clone()).count_messages(true);
    let routes = tonic::service::Routes::new(greets(&inner));
    let router = Server::builder().add_routes(tonic::service::Routes::from(
        routes.prepare().into_axum_router().layer(layer),
    ));
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let mut client = GreeterClient::new(served.endpoint().connect_lazy());
    client.say_hello(hello("Ann")).await.unwrap();
    let spans = recorder.wait_for_async(2, LIMIT).await;
    assert_eq!(spans[1].str("rpc.status_code"), "OK");
    assert_eq!(spans[1].int("ctx.rpc.messages.sent"), 1);
    // The request's body is axum's here, and can be looked into with the feature of this name.
    let received = spans[1].attr("ctx.rpc.messages.received");
    assert_eq!(received.is_some(), cfg!(feature = "axum"));
}

#[tokio::test]
async fn an_interceptor_that_refuses_is_a_call_that_fails() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let refusing = InterceptedService::new(greets(&inner), |_: tonic::Request<()>| {
        Err(Status::unauthenticated("who are you?"))
    });
    let layer = TraceLayer::new(inner.clone());
    let router = Server::builder().layer(layer).add_service(refusing);
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let mut client = GreeterClient::new(served.endpoint().connect_lazy());
    assert!(client.say_hello(hello("Ann")).await.is_err());
    let span = recorder.wait_for_async(1, LIMIT).await.remove(0);
    assert_eq!(span.str("rpc.status_code"), "UNAUTHENTICATED");
    span.assert_unset();
}

#[tokio::test]
async fn interceptors_alone_hand_contexts_on() {
    let recorder = SpanRecorder::new();
    let inner = tracer(&recorder, "server");
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let mut extract = ExtractContext::new(inner.clone());
    let service = InterceptedService::new(greets(&inner), move |request: tonic::Request<()>| {
        use tonic::service::Interceptor as _;

        let request = extract.call(request)?;
        let caller = request.extensions().get::<Context>().cloned();
        sender.send(caller.unwrap()).unwrap();
        Ok(request)
    });
    let router = Server::builder().add_service(service);
    let served = serve_by(|incoming| router.serve_with_incoming(incoming)).await;
    let channel: Channel = served.endpoint().connect_lazy();
    let mut client = GreeterClient::with_interceptor(channel, InjectContext::new(inner.clone()));
    let parent = inner.span("parent").start();
    let call = async move { client.say_hello(hello("Ann")).await };
    call.with_context(parent.context()).await.unwrap();
    let caller = seen.recv().await.unwrap();
    let id = parent.context().span_context().unwrap().span_id();
    assert_eq!(caller.span_context().unwrap().span_id(), id);
    parent.end();
    drop(recorder.take());
}

/// Two servers behind one channel, which has no address of its own.
#[tokio::test]
async fn a_channel_that_balances_is_named_by_its_target() {
    let (one, two) = (Pair::new().await, Pair::new().await);
    let recorder = SpanRecorder::new();
    let endpoints = [one.served.endpoint(), two.served.endpoint()];
    let channel = Channel::balance_list(endpoints.into_iter());
    let layer = ClientTraceLayer::new(tracer(&recorder, "client")).target("dns:///greeter:50051");
    let mut client = GreeterClient::new(layer.layer(channel));
    for _ in 0..4 {
        client.say_hello(hello("Ann")).await.unwrap();
        let span = recorder.wait_for_async(1, LIMIT).await.remove(0);
        assert_eq!(span.str("server.address"), "greeter");
        assert_eq!(span.int("server.port"), 50051);
        span.assert_absent("network.peer.address");
    }
    for pair in [one, two] {
        pair.recorder.ignore();
    }
}

/// The stream of requests has the context also where nothing is recorded, if that is wished for.
#[tokio::test]
async fn an_unrecorded_stream_of_requests_has_the_context_on_request() {
    use tracing_core_ctx::sampler::AlwaysOff;

    let pair = Pair::new().await;
    for always in [true, false] {
        let recorder = SpanRecorder::new();
        let outer = recorder.tracer_builder("client").sampler(AlwaysOff).build();
        let layer = ClientTraceLayer::new(outer).always_accompany(always);
        let mut client = GreeterClient::new(layer.connect_lazy(&pair.served.endpoint()));
        let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let requests = stream::iter(["Ann"]).map(move |name| {
            sender
                .send(Context::current().span_context().is_some())
                .unwrap();
            hello(name)
        });
        client.collect_hello(requests).await.unwrap();
        assert_eq!(seen.recv().await, Some(always));
    }
    pair.recorder.ignore();
}

/// Calls a method by its path alone.
async fn client_of(path: &'static str, endpoint: &tonic::transport::Endpoint) -> Status {
    let mut client = tonic::client::Grpc::new(endpoint.connect_lazy());
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<FailRequest, FailRequest>::default();
    let request = tonic::Request::new(FailRequest::default());
    let path = http::uri::PathAndQuery::from_static(path);
    client.unary(request, path, codec).await.unwrap_err()
}

/// Who hands calls on copies the metadata of its own caller.
#[test]
fn an_interceptor_does_not_hand_on_what_a_stranger_said() {
    use tonic::service::Interceptor as _;
    use tracing_core_ctx::Tracer;

    const STRANGER: [(&str, &str); 3] = [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("tracestate", "stranger=1"),
        ("baggage", "admin=true"),
    ];
    let mut interceptor = InjectContext::new(Tracer::noop());
    let mut copied = tonic::Request::new(());
    for (name, value) in STRANGER {
        copied.metadata_mut().insert(name, value.parse().unwrap());
    }
    copied
        .metadata_mut()
        .insert("x-user", "ann".parse().unwrap());
    let sent = interceptor.call(copied).unwrap();
    let names: Vec<_> = sent.metadata().as_ref().keys().collect();
    assert_eq!(names, ["x-user"]);
}

/// Where who has sent a call is known, it is not whom the call is sent to.
#[tokio::test]
async fn what_a_call_brought_along_for_one_client_is_not_there_for_the_next() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("client"));
    let parent = recorder.tracer("client").span("parent").start();
    let mut client = layer.layer(tower::service_fn(
        |request: Request<trace_testkit::http::TestBody>| async move {
            assert!(request.extensions().get::<Context>().is_none());
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            Err::<Response<trace_testkit::http::TestBody>, _>(refused)
        },
    ));
    let mut request = Request::post("http://shop.example/a.B/C")
        .body(trace_testkit::http::TestBody::empty())
        .unwrap();
    request.extensions_mut().insert(parent.context());
    let caller = grpc_trace::PeerAddr("192.0.2.7:50000".parse().unwrap());
    request.extensions_mut().insert(caller);
    tower::Service::call(&mut client, request)
        .await
        .unwrap_err();
    parent.end();
    let spans = recorder.take();
    assert!(spans[0].is_child_of(&spans[1]));
    spans[0].assert_absent("network.peer.address");
}
