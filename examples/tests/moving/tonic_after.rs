//! tonic and `tracing`, by this project.

use std::time::Duration;

use examples::greeter::greeter_server::GreeterServer;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::tonic_users::{Greets, greet_everybody, ours};

pub(crate) fn main() -> TestResult {
    let pipeline = trace_pipeline::from_env().service("shop").build()?;
    let tracer = pipeline.tracer().clone();
    let spans = trace_bridge::TracingLayer::new(tracer.clone());
    tracing_subscriber::registry()
        .with(spans.with_filter(ours()))
        .init();

    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let greeter = Greets;
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
        let endpoint = Endpoint::try_from(format!("http://{}", incoming.local_addr()?))?;
        let server = Server::builder()
            .layer(grpc_trace::TraceLayer::new(tracer.clone()))
            .add_service(GreeterServer::new(greeter));
        tokio::spawn(server.serve_with_incoming(incoming));

        let channel = grpc_trace::ClientTraceLayer::new(tracer).connect_lazy(&endpoint);
        greet_everybody(channel).await
    })?;
    drop(runtime);
    pipeline.shutdown(Duration::from_secs(5))?;
    Ok(())
}
