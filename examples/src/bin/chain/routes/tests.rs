use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use trace_pipeline::Pipeline;
use trace_pipeline::exporter::{ExportedSpan, InMemory};
use tracing_core_ctx::SpanKind;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

/// The service with a back end in memory.
struct Fixture {
    pipeline: Pipeline,
    spans: InMemory,
}

impl Fixture {
    fn new() -> Result<Self, Box<dyn Error>> {
        let spans = InMemory::default();
        let pipeline = Pipeline::builder().exporter(spans.clone()).build()?;
        Ok(Self { pipeline, spans })
    }

    /// Sends one request without a socket.
    async fn send(&self, request: Request<Body>) -> Result<(StatusCode, Value), Box<dyn Error>> {
        let telemetry = Telemetry {
            tracer: self.pipeline.tracer().clone(),
            metrics: ExchangeMetrics::new(),
        };
        let response = router(&telemetry)?.oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        Ok((status, serde_json::from_slice(&body)?))
    }

    fn exported(&self) -> Result<Vec<ExportedSpan>, Box<dyn Error>> {
        self.pipeline.flush(Duration::from_secs(10))?;
        Ok(self.spans.take())
    }
}

fn get(path: &str) -> Request<Body> {
    request("GET", path, None, "")
}

fn request(method: &str, path: &str, content_type: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request
        .body(Body::from(body.to_owned()))
        .expect("the parts are valid")
}

/// A URL at which nobody answers.
async fn deserted() -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(format!("http://{}", listener.local_addr()?))
}

#[tokio::test]
async fn the_answer_names_its_own_span_and_the_headers_as_received() -> TestResult {
    let fixture = Fixture::new()?;
    let mut request = get("/hello/anna");
    let headers = [
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("tracestate", "congo=t61rcWkgMzE"),
        ("tracestate", "rojo=1"),
    ];
    for (name, value) in headers {
        request.headers_mut().append(name, value.parse()?);
    }
    let (status, answer) = fixture.send(request).await?;
    assert_eq!(status, StatusCode::OK);

    let spans = fixture.exported()?;
    let span = spans[0].record.span_context();
    assert_eq!(
        answer,
        json!({
            "lang": "rust",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": span.span_id().to_string(),
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "tracestate": "congo=t61rcWkgMzE,rojo=1",
            "baggage": null,
            "downstream": null,
        })
    );
    Ok(())
}

#[tokio::test]
async fn the_status_is_the_one_asked_for() -> TestResult {
    let fixture = Fixture::new()?;
    for code in [200, 201, 302, 404, 500, 599] {
        let (status, answer) = fixture.send(get(&format!("/status/{code}"))).await?;
        assert_eq!((status.as_u16(), &answer["lang"]), (code, &json!("rust")));
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_request_gets_a_status_and_a_reason() -> TestResult {
    const JSON: Option<&str> = Some("application/json");

    let fixture = Fixture::new()?;
    let huge = format!("\"{}\"", "x".repeat(3_000_000));
    let many = format!("[{}]", [r#"{"url":"x"}"#; 65].join(","));
    for (expected, request) in [
        (400, get("/chain?targets=nonsense")),
        (400, get("/chain?targets=,http://127.0.0.1:1")),
        (400, get("/chain?targets=a&targets=b")),
        (400, get("/chain?targets=%ff%00")),
        (400, get("/status/101")),
        (400, get("/status/600")),
        (400, get("/status/-1")),
        (400, get("/status/99999")),
        (404, get("/nowhere")),
        (405, request("POST", "/chain", None, "")),
        (405, get("/test")),
        (400, request("POST", "/test", JSON, "[{\"url\":")),
        (422, request("POST", "/test", JSON, "[{}]")),
        (415, request("POST", "/test", Some("text/plain"), "[]")),
        (415, request("POST", "/test", None, "[]")),
        (413, request("POST", "/test", JSON, &huge)),
        (413, request("POST", "/test", JSON, &many)),
    ] {
        let asked = format!("{} {}", request.method(), request.uri());
        let (status, answer) = fixture.send(request).await?;
        assert_eq!(status.as_u16(), expected, "{asked}: {answer}");
        assert!(answer["error"].is_string(), "{asked}: {answer}");
        assert!(answer["trace_id"].is_string(), "{asked}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_an_error_of_both_spans() -> TestResult {
    let fixture = Fixture::new()?;
    let target = deserted().await?;
    let (status, answer) = fixture
        .send(get(&format!("/chain?targets={target}")))
        .await?;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{answer}");

    let spans = fixture.exported()?;
    let kinds: Vec<_> = spans.iter().map(|span| span.record.kind()).collect();
    assert_eq!(kinds, [SpanKind::Client, SpanKind::Server]);
    assert!(spans.iter().all(|span| span.record.status().is_error()));
    Ok(())
}

#[tokio::test]
async fn each_action_has_a_client_span_and_a_failed_one_stops_no_other() -> TestResult {
    let fixture = Fixture::new()?;
    let target = deserted().await?;
    let actions =
        json!([{ "url": target }, { "url": "nonsense" }, { "url": target, "arguments": [] }]);
    let (status, answer) = fixture
        .send(request(
            "POST",
            "/test",
            Some("application/json"),
            &actions.to_string(),
        ))
        .await?;
    assert_eq!(status, StatusCode::OK);
    let failed = answer
        .as_array()
        .expect("a list")
        .iter()
        .filter(|result| result["error"].is_string());
    assert_eq!(failed.count(), 3, "{answer}");

    let spans = fixture.exported()?;
    let server = spans
        .iter()
        .find(|span| span.record.kind() == SpanKind::Server)
        .expect("one");
    let below = spans
        .iter()
        .filter(|span| span.record.parent() == Some(server.record.span_context().span_id()));
    // What is no URL is never sent.
    assert_eq!(below.count(), 2);
    Ok(())
}
