//! OTLP over HTTP: one fault each, and the ledger afterwards.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use trace_pipeline::otlp::{Compression, OtlpConfig};
use trace_pipeline::{Lost, Pipeline, PipelineStats};
use tracing_core_ctx::{SpanKind, semconv};

use crate::server::{Refuser, Reply, Server};
use crate::support::{LONG, builder, end_spans, ledger, quick};

fn pipeline(server: &Server) -> Pipeline {
    let config = quick(OtlpConfig::http().endpoint(server.url()));
    builder().otlp(config).build().unwrap()
}

/// Three spans to a server that replies so; what became of them.
fn three_spans(server: &Server) -> PipelineStats {
    let pipeline = pipeline(server);
    end_spans(&pipeline, 3);
    let outcome = pipeline.flush(LONG);
    let stats = ledger(&pipeline);
    assert_eq!(stats.in_flight, 0);
    assert_eq!(outcome.is_ok(), stats.dropped.total() == 0, "{outcome:?}");
    stats
}

fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(body).unwrap()
}

#[test]
fn who_stands_in_the_endpoint_is_told_to_the_server() {
    let server = Server::start([], Reply::status(200));
    let endpoint = server.url().replace("//", "//shop:p%40ss@");
    let config = || quick(OtlpConfig::http().endpoint(&endpoint));
    let named = config().header("Authorization", "Bearer token");
    for (config, expected) in [(config(), "Basic c2hvcDpwQHNz"), (named, "Bearer token")] {
        let pipeline = builder().otlp(config).build().unwrap();
        end_spans(&pipeline, 1);
        assert_eq!(pipeline.flush(LONG), Ok(()));
        assert_eq!(server.request().header("authorization"), Some(expected));
    }
}

#[test]
fn an_answer_that_the_server_made_smaller_is_read() {
    let partial_success = ExportTracePartialSuccess {
        rejected_spans: 2,
        error_message: "too old".to_owned(),
    };
    let answer = ExportTraceServiceResponse {
        partial_success: Some(partial_success),
    };
    let mut body = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    body.write_all(&answer.encode_to_vec()).unwrap();
    let reply = Reply::Answer {
        status: 200,
        headers: &[
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "gzip"),
        ],
        body: body.finish().unwrap(),
    };
    let server = Server::start([], reply);
    let stats = three_spans(&server);
    assert_eq!((stats.exported, stats.dropped.rejected), (1, 2));
    // It was not asked for.
    let request = server.request();
    assert_eq!(request.header("accept-encoding"), Some("identity"));
}

#[test]
fn an_answer_in_an_encoding_that_nobody_asked_for_is_a_success_with_a_warning() {
    let reply = Reply::Answer {
        status: 200,
        headers: &[("content-encoding", "br")],
        // Without the encoding, a partial success.
        body: vec![0x0a, 2, 0x08, 2],
    };
    let stats = three_spans(&Server::start([], reply));
    assert_eq!(stats.exported, 3);
}

#[test]
fn spans_arrive_with_their_resource_and_headers() {
    let server = Server::start([], Reply::status(200));
    let config = quick(
        OtlpConfig::http()
            .endpoint(format!("{}/base/", server.url()))
            .header("x-tenant", "shop"),
    );
    let pipeline = builder()
        .attribute(semconv::SERVICE_VERSION, "1.4.2")
        .otlp(config)
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));

    let request = server.request();
    assert_eq!(request.line, "POST /base/v1/traces HTTP/1.1");
    assert_eq!(
        request.header("content-type"),
        Some("application/x-protobuf")
    );
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(request.header("x-tenant"), Some("shop"));
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("OTel-OTLP-Exporter-Rust/")
    );
    let sent = decode(&request.body);
    let resource = sent.resource_spans[0].resource.as_ref().unwrap();
    let keys: Vec<&str> = resource
        .attributes
        .iter()
        .map(|attribute| attribute.key.as_str())
        .collect();
    for key in [
        "service.name",
        "service.version",
        "service.instance.id",
        "telemetry.sdk.name",
        "process.pid",
    ] {
        assert!(keys.contains(&key), "{key} of {keys:?}");
    }
    let spans = &sent.resource_spans[0].scope_spans[0].spans;
    assert_eq!(
        spans
            .iter()
            .map(|span| span.name.as_str())
            .collect::<Vec<_>>(),
        ["span 0", "span 1", "span 2"]
    );

    let stats = ledger(&pipeline);
    assert_eq!(
        (
            stats.started,
            stats.submitted,
            stats.exported,
            stats.exports
        ),
        (3, 3, 3, 1)
    );
}

