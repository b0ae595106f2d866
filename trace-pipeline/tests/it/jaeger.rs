//! Strategies from a server, by Jaeger's protocol for remote sampling, over real sockets.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use prost::Message;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server as TonicServer;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use trace_pipeline::exporter::InMemory;
use trace_pipeline::sampling::JaegerRemote;
use trace_pipeline::{BuildError, Pipeline};

use crate::server::{Reply, Server};
use crate::support::{LONG, builder, ledger};

const OFTEN: Duration = Duration::from_millis(20);

fn json(text: &str) -> Reply {
    Reply::with_body(200, text.as_bytes().to_owned())
}

fn following(remote: JaegerRemote) -> Pipeline {
    let pipeline = builder()
        .service("a shop")
        .exporter(InMemory::default())
        .jaeger_remote(remote.every(OFTEN));
    pipeline.build().unwrap()
}

fn is_kept(pipeline: &Pipeline, name: &str) -> bool {
    pipeline.tracer().span(name).root().start().is_recording()
}

/// Waits until traces of this name are kept, or not.
fn wait_until(pipeline: &Pipeline, name: &str, kept: bool) {
    let start = Instant::now();
    while is_kept(pipeline, name) != kept {
        assert!(
            start.elapsed() < LONG,
            "{name} is still not as it should be"
        );
        thread::yield_now();
    }
}

const ALL: &str = r#"{"probabilisticSampling": {"samplingRate": 1}}"#;
const NONE: &str = r#"{"probabilisticSampling": {"samplingRate": 0}}"#;
const PAYMENTS: &str = r#"{"operationSampling": {"defaultSamplingProbability": 0,
    "perOperationStrategies": [{"operation": "pay", "probabilisticSampling": {"samplingRate": 1}}]}}"#;

#[test]
fn the_servers_strategy_is_followed_when_it_changes() {
    let now = Arc::new(Mutex::new(ALL));
    let said = Arc::clone(&now);
    let server = Server::with_script(move || json(*said.lock().unwrap()));
    let remote = JaegerRemote::http(format!("{}/sampling", server.url())).initial_probability(0.0);
    let pipeline = following(remote);
    assert_eq!(
        server.request().line,
        "GET /sampling?service=a%20shop HTTP/1.1"
    );
    wait_until(&pipeline, "any", true);
    *now.lock().unwrap() = NONE;
    wait_until(&pipeline, "any", false);
    *now.lock().unwrap() = PAYMENTS;
    wait_until(&pipeline, "pay", true);
    assert!(!is_kept(&pipeline, "any"));
    pipeline.flush(LONG).unwrap();
    ledger(&pipeline);
}

#[test]
fn the_last_good_strategy_stays_when_the_server_fails() {
    let server = Server::start(
        [
            json(ALL),
            json("<html>"),
            Reply::status(500),
            Reply::Close,
            Reply::Reset,
            json("{}"),
        ],
        Reply::status(503),
    );
    let remote = JaegerRemote::http(server.url()).initial_probability(0.0);
    let pipeline = following(remote);
    wait_until(&pipeline, "any", true);
    for _ in 0..8 {
        drop(server.request());
        assert!(is_kept(&pipeline, "any"));
    }
}

#[test]
fn before_the_first_answer_the_initial_probability_holds() {
    let server = Server::start([], Reply::Hang);
    let all = following(JaegerRemote::http(server.url()).initial_probability(1.0));
    let none = following(JaegerRemote::http(server.url()).initial_probability(0.0));
    drop((server.request(), server.request()));
    assert!(is_kept(&all, "any"));
    assert!(!is_kept(&none, "any"));
    // Nobody waits for the one who asks.
    let start = Instant::now();
    all.shutdown(LONG).unwrap();
    drop(none);
    assert!(start.elapsed() < LONG / 2);
}

#[test]
fn an_endpoint_that_is_no_url_is_an_error() {
    let built = builder()
        .jaeger_remote(JaegerRemote::http("localhost"))
        .build();
    assert!(matches!(built, Err(BuildError::JaegerRemote(_))));
}

