//! `tracing` and the API of OpenTelemetry in a service that is traced: one tree, whatever opened its spans.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context as OtelContext, KeyValue, global};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tower_trace::reqwest::Client;
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_bridge::TracingLayer;
use trace_testkit::{RecordedSpan, SpanRecorder, render::Drawing};
use tracing::Instrument as _;
use tracing::level_filters::LevelFilter;
use tracing_core_ctx::{SpanKind, Tracer};
use tracing_subscriber::prelude::*;

use crate::TestResult;

const LIMIT: Duration = Duration::from_secs(30);

/// How many spans a request has.
const SPANS: usize = 9;

/// Of a whole program, as there is one. Its spans are those of whoever is above them.
fn subscribe() {
    static ONCE: Once = Once::new();

    ONCE.call_once(|| {
        let layer = TracingLayer::new(Tracer::noop())
            .roots(false)
            .location(false)
            .with_filter(LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
        trace_bridge::otel::install(Tracer::noop()).expect("the first one");
    });
}

#[derive(Clone)]
struct Shop {
    client: Client,
    stock: SocketAddr,
    /// Where all requests meet, so that they are under way at the same time.
    meeting: Arc<Barrier>,
}

async fn serve(router: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// A shop that asks for its stock; both record at `recorder`.
async fn open(
    recorder: &SpanRecorder,
    guests: usize,
) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let stock = Router::new()
        .route("/stock/{id}", get(|Path(id): Path<u64>| count(id)))
        .layer(TraceLayer::for_axum(recorder.tracer("stock")));
    let tracer = recorder.tracer("shop");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let shop = Shop {
        client: Client::new(client, ClientTraceLayer::new(tracer.clone())),
        stock: serve(stock).await?,
        meeting: Arc::new(Barrier::new(guests)),
    };
    let orders = Router::new()
        .route("/orders/{id}", get(order))
        .with_state(shop)
        .layer(TraceLayer::for_axum(tracer));
    Ok(serve(orders).await?)
}

#[tracing::instrument(skip_all, fields(id = id))]
async fn order(State(shop): State<Shop>, Path(id): Path<u64>) -> String {
    shop.meeting.wait().await;
    price(id).await;
    // In a task of its own, which may run on another thread.
    let reserve = tokio::spawn(reserve(shop, id).in_current_span());
    reserve.await.expect("it does not panic")
}

#[tracing::instrument]
async fn price(id: u64) {
    tokio::task::yield_now().await;
    tracing::info!("priced");
}

#[tracing::instrument(skip(shop))]
async fn reserve(shop: Shop, id: u64) -> String {
    let url = format!("http://{}/stock/{id}", shop.stock);
    let answer = shop.client.get(url).template("/stock/{id}").send().await;
    let text = async { answer.expect("it answers").text().await };
    text.await.expect("a text")
}

#[tracing::instrument]
async fn count(id: u64) -> String {
    tokio::task::yield_now().await;
    read_shelf(id).await
}

/// As a library does it that knows OpenTelemetry and nothing else.
async fn read_shelf(id: u64) -> String {
    let number = KeyValue::new("id", i64::try_from(id).expect("a small number"));
    let library = global::tracer("shelves");
    let span = library
        .span_builder("read shelf")
        .with_attributes([number])
        .start(&library);
    let context = OtelContext::current_with_span(span);
    weigh(id).with_context(context).await
}

#[tracing::instrument]
async fn weigh(id: u64) -> String {
    tokio::task::yield_now().await;
    (id * 3).to_string()
}

async fn ask(shop: SocketAddr, id: u64) {
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client
        .expect("a client")
        .get(format!("http://{shop}/orders/{id}"))
        .send();
    let text = answer.await.expect("it answers").text().await;
    assert_eq!(text.expect("a text"), (id * 3).to_string());
}

/// Whether a word of a drawing is a time and no part of a name.
fn is_time(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && (word.ends_with("ms") || word.ends_with("µs"))
}

#[test]
fn a_request_is_one_tree_from_the_handler_through_a_task_to_the_next_service() -> TestResult {
    subscribe();
    let recorder = SpanRecorder::new();
    // Each look at the clock is a moment of its own, so that the drawing shows the order.
    recorder.clock().set_step(Duration::from_micros(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shop = open(&recorder, 1).await?;
        ask(shop, 7).await;
        let spans = recorder.wait_for_async(SPANS, LIMIT).await;
        let drawing = Drawing::new(&spans).to_string();
        let names: Vec<String> = drawing
            .lines()
            .filter(|line| !line.trim_start().starts_with(|c: char| c.is_ascii_digit()))
            .map(|line| {
                let indent = line.len() - line.trim_start().len();
                let words: Vec<&str> = line.split_whitespace().collect();
                let name = words.iter().take_while(|word| !is_time(word));
                let name: Vec<&str> = name.copied().collect();
                format!("{:indent$}{}", "", name.join(" "))
            })
            .collect();
        assert_eq!(
            names,
            [
                "shop: server GET /orders/{id}",
                "  shop: internal order",
                "    shop: internal price",
                "    shop: internal reserve",
                "      shop: client GET /stock/{id}",
                "        stock: server GET /stock/{id}",
                "          stock: internal count",
                "            stock: internal read shelf",
                "              stock: internal weigh",
            ],
            "{drawing}"
        );
        for span in &spans {
            if span.kind() == SpanKind::Internal {
                assert_eq!(span.int("id"), 7, "{span:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn sixty_four_requests_on_two_threads_keep_their_spans() -> TestResult {
    const REQUESTS: u64 = 64;

    subscribe();
    let recorder = SpanRecorder::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let spans = runtime.block_on(async {
        let shop = open(&recorder, 64).await?;
        let guests: Vec<_> = (0..REQUESTS)
            .map(|id| tokio::spawn(ask(shop, id)))
            .collect();
        for guest in guests {
            guest.await?;
        }
        Ok::<_, Box<dyn std::error::Error>>(recorder.wait_for_async(64 * SPANS, LIMIT).await)
    })?;
    let mut traces = BTreeMap::<_, Vec<&RecordedSpan>>::new();
    for span in &spans {
        traces
            .entry(span.trace_id().to_u128())
            .or_default()
            .push(span);
    }
    assert_eq!(traces.len(), 64);
    let mut seen = Vec::new();
    for trace in traces.values() {
        let root = trace.iter().find(|span| span.parent().is_none());
        let root = root.ok_or("a root")?;
        let id: u64 = root
            .str("url.path")
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .parse()?;
        seen.push(id);
        let find = |name: &str, kind| {
            let mut found = trace
                .iter()
                .filter(|span| span.name() == name && span.kind() == kind);
            found
                .next()
                .filter(|_| found.next().is_none())
                .ok_or_else(|| name.to_owned())
        };
        let way = [
            find("order", SpanKind::Internal)?,
            find("reserve", SpanKind::Internal)?,
            find("GET /stock/{id}", SpanKind::Client)?,
            find("GET /stock/{id}", SpanKind::Server)?,
            find("count", SpanKind::Internal)?,
            find("read shelf", SpanKind::Internal)?,
            find("weigh", SpanKind::Internal)?,
        ];
        let mut above = *root;
        for span in way {
            assert!(span.is_child_of(above), "{span:?} is no child of {above:?}");
            if span.kind() == SpanKind::Internal {
                assert_eq!(span.int("id"), i64::try_from(id)?);
            }
            above = span;
        }
        let price = find("price", SpanKind::Internal)?;
        assert!(price.is_child_of(way[0]));
        assert_eq!(price.int("id"), i64::try_from(id)?);
        assert_eq!(price.event("priced").name, "priced");
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..REQUESTS).collect::<Vec<_>>());
    Ok(())
}
