//! OTLP over gRPC, to a server of tonic with the service of opentelemetry-proto.

use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server as TonicServer, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};
use trace_pipeline::otlp::{Compression, OtlpConfig};
use trace_pipeline::{Pipeline, PipelineStats};

use crate::server::{Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger, quick};

/// What a call is answered with.
pub(crate) type Answer = Result<ExportTraceServiceResponse, Status>;

struct Collector {
    answers: Mutex<Vec<Answer>>,
    requests: mpsc::Sender<(Request<ExportTraceServiceRequest>, Instant)>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let _ = self.requests.send((request, Instant::now()));
        let answer = self.answers.lock().unwrap().pop();
        answer
            .unwrap_or_else(|| Ok(ExportTraceServiceResponse::default()))
            .map(Response::new)
    }
}

pub(crate) struct Running {
    pub(crate) address: String,
    requests: mpsc::Receiver<(Request<ExportTraceServiceRequest>, Instant)>,
}

impl Running {
    /// Gives `answers` to the first requests, and then success.
    pub(crate) fn start(answers: Vec<Answer>, identity: Option<Identity>) -> Self {
        Self::answering(answers, identity, None)
    }

    /// The same in this encoding, where the client takes it.
    fn answering(
        mut answers: Vec<Answer>,
        identity: Option<Identity>,
        encoding: Option<CompressionEncoding>,
    ) -> Self {
        answers.reverse();
        let (sender, requests) = mpsc::channel();
        let (bound, address) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
                bound
                    .send(incoming.local_addr().unwrap().to_string())
                    .unwrap();
                let collector = Collector {
                    answers: Mutex::new(answers),
                    requests: sender,
                };
                let service =
                    TraceServiceServer::new(collector).accept_compressed(CompressionEncoding::Gzip);
                #[cfg(feature = "zstd")]
                let service = service.accept_compressed(CompressionEncoding::Zstd);
                let service = match encoding {
                    Some(encoding) => service.send_compressed(encoding),
                    None => service,
                };
                let mut server = TonicServer::builder();
                if let Some(identity) = identity {
                    server = server
                        .tls_config(ServerTlsConfig::new().identity(identity))
                        .unwrap();
                }
                server
                    .add_service(service)
                    .serve_with_incoming(incoming)
                    .await
                    .unwrap();
            });
        });
        Self {
            address: address.recv_timeout(LONG).unwrap(),
            requests,
        }
    }

    pub(crate) fn request(&self) -> (Request<ExportTraceServiceRequest>, Instant) {
        self.requests.recv_timeout(LONG).unwrap()
    }
}

fn pipeline(config: OtlpConfig) -> Pipeline {
    builder().otlp(quick(config)).build().unwrap()
}

/// Three spans to a server that answers so; what became of them, and how many calls it took.
fn three_spans(answers: Vec<Answer>) -> (PipelineStats, usize) {
    let server = Running::start(answers, None);
    let pipeline = pipeline(OtlpConfig::grpc().endpoint(format!("http://{}", server.address)));
    end_spans(&pipeline, 3);
    let _ = pipeline.flush(LONG);
    let stats = ledger(&pipeline);
    assert_eq!(stats.in_flight, 0);
    (stats, server.requests.try_iter().count())
}

#[test]
fn spans_arrive_with_metadata() {
    for compression in [
        Compression::None,
        Compression::Gzip,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
    ] {
        let server = Running::start(Vec::new(), None);
        let config = OtlpConfig::grpc()
            .endpoint(&server.address)
            .insecure(true)
            .header("x-tenant", "shop");
        let pipeline = pipeline(config.compression(compression));
        end_spans(&pipeline, 100);
        assert_eq!(pipeline.flush(LONG), Ok(()));
        let (request, _) = server.request();
        let metadata = request.metadata();
        assert_eq!(metadata.get("x-tenant").unwrap(), "shop");
        assert!(
            metadata
                .get("user-agent")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("OTel-OTLP-Exporter-Rust/")
        );
        assert!(metadata.contains_key("grpc-timeout"));
        let spans = &request.get_ref().resource_spans[0].scope_spans[0].spans;
        assert_eq!((spans.len(), spans[99].name.as_str()), (100, "span 99"));
        assert_eq!(ledger(&pipeline).exported, 100);
    }
}

#[test]
fn one_connection_serves_many_batches() {
    let server = Running::start(Vec::new(), None);
    let pipeline = pipeline(OtlpConfig::grpc().endpoint(format!("http://{}", server.address)));
    let mut peers = Vec::new();
    for _ in 0..3 {
        end_spans(&pipeline, 1);
        assert_eq!(pipeline.flush(LONG), Ok(()));
        peers.push(server.request().0.remote_addr().unwrap());
    }
    peers.dedup();
    assert_eq!(peers.len(), 1);
    assert_eq!(ledger(&pipeline).exported, 3);
}

#[test]
fn large_spans_go_in_requests_that_servers_take() {
    // The server's limit is 4 MiB, as it is with most.
    let server = Running::start(Vec::new(), None);
    let pipeline = pipeline(
        OtlpConfig::grpc()
            .endpoint(format!("http://{}", server.address))
            .timeout(LONG),
    );
    let text = "x".repeat(100_000);
    for _ in 0..80 {
        let span = pipeline.tracer().span("large").start();
        span.set("shop.text", &text);
        span.end();
    }
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 80);
}