/// A batch of 512 spans as a server gets it: its `content-encoding`, and its bytes.
fn compressed(compression: Compression) -> (Option<String>, Vec<u8>) {
    let server = Server::start([], Reply::status(200));
    let config = quick(
        OtlpConfig::http()
            .endpoint(server.url())
            .compression(compression),
    );
    let pipeline = builder().otlp(config).build().unwrap();
    for number in 0..512 {
        let span = pipeline
            .tracer()
            .span("GET /orders/{id}")
            .kind(SpanKind::Server)
            .start();
        span.set(semconv::HTTP_REQUEST_METHOD, "GET");
        span.set(semconv::HTTP_ROUTE, "/orders/{id}");
        span.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
        span.set(semconv::URL_PATH, format!("/orders/{number}"));
        span.set(semconv::URL_SCHEME, "https");
        span.set(semconv::SERVER_ADDRESS, "shop.example");
        span.set(semconv::USER_AGENT_ORIGINAL, "curl/8.5.0");
    }
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let request = server.request();
    let encoding = request.header("content-encoding").map(str::to_owned);
    (encoding, request.body)
}

#[test]
fn a_compressed_request_is_the_same_request() {
    let spans = |body: &[u8]| decode(body).resource_spans[0].scope_spans[0].spans.len();
    let (encoding, plain) = compressed(Compression::None);
    assert_eq!((encoding, spans(&plain)), (None, 512));

    let (encoding, gzip) = compressed(Compression::Gzip);
    assert_eq!(encoding.as_deref(), Some("gzip"));
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&gzip[..])
        .read_to_end(&mut body)
        .unwrap();
    assert_eq!(spans(&body), 512);
    // As the README says.
    let each = |request: &[u8]| request.len() / 512;
    assert!((285..=295).contains(&each(&plain)), "{}", each(&plain));
    assert!((38..=47).contains(&each(&gzip)), "{}", each(&gzip));

    #[cfg(feature = "zstd")]
    {
        let (encoding, zstd) = compressed(Compression::Zstd);
        assert_eq!(encoding.as_deref(), Some("zstd"));
        let body = zstd::bulk::decompress(&zstd, 1 << 20).unwrap();
        assert_eq!(spans(&body), 512);
        assert!((30..=39).contains(&each(&zstd)), "{}", each(&zstd));
    }
}