#[test]
fn the_environment_names_the_server() {
    let server = Server::start([], json(ALL));
    let argument = format!(
        "endpoint={}/api/sampling,pollingIntervalMs=20,initialSamplingRate=0",
        server.url()
    );
    let vars = move |name: &str| match name {
        "OTEL_TRACES_SAMPLER" => Some("parentbased_jaeger_remote".to_owned()),
        "OTEL_TRACES_SAMPLER_ARG" => Some(argument.clone()),
        "OTEL_SERVICE_NAME" => Some("orders".to_owned()),
        _ => None,
    };
    let builder = trace_pipeline::from_vars(vars).exporter(InMemory::default());
    assert!(builder.warnings().is_empty(), "{:?}", builder.warnings());
    let pipeline = builder.build().unwrap();
    assert_eq!(
        server.request().line,
        "GET /api/sampling?service=orders HTTP/1.1"
    );
    wait_until(&pipeline, "any", true);
}

#[derive(Clone, PartialEq, Message)]
struct Parameters {
    #[prost(string, tag = "1")]
    service_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Strategy {
    #[prost(message, optional, tag = "2")]
    probabilistic: Option<Probabilistic>,
}

#[derive(Clone, PartialEq, Message)]
struct Probabilistic {
    #[prost(double, tag = "1")]
    sampling_rate: f64,
}

type Answer = Result<f64, Status>;

/// `jaeger.api_v2.SamplingManager`, of tonic.
#[derive(Clone)]
struct Manager {
    answer: Arc<Mutex<Answer>>,
    asked: mpsc::Sender<String>,
}

impl NamedService for Manager {
    const NAME: &'static str = "jaeger.api_v2.SamplingManager";
}

impl Service<http::Request<tonic::body::Body>> for Manager {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        assert!(request.uri().path().ends_with("/GetSamplingStrategy"));
        let manager = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<Strategy, Parameters>::default();
            Ok(Grpc::new(codec).unary(manager, request).await)
        })
    }
}

impl UnaryService<Parameters> for Manager {
    type Response = Strategy;
    type Future = Ready<Result<Response<Strategy>, Status>>;

    fn call(&mut self, request: Request<Parameters>) -> Self::Future {
        let _ = self.asked.send(request.into_inner().service_name);
        let answer = self.answer.lock().unwrap().clone();
        ready(answer.map(|sampling_rate| {
            Response::new(Strategy {
                probabilistic: Some(Probabilistic { sampling_rate }),
            })
        }))
    }
}

/// Where a manager listens, and the names of the services that ask.
fn manager(answer: &Arc<Mutex<Answer>>) -> (String, mpsc::Receiver<String>) {
    let (asked, names) = mpsc::channel();
    let (bound, address) = mpsc::channel();
    let manager = Manager {
        answer: Arc::clone(answer),
        asked,
    };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            bound.send(incoming.local_addr().unwrap()).unwrap();
            let server = TonicServer::builder().add_service(manager);
            server.serve_with_incoming(incoming).await.unwrap();
        });
    });
    let address = address.recv_timeout(LONG).unwrap();
    (format!("http://{address}"), names)
}

#[test]
fn a_server_of_grpc_is_followed_too() {
    let answer = Arc::new(Mutex::new(Err(Status::unavailable("it starts"))));
    let (url, names) = manager(&answer);
    let pipeline = following(JaegerRemote::grpc(url).initial_probability(0.0));
    assert_eq!(names.recv_timeout(LONG).unwrap(), "a shop");
    *answer.lock().unwrap() = Ok(1.0);
    wait_until(&pipeline, "any", true);
    *answer.lock().unwrap() = Ok(0.0);
    wait_until(&pipeline, "any", false);
    *answer.lock().unwrap() = Err(Status::unavailable("it ends"));
    for _ in 0..names.try_iter().count() + 3 {
        drop(names.recv_timeout(LONG).unwrap());
    }
    assert!(!is_kept(&pipeline, "any"));
}
