use std::pin::Pin;
use std::time::Duration;

use examples::greeter::greeter_client::GreeterClient;
use examples::greeter::greeter_server::Greeter;
use examples::greeter::{FailRequest, HelloReply, HelloRequest, RelayRequest, StreamRequest};
use futures_util::{Stream, StreamExt as _, stream};
use grpc_trace::ClientTraceLayer;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status, Streaming};
use tracing_core_ctx::{Context, Tracer};

/// How long the next service may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The most replies that one call may ask for.
const MAX_COUNT: u32 = 10_000;

/// The most names that are collected.
const MAX_NAMES: usize = 1000;

type Replies = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;

/// Greets, and says in which trace.
pub(crate) struct Greets {
    client: ClientTraceLayer,
}

impl Greets {
    pub(crate) fn new(tracer: &Tracer) -> Self {
        Self {
            client: ClientTraceLayer::new(tracer.clone()),
        }
    }

    /// Calls the next service with the rest of the targets.
    async fn next(&self, target: String, rest: RelayRequest) -> Result<HelloReply, Status> {
        let url = match target.contains("://") {
            true => target,
            false => format!("http://{target}"),
        };
        let endpoint = Endpoint::from_shared(url)
            .map_err(|error| Status::invalid_argument(error.to_string()))?
            .connect_timeout(LIMIT);
        let mut request = Request::new(rest);
        request.set_timeout(LIMIT);
        let mut next = GreeterClient::new(self.client.connect_lazy(&endpoint));
        Ok(next.relay(request).await?.into_inner())
    }
}

/// Tells which headers arrived and which span answers.
fn reply(message: String, metadata: &MetadataMap) -> HelloReply {
    let current = Context::current();
    let span = current.span_context();
    let header = |name: &str| {
        let lines = metadata.get_all(name).iter();
        let texts: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        texts.join(",")
    };
    HelloReply {
        message,
        lang: "rust".to_owned(),
        trace_id: span.map_or_else(String::new, |span| span.trace_id().to_string()),
        span_id: span.map_or_else(String::new, |span| span.span_id().to_string()),
        traceparent: header("traceparent"),
        tracestate: header("tracestate"),
        downstream: None,
    }
}

fn hello(name: &str) -> String {
    format!("Hello, {name}!")
}

#[tonic::async_trait]
impl Greeter for Greets {
    type StreamHelloStream = Replies;
    type ChatHelloStream = Replies;

    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let message = hello(&request.get_ref().name);
        Ok(Response::new(reply(message, request.metadata())))
    }

    async fn fail(&self, request: Request<FailRequest>) -> Result<Response<HelloReply>, Status> {
        let FailRequest { code, message } = request.get_ref();
        let known = i32::try_from(*code).ok().filter(|code| *code <= 16);
        let Some(code) = known.map(Code::from_i32) else {
            return Err(Status::invalid_argument("a code is a number up to 16"));
        };
        match code {
            Code::Ok => Ok(Response::new(reply(message.clone(), request.metadata()))),
            code => Err(Status::new(code, message.clone())),
        }
    }

    async fn stream_hello(
        &self,
        request: Request<StreamRequest>,
    ) -> Result<Response<Replies>, Status> {
        let (metadata, _, StreamRequest { name, count }) = request.into_parts();
        if count > MAX_COUNT {
            let most = format!("at most {MAX_COUNT} replies");
            return Err(Status::out_of_range(most));
        }
        let replies = stream::iter(0..count).map(move |_| Ok(reply(hello(&name), &metadata)));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn collect_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>, Status> {
        let (metadata, _, mut requests) = request.into_parts();
        let mut names = Vec::new();
        while let Some(request) = requests.message().await? {
            if names.len() == MAX_NAMES {
                let most = format!("at most {MAX_NAMES} names");
                return Err(Status::resource_exhausted(most));
            }
            names.push(request.name);
        }
        let message = hello(&names.join(", "));
        Ok(Response::new(reply(message, &metadata)))
    }

    async fn chat_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let (metadata, _, requests) = request.into_parts();
        let replies = requests.map(move |request| Ok(reply(hello(&request?.name), &metadata)));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn relay(&self, request: Request<RelayRequest>) -> Result<Response<HelloReply>, Status> {
        let (metadata, _, mut rest) = request.into_parts();
        let mut own = reply(hello(&rest.name), &metadata);
        if !rest.targets.is_empty() {
            let target = rest.targets.remove(0);
            own.downstream = Some(Box::new(self.next(target, rest).await?));
        }
        Ok(Response::new(own))
    }
}