#[test]
fn one_connection_serves_many_batches() {
    let server = Server::start([], Reply::status(200));
    let pipeline = pipeline(&server);
    for _ in 0..5 {
        end_spans(&pipeline, 1);
        assert_eq!(pipeline.flush(LONG), Ok(()));
        let _ = server.request();
    }
    assert_eq!(ledger(&pipeline).retries, 0);
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_neither_span_nor_retry() {
    let server = Server::start(
        [Reply::AnswerAndClose, Reply::AnswerAndClose],
        Reply::status(200),
    );
    let pipeline = pipeline(&server);
    for batch in 0..3 {
        end_spans(&pipeline, 1);
        assert_eq!(pipeline.flush(LONG), Ok(()));
        if batch < 2 {
            server.wait_for_close();
        }
    }
    assert_eq!(
        (ledger(&pipeline).exported, ledger(&pipeline).retries),
        (3, 0)
    );
}

#[test]
fn a_refused_connection_is_tried_again_until_the_time_is_over() {
    let refuser = Refuser::new();
    let config = quick(OtlpConfig::http().endpoint(refuser.url()));
    let pipeline = builder().otlp(config).build().unwrap();
    end_spans(&pipeline, 3);
    let start = Instant::now();
    let lost: Lost = pipeline.flush(LONG).unwrap_err();
    assert!(start.elapsed() < LONG / 2);
    assert_eq!((lost.dropped.export_failed, lost.timed_out), (3, false));
    let stats = ledger(&pipeline);
    assert_eq!(stats.dropped.export_failed, 3);
    assert!(stats.retries > 3, "{stats:?}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start([], Reply::Hang);
    let stats = three_spans(&server);
    assert_eq!((stats.dropped.timed_out, stats.retries), (3, 0));
}

#[test]
fn an_answer_that_trickles_in_is_given_up() {
    let server = Server::start([], Reply::Drip);
    let stats = three_spans(&server);
    assert_eq!((stats.dropped.timed_out, stats.retries), (3, 0));
}

#[test]
fn a_reset_connection_is_tried_again() {
    for fault in [Reply::Reset, Reply::Close, Reply::BreakOff] {
        let server = Server::start([fault], Reply::status(200));
        let stats = three_spans(&server);
        assert_eq!((stats.exported, stats.retries), (3, 1));
    }
}

#[test]
fn a_server_that_is_busy_gets_the_same_request_again() {
    let server = Server::start(
        [Reply::status(503), Reply::status(502), Reply::status(504)],
        Reply::status(200),
    );
    let stats = three_spans(&server);
    assert_eq!((stats.exported, stats.retries, stats.exports), (3, 3, 1));
    let bodies: Vec<_> = (0..4).map(|_| server.request().body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(server.more_requests(), 0);
}

#[test]
fn a_server_that_says_when_to_come_again_is_heard() {
    let server = Server::start(
        [Reply::with_headers(429, &[("retry-after", "1")])],
        Reply::status(200),
    );
    let config = quick(OtlpConfig::http().endpoint(server.url())).timeout(LONG);
    let pipeline = builder().otlp(config).build().unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG), Ok(()));
    let (first, second) = (server.request(), server.request());
    assert!(second.at - first.at >= Duration::from_secs(1));
    assert_eq!(
        (ledger(&pipeline).exported, ledger(&pipeline).retries),
        (3, 1)
    );
}

#[test]
fn a_server_that_wants_to_be_left_alone_for_long_is() {
    let server = Server::start(
        [Reply::with_headers(503, &[("retry-after", "3600")])],
        Reply::status(200),
    );
    let pipeline = pipeline(&server);
    end_spans(&pipeline, 3);
    // Not even the timeout is waited for.
    let lost = pipeline.flush(LONG).unwrap_err();
    assert_eq!(lost.dropped.export_failed, 3);
    end_spans(&pipeline, 2);
    let lost = pipeline.flush(LONG).unwrap_err();
    assert_eq!(lost.dropped.timed_out, 2);
    assert_eq!(ledger(&pipeline).exports, 2);
    let _ = server.request();
    assert_eq!(server.more_requests(), 0);
}

#[test]
fn what_will_never_be_taken_is_not_tried_again() {
    for status in [400, 401, 404, 408, 413, 500, 501] {
        let server = Server::start([Reply::status(status)], Reply::status(200));
        let stats = three_spans(&server);
        assert_eq!(
            (stats.dropped.export_failed, stats.retries),
            (3, 0),
            "{status}"
        );
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([], Reply::status(200));
    let server = Server::start([], Reply::with_headers(307, &[("location", "/elsewhere")]));
    let stats = three_spans(&server);
    assert_eq!(stats.dropped.export_failed, 3);
    let _ = server.request();
    assert_eq!(server.more_requests() + elsewhere.more_requests(), 0);
}

#[test]
fn a_partial_success_is_counted_and_never_sent_again() {
    let server = Server::start([Reply::partial_success(2, "too old")], Reply::status(200));
    let stats = three_spans(&server);
    assert_eq!(
        (stats.exported, stats.dropped.rejected, stats.retries),
        (1, 2, 0)
    );
    let _ = server.request();
    assert_eq!(server.more_requests(), 0);
}

#[test]
fn a_server_can_not_reject_more_than_it_got() {
    let server = Server::start([], Reply::partial_success(i64::MAX, ""));
    let stats = three_spans(&server);
    assert_eq!((stats.exported, stats.dropped.rejected), (0, 3));
}

#[test]
fn garbage_in_place_of_http_is_a_failure() {
    for garbage in [
        &b"\x00\x01\x02\xff\xfe"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
    ] {
        let server = Server::start([], Reply::Raw(garbage));
        let stats = three_spans(&server);
        assert_eq!(stats.dropped.export_failed, 3);
    }
}

#[test]
fn garbage_in_the_body_of_a_success_is_a_success() {
    let server = Server::start([], Reply::with_body(200, b"<html>".to_vec()));
    assert_eq!(three_spans(&server).exported, 3);
}

#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let server = Server::start([], Reply::status(200));
    let config = quick(OtlpConfig::http().endpoint(server.url())).max_request(100);
    let pipeline = builder().otlp(config).build().unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.too_large, 3);
    assert_eq!(ledger(&pipeline).dropped.too_large, 3);
    assert_eq!(server.more_requests(), 0);
}

