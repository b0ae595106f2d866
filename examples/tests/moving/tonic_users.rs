//! What the users of tonic and `tracing` wrote.

use std::pin::Pin;

use examples::greeter::greeter_client::GreeterClient;
use examples::greeter::greeter_server::Greeter;
use examples::greeter::{FailRequest, HelloReply, HelloRequest, RelayRequest, StreamRequest};
use futures_util::Stream;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::{Request, Response, Status, Streaming};
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::TestResult;

/// No spans of the libraries below, of which h2 has many.
pub(crate) fn ours() -> Targets {
    Targets::new()
        .with_target("moving", LevelFilter::INFO)
        .with_target("otel::tracing", LevelFilter::TRACE)
}

pub(crate) struct Greets;

#[tonic::async_trait]
impl Greeter for Greets {
    type StreamHelloStream = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;
    type ChatHelloStream = Self::StreamHelloStream;

    #[tracing::instrument(skip_all)]
    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let message = look_up(&request.into_inner().name).await;
        Ok(Response::new(HelloReply {
            message,
            ..HelloReply::default()
        }))
    }

    async fn fail(&self, _: Request<FailRequest>) -> Result<Response<HelloReply>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn stream_hello(
        &self,
        _: Request<StreamRequest>,
    ) -> Result<Response<Self::StreamHelloStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn collect_hello(
        &self,
        _: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloReply>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn chat_hello(
        &self,
        _: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<Self::ChatHelloStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn relay(&self, _: Request<RelayRequest>) -> Result<Response<HelloReply>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tracing::instrument(name = "look up")]
async fn look_up(name: &str) -> String {
    tokio::task::yield_now().await;
    format!("hello {name}")
}

#[tracing::instrument(name = "greet everybody", skip_all)]
pub(crate) async fn greet_everybody<C>(channel: C) -> TestResult
where
    C: GrpcService<Body>,
    C::Error: Into<crate::BoxError>,
    C::ResponseBody: tonic::transport::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as tonic::transport::Body>::Error: Into<crate::BoxError> + Send,
{
    let request = HelloRequest {
        name: "Ann".to_owned(),
    };
    let reply = GreeterClient::new(channel).say_hello(request).await?;
    assert_eq!(reply.into_inner().message, "hello Ann");
    Ok(())
}
