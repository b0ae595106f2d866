//! A Prometheus server reads the metrics of a service, and its exemplars lead to traces that were kept.
//!
//! It runs where there is one: `prometheus` on the path, or where `PROMETHEUS` says (Debian: `apt install prometheus`); `promtool` likewise.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower_trace::TraceLayer;
use trace_pipeline::Pipeline;
use trace_pipeline::exporter::InMemory;
use trace_pipeline::metrics::ExchangeMetrics;
use tracing_core_ctx::sampler::Probability;

use crate::TestResult;

const REQUESTS: u64 = 60;
/// Of them fail.
const FAILED: u64 = REQUESTS / 3;
/// Whose callers go away, besides.
const GONE: u64 = 5;
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Shop {
    metrics: ExchangeMetrics,
    /// Somebody waits for an answer that does not come.
    waits: Arc<Notify>,
    /// The page has been fetched.
    fetched: Arc<Notify>,
}

async fn item(Path(id): Path<u64>) -> StatusCode {
    match id % 3 {
        0 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}

async fn never(State(shop): State<Shop>) {
    shop.waits.notify_one();
    std::future::pending::<()>().await;
}

async fn page(State(shop): State<Shop>) -> impl IntoResponse {
    let page = shop.metrics.openmetrics();
    shop.fetched.notify_one();
    ([(CONTENT_TYPE, ExchangeMetrics::OPENMETRICS)], page)
}

/// A program of Prometheus, if it is here.
fn find(variable: &str, name: &str) -> Option<PathBuf> {
    let program = env::var_os(variable).map_or_else(|| name.into(), PathBuf::from);
    let asked = Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(program);
    }
    eprintln!("not run: there is no {name}");
    None
}

/// A server that fetches a page again and again. It ends with the test, and its files go.
struct Prometheus {
    child: Child,
    files: PathBuf,
    address: SocketAddr,
}

impl Prometheus {
    fn start(program: PathBuf, target: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let files = env::temp_dir().join(format!("prometheus-{}", std::process::id()));
        fs::create_dir_all(&files)?;
        let config = files.join("prometheus.yml");
        fs::write(
            &config,
            format!(
                "global: {{ scrape_interval: 250ms, scrape_timeout: 250ms }}\n\
                 scrape_configs:\n- job_name: shop\n  static_configs: [{{ targets: ['{target}'] }}]\n"
            ),
        )?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", files.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            files,
            address,
        })
    }

    async fn ask(&self, what: &str) -> Result<Value, Box<dyn Error>> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}/api/v1/{what}", self.address);
        let answer = client.get(url).send().await?.bytes().await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// The value of an expression that is one number; `None` if nothing is known yet.
    async fn number(&self, expression: &str) -> Option<u64> {
        let answer = self.ask(&format!("query?query={expression}")).await.ok()?;
        let value = answer.pointer("/data/result/0/value/1")?.as_str()?;
        value.parse().ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.files);
    }
}

/// Sends the requests of the test, and those that are given up.
async fn send(shop: &Shop, address: SocketAddr) -> TestResult {
    let client = reqwest::Client::builder().no_proxy().build()?;
    for id in 0..REQUESTS {
        client
            .get(format!("http://{address}/items/{id}"))
            .send()
            .await?;
    }
    for _ in 0..GONE {
        let mut guest = TcpStream::connect(address).await?;
        guest
            .write_all(b"GET /never HTTP/1.1\r\nhost: shop\r\n\r\n")
            .await?;
        tokio::time::timeout(LIMIT, shop.waits.notified()).await?;
    }
    Ok(())
}

async fn open(
    pipeline: &Pipeline,
    metrics: &ExchangeMetrics,
) -> std::io::Result<(Shop, SocketAddr)> {
    let shop = Shop {
        metrics: metrics.clone(),
        waits: Arc::default(),
        fetched: Arc::default(),
    };
    let layer = TraceLayer::for_axum(pipeline.tracer().clone()).observe(metrics.clone());
    let router = Router::new()
        .route("/items/{id}", get(item))
        .route("/never", get(never))
        .layer(layer)
        .route("/metrics", get(page))
        .with_state(shop.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((shop, address))
}

#[tokio::test]
async fn a_prometheus_server_counts_every_request_and_its_exemplars_lead_to_kept_traces()
-> TestResult {
    let Some(program) = find("PROMETHEUS", "prometheus") else {
        return Ok(());
    };
    let (spans, metrics) = (InMemory::with_limit(1_000), ExchangeMetrics::new());
    let pipeline = Pipeline::builder()
        .service("shop")
        .exporter(spans.clone())
        .sampler(Probability::new(0.5))
        .exemplars(&metrics)
        .build()?;
    let (shop, address) = open(&pipeline, &metrics).await?;
    send(&shop, address).await?;
    pipeline.flush(LIMIT)?;
    let prometheus = Prometheus::start(program, address)?;
    let count = "sum(http_server_request_duration_seconds_count)";
    let is_read = async {
        // Each fetch tells of more, also of those who went away.
        while prometheus.number(count).await != Some(REQUESTS + GONE) {
            shop.fetched.notified().await;
        }
    };
    tokio::time::timeout(LIMIT, is_read).await?;

    let failed = "sum(http_server_request_duration_seconds_count{error_type=\"500\"})";
    assert_eq!(prometheus.number(failed).await, Some(FAILED));
    let active = "sum(http_server_active_requests)";
    assert_eq!(prometheus.number(active).await, Some(0));
    let described = "metadata?metric=http_server_request_duration_seconds";
    let described = prometheus.ask(described).await?;
    let described = &described["data"]["http_server_request_duration_seconds"][0];
    assert_eq!(described["type"], "histogram");
    assert_eq!(described["unit"], "seconds");

    let exemplars =
        "query_exemplars?query=http_server_request_duration_seconds_bucket&start=0&end=99999999999";
    let exemplars = prometheus.ask(exemplars).await?;
    pipeline.flush(LIMIT)?;
    let kept: BTreeSet<String> = spans
        .take()
        .iter()
        .map(|span| span.record.span_context().trace_id().to_string())
        .collect();
    let series = exemplars["data"].as_array().ok_or("no exemplars")?;
    let found: BTreeSet<&str> = series
        .iter()
        .filter_map(|series| series["exemplars"].as_array())
        .flatten()
        .filter_map(|exemplar| exemplar["labels"]["trace_id"].as_str())
        .collect();
    assert!(!found.is_empty(), "{exemplars}");
    assert!(found.iter().all(|id| kept.contains(*id)), "{found:?}");
    assert!((kept.len() as u64) < REQUESTS + GONE, "not all are kept");
    Ok(())
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_page() -> TestResult {
    let Some(program) = find("PROMTOOL", "promtool") else {
        return Ok(());
    };
    let metrics = ExchangeMetrics::new();
    let pipeline = Pipeline::builder()
        .service("shop")
        .exporter(InMemory::with_limit(1_000))
        .build()?;
    let (shop, address) = open(&pipeline, &metrics).await?;
    send(&shop, address).await?;
    // It reads the older format alone, which knows no exemplars, units or ends.
    let page: String = metrics
        .openmetrics()
        .lines()
        .filter(|line| !line.starts_with("# UNIT") && !line.starts_with("# EOF"))
        .filter_map(|line| line.split(" # {").next())
        .map(|line| format!("{line}\n"))
        .collect();
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    input.write_all(page.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}{page}");
    Ok(())
}
