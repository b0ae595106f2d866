//! The service that is called, on real sockets.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use grpc_trace::{ClientTrace, ClientTraceLayer, TraceLayer};
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::{Context, Span, SystemClock, Tracer};

use self::proto::greeter_client::GreeterClient;
use self::proto::greeter_server::{Greeter, GreeterServer};
use self::proto::{FailRequest, HelloReply, HelloRequest, RelayRequest, StreamRequest};

pub(crate) mod proto {
    //! Made from `examples/proto/greeter.proto`, which has a test that says how.
    #![expect(
        unreachable_pub,
        unused_qualifications,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::use_self,
        reason = "generated"
    )]

    include!("generated.rs");
}

/// How long a test waits for something that must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) const SERVICE: &str = "accept.greeter.v1.Greeter";

type Replies = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;

/// Greets, and says which span was current.
#[derive(Clone, Debug)]
pub(crate) struct Greets {
    tracer: Tracer,
}

pub(crate) fn hello(name: &str) -> HelloRequest {
    HelloRequest {
        name: name.to_owned(),
    }
}

pub(crate) fn reply(message: &str) -> HelloReply {
    let current = Context::current();
    let span = current.span_context();
    HelloReply {
        message: message.to_owned(),
        lang: "rust".to_owned(),
        trace_id: span.map_or_else(String::new, |span| span.trace_id().to_string()),
        span_id: span.map_or_else(String::new, |span| span.span_id().to_string()),
        ..HelloReply::default()
    }
}

#[tonic::async_trait]
impl Greeter for Greets {
    type StreamHelloStream = Replies;
    type ChatHelloStream = Replies;

    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        match &*name {
            "forever" => std::future::pending().await,
            "panic" => panic!("as the test wants"),
            _ => {}
        }
        Span::child("greet").end();
        Ok(Response::new(reply(&name)))
    }

    async fn fail(&self, request: Request<FailRequest>) -> Result<Response<HelloReply>, Status> {
        let FailRequest { code, message } = request.into_inner();
        match Code::from_i32(i32::try_from(code).unwrap()) {
            Code::Ok => Ok(Response::new(reply(&message))),
            code => Err(Status::new(code, message)),
        }
    }

    /// `name` may be a code, with which the stream then ends.
    async fn stream_hello(
        &self,
        request: Request<StreamRequest>,
    ) -> Result<Response<Replies>, Status> {
        let StreamRequest { name, count } = request.into_inner();
        let last = match name.parse::<i32>().map(Code::from_i32) {
            Ok(code) if code != Code::Ok => Some(Err(Status::new(code, "at the end"))),
            _ => None,
        };
        let endless = name == "endless";
        let replies = stream::iter(0..count).map(move |number| {
            Span::child("greet in stream").end();
            Ok(reply(&number.to_string()))
        });
        let rest = stream::iter(last).chain(match endless {
            true => stream::pending().left_stream(),
            false => stream::empty().right_stream(),
        });
        Ok(Response::new(Box::pin(replies.chain(rest))))
    }

    async fn collect_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>, Status> {
        let mut requests = request.into_inner();
        let mut names = Vec::new();
        while let Some(request) = requests.message().await? {
            names.push(request.name);
        }
        Ok(Response::new(reply(&names.join(","))))
    }

    async fn chat_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let requests = request.into_inner();
        Ok(Response::new(Box::pin(
            requests.map(|request| Ok(reply(&request?.name))),
        )))
    }

    async fn relay(&self, request: Request<RelayRequest>) -> Result<Response<HelloReply>, Status> {
        let RelayRequest { mut targets, name } = request.into_inner();
        let mut own = reply(&name);
        if !targets.is_empty() {
            let endpoint = Endpoint::from_shared(targets.remove(0)).unwrap();
            let channel = ClientTraceLayer::new(self.tracer.clone()).connect_lazy(&endpoint);
            let next = GreeterClient::new(channel)
                .relay(RelayRequest { targets, name })
                .await?;
            own.downstream = Some(Box::new(next.into_inner()));
        }
        Ok(Response::new(own))
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn greets(tracer: &Tracer) -> GreeterServer<Greets> {
    let greets = Greets {
        tracer: tracer.clone(),
    };
    GreeterServer::new(greets)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
}

/// A tracer by the clock of the wall, which deadlines go by.
pub(crate) fn tracer(recorder: &SpanRecorder, service: &str) -> Tracer {
    recorder
        .tracer_builder(service)
        .clock(SystemClock::new())
        .build()
}

/// Serves the greeter with this layer around everything.
pub(crate) async fn serve(tracer: &Tracer, layer: TraceLayer) -> Served {
    let router = Server::builder().layer(layer).add_service(greets(tracer));
    serve_by(move |incoming| router.serve_with_incoming(incoming)).await
}

/// Serves by whatever takes connections.
pub(crate) async fn serve_by<F>(serve: impl FnOnce(TcpIncoming) -> F) -> Served
where
    F: Future<Output = Result<(), tonic::transport::Error>> + Send + 'static,
{
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let serving = serve(incoming);
    let task = tokio::spawn(async move { drop(serving.await) });
    Served { address, task }
}

/// Both sides with their defaults.
pub(crate) struct Pair {
    pub(crate) recorder: SpanRecorder,
    pub(crate) served: Served,
    pub(crate) client: GreeterClient<ClientTrace<Channel>>,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        Self::with(|server| server, |client| client).await
    }

    pub(crate) async fn with(
        server: impl FnOnce(TraceLayer) -> TraceLayer,
        client: impl FnOnce(ClientTraceLayer) -> ClientTraceLayer,
    ) -> Self {
        let recorder = SpanRecorder::new();
        let (inner, outer) = (tracer(&recorder, "server"), tracer(&recorder, "client"));
        let served = serve(&inner, server(TraceLayer::new(inner.clone()))).await;
        let client = client(ClientTraceLayer::new(outer)).connect_lazy(&served.endpoint());
        Self {
            recorder,
            served,
            client: GreeterClient::new(client),
        }
    }

    /// The spans of one call: the client's, the server's. Others were taken before.
    pub(crate) async fn spans(&self) -> (RecordedSpan, RecordedSpan) {
        let mut spans = self.recorder.wait_for_async(2, LIMIT).await;
        spans.sort_by_key(|span| span.service().to_owned());
        let [client, server] = <[RecordedSpan; 2]>::try_from(spans).unwrap();
        assert!(server.is_child_of(&client), "{client:?}\n{server:?}");
        (client, server)
    }
}
