//! tonic and `tracing`, by tracing-opentelemetry.

use examples::greeter::greeter_server::GreeterServer;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tower::ServiceBuilder;
use tracing_subscriber::prelude::*;

use crate::TestResult;
use crate::tonic_users::{Greets, greet_everybody, ours};

pub(crate) fn main() -> TestResult {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("shop").build())
        .with_batch_exporter(exporter)
        .build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing_subscriber::registry()
        .with(spans.with_filter(ours()))
        .init();

    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let greeter = Greets;
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
        let endpoint = Endpoint::try_from(format!("http://{}", incoming.local_addr()?))?;
        let server = Server::builder()
            .layer(tonic_tracing_opentelemetry::middleware::server::OtelGrpcLayer::default())
            .add_service(GreeterServer::new(greeter));
        tokio::spawn(server.serve_with_incoming(incoming));

        let channel = ServiceBuilder::new()
            .layer(tonic_tracing_opentelemetry::middleware::client::OtelGrpcLayer)
            .service(endpoint.connect_lazy());
        greet_everybody(channel).await
    })?;
    drop(runtime);
    provider.shutdown()?;
    Ok(())
}