#[test]
fn a_server_that_is_not_available_is_tried_again() {
    for code in [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
    ] {
        let (stats, calls) = three_spans(vec![Err(Status::new(code, "later"))]);
        assert_eq!(
            (stats.exported, stats.retries, calls),
            (3, 1, 2),
            "{code:?}"
        );
    }
}

#[test]
fn what_will_never_be_taken_is_not_tried_again() {
    for code in [
        Code::InvalidArgument,
        Code::Unauthenticated,
        Code::Internal,
        Code::Unknown,
        Code::ResourceExhausted,
    ] {
        let (stats, calls) = three_spans(vec![Err(Status::new(code, "never"))]);
        assert_eq!(
            (stats.dropped.export_failed, stats.retries, calls),
            (3, 0, 1),
            "{code:?}"
        );
    }
}

/// Out of resources, with a `RetryInfo` of 300 ms in a `google.rpc.Status`.
pub(crate) fn come_again_in_300_ms() -> Status {
    let name = b"type.googleapis.com/google.rpc.RetryInfo";
    let info = [0x0a, 6, 0x10, 0x80, 0xc6, 0x86, 0x8f, 0x01];
    let any = [&[0x0a, 40][..], name, &[0x12, 8], &info].concat();
    let details = [&[0x08, 8, 0x1a, 52][..], &any].concat();
    assert_eq!((name.len(), any.len()), (40, 52));
    Status::with_details(Code::ResourceExhausted, "later", details.into())
}

#[test]
fn a_server_that_says_when_to_come_again_is_heard() {
    let server = Running::start(vec![Err(come_again_in_300_ms())], None);
    let pipeline = pipeline(
        OtlpConfig::grpc()
            .endpoint(format!("http://{}", server.address))
            .timeout(LONG),
    );
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let (first, second) = (server.request().1, server.request().1);
    assert!(
        second - first >= Duration::from_millis(300),
        "{:?}",
        second - first
    );
    assert_eq!(ledger(&pipeline).retries, 1);
}

#[test]
fn a_partial_success_is_counted_and_never_sent_again() {
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: 2,
        error_message: "too old".to_owned(),
    });
    let (stats, calls) = three_spans(vec![Ok(ExportTraceServiceResponse { partial_success })]);
    assert_eq!((stats.exported, stats.dropped.rejected, calls), (1, 2, 1));
}

#[test]
fn an_answer_that_the_server_made_smaller_is_read() {
    let encodings = [
        (Compression::Gzip, CompressionEncoding::Gzip),
        #[cfg(feature = "zstd")]
        (Compression::Zstd, CompressionEncoding::Zstd),
    ];
    for (compression, encoding) in encodings {
        let partial_success = Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too old".to_owned(),
        });
        let answers = vec![Ok(ExportTraceServiceResponse { partial_success })];
        let server = Running::answering(answers, None, Some(encoding));
        let config = OtlpConfig::grpc().endpoint(format!("http://{}", server.address));
        let pipeline = pipeline(config.compression(compression));
        end_spans(&pipeline, 3);
        let _ = pipeline.flush(LONG);
        let stats = ledger(&pipeline);
        assert_eq!(
            (stats.exported, stats.dropped.rejected),
            (1, 2),
            "{encoding:?}"
        );
        let request = server.request().0;
        let taken = request.metadata().get("grpc-accept-encoding").unwrap();
        assert!(taken.to_str().unwrap().contains("gzip"), "{taken:?}");
    }
}

#[test]
fn a_server_that_speaks_no_grpc_is_a_failure() {
    for reply in [Reply::status(200), Reply::Raw(b"garbage"), Reply::Reset] {
        let server = Server::start([], reply);
        let pipeline = pipeline(OtlpConfig::grpc().endpoint(server.url()));
        end_spans(&pipeline, 3);
        let _ = pipeline.flush(LONG);
        assert_eq!(ledger(&pipeline).dropped.export_failed, 3);
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pipeline = pipeline(OtlpConfig::grpc().endpoint(format!("http://{address}")));
    end_spans(&pipeline, 3);
    let _ = pipeline.flush(LONG);
    assert_eq!(ledger(&pipeline).dropped.timed_out, 3);
}

#[test]
fn it_works_inside_a_current_thread_runtime() {
    let server = Running::start(Vec::new(), None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pipeline = pipeline(OtlpConfig::grpc().endpoint(format!("http://{}", server.address)));
        end_spans(&pipeline, 3);
        assert_eq!(pipeline.shutdown(LONG), Ok(()));
        assert_eq!(ledger(&pipeline).exported, 3);
    });
}

/// An address whose first connection nobody reads from; all others are those of `server`.
fn mute_at_first(server: &Running) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = server.address.clone();
    std::thread::spawn(move || {
        let mut connections = listener.incoming().map(Result::unwrap);
        let _mute = connections.next();
        for client in connections {
            let server = TcpStream::connect(&server).unwrap();
            let other = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut &client, &mut &server));
            std::thread::spawn(move || std::io::copy(&mut &other.1, &mut &other.0));
        }
    });
    address
}

#[test]
fn a_connection_on_which_a_call_was_not_answered_is_not_used_again() {
    let server = Running::start(Vec::new(), None);
    let address = mute_at_first(&server);
    let pipeline = pipeline(OtlpConfig::grpc().endpoint(format!("http://{address}")));
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.timed_out, 1);
    end_spans(&pipeline, 1);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    assert_eq!(ledger(&pipeline).exported, 1);
}