#[test]
fn an_answer_that_is_too_large_is_a_failure_and_not_tried_again() {
    let server = Server::start([], Reply::with_body(200, vec![0; 100_000]));
    let config = quick(OtlpConfig::http().endpoint(server.url())).max_response(1_000);
    let pipeline = builder().otlp(config).build().unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.export_failed, 3);
    assert_eq!(ledger(&pipeline).retries, 0);
}

#[test]
fn the_exporter_is_usable_after_every_failure() {
    let faults = [
        Reply::Reset,
        Reply::Raw(b"garbage"),
        Reply::status(500),
        Reply::BreakOff,
        Reply::partial_success(1, "one"),
        Reply::status(503),
    ];
    let server = Server::start(faults, Reply::status(200));
    let pipeline = pipeline(&server);
    for _ in 0..6 {
        end_spans(&pipeline, 2);
        let _ = pipeline.flush(LONG);
    }
    let stats = ledger(&pipeline);
    assert_eq!((stats.submitted, stats.in_flight), (12, 0));
    assert_eq!(
        (
            stats.exported,
            stats.dropped.rejected,
            stats.dropped.export_failed
        ),
        (9, 1, 2)
    );
}

#[test]
fn json_arrives_as_json_and_so_does_the_answer() {
    let partly = Reply::Answer {
        status: 200,
        headers: &[("content-type", "application/json; charset=utf-8")],
        body: br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#.into(),
    };
    let server = Server::start([Reply::status(503), partly], Reply::status(200));
    let config = OtlpConfig::http_json().endpoint(server.url());
    let pipeline = builder()
        .otlp(quick(config).compression(Compression::Gzip))
        .build()
        .unwrap();
    end_spans(&pipeline, 3);
    assert_eq!(pipeline.flush(LONG).unwrap_err().dropped.rejected, 2);
    assert_eq!(ledger(&pipeline).exported, 1);
    // It is repeated as it was.
    for request in [server.request(), server.request()] {
        assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/json"));
        let mut json = Vec::new();
        let mut body = flate2::read::GzDecoder::new(&*request.body);
        body.read_to_end(&mut json).unwrap();
        let sent: ExportTraceServiceRequest = serde_json::from_slice(&json).unwrap();
        let spans = &sent.resource_spans[0].scope_spans[0].spans;
        let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["span 0", "span 1", "span 2"]);
        assert_eq!((spans[0].trace_id.len(), spans[0].span_id.len()), (16, 8));
    }
}
