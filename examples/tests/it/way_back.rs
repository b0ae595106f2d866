//! An error in the last of three services, which nobody had sampled when it began: is its whole path kept?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use http::{HeaderName, StatusCode};
use tokio::net::TcpListener;
use tower_trace::reqwest::Client;
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_pipeline::Pipeline;
use trace_pipeline::exporter::InMemory;
use trace_pipeline::sampling::{Keep, Tail};
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{ParentBased, Probability};

use crate::TestResult;

const REQUESTS: u32 = 400;
/// One of so many fails in the inventory.
const FAILS: u32 = 20;
const LIMIT: Duration = Duration::from_secs(30);
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

struct Service {
    pipeline: Pipeline,
    spans: InMemory,
    way_back: bool,
}

impl Service {
    /// The head keeps 1 %, the tail errors and what callees keep.
    fn new(name: &str, way_back: bool) -> Result<Self, Box<dyn std::error::Error>> {
        let spans = InMemory::with_limit(100_000);
        let pipeline = Pipeline::builder()
            .service(name)
            .exporter(spans.clone())
            .sampler(ParentBased::new(Probability::new(0.01)))
            .tail(Tail::new().keep(Keep::errors()).keep(Keep::callees()))
            .build()?;
        Ok(Self {
            pipeline,
            spans,
            way_back,
        })
    }

    /// A service that asks `next`, and goes on without an answer when it fails.
    async fn serve(
        &self,
        next: Option<SocketAddr>,
    ) -> Result<SocketAddr, Box<dyn std::error::Error>> {
        let tracer = self.pipeline.tracer();
        let layer = TraceLayer::for_axum(tracer.clone())
            .trace_id_header(TRACE_ID)
            .tell_callers(self.way_back);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let calls = ClientTraceLayer::new(tracer.clone()).hear_callees(self.way_back);
        let router = match next {
            Some(next) => Router::new()
                .route("/{id}", get(ask))
                .with_state((Client::new(client, calls), next)),
            None => Router::new().route("/{id}", get(count)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = router.layer(layer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// The spans of each trace that were kept, as their reasons and thresholds.
    fn kept(
        &self,
    ) -> Result<BTreeMap<String, Vec<(String, Option<Threshold>)>>, Box<dyn std::error::Error>>
    {
        self.pipeline.flush(LIMIT)?;
        assert!(self.pipeline.stats().is_balanced());
        let mut kept: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for span in self.spans.take() {
            let context = span.record.span_context();
            let reason = span.record.attributes().get("ctx.sampling.reason");
            let reason = reason.and_then(|reason| reason.as_str()).unwrap_or("head");
            let spans = kept.entry(context.trace_id().to_string()).or_default();
            spans.push((reason.to_owned(), Threshold::of(context.trace_state())));
        }
        Ok(kept)
    }
}

async fn ask(State((client, next)): State<(Client, SocketAddr)>, Path(id): Path<u32>) -> String {
    match client.get(format!("http://{next}/{id}")).send().await {
        Ok(answer) if answer.status().is_success() => answer.text().await.unwrap_or_default(),
        // The page without it: nobody above sees an error.
        _ => "unknown".to_owned(),
    }
}

async fn count(Path(id): Path<u32>) -> Result<String, StatusCode> {
    if id.is_multiple_of(FAILS) {
        Err(StatusCode::INTERNAL_SERVER_ERROR)
    } else {
        Ok(id.to_string())
    }
}

/// Three services, and which of their traces failed.
async fn day(
    way_back: bool,
) -> Result<([Service; 3], BTreeSet<String>), Box<dyn std::error::Error>> {
    let gateway = Service::new("gateway", way_back)?;
    let orders = Service::new("orders", way_back)?;
    let inventory = Service::new("inventory", way_back)?;
    let address = inventory.serve(None).await?;
    let address = orders.serve(Some(address)).await?;
    let address = gateway.serve(Some(address)).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut failed = BTreeSet::new();
    for id in 0..REQUESTS {
        let answer = client.get(format!("http://{address}/{id}")).send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
        let trace_id = answer.headers()[TRACE_ID].to_str()?.to_owned();
        let told = answer.headers().contains_key("traceresponse");
        assert_eq!(told, way_back && id.is_multiple_of(FAILS));
        if answer.text().await? == "unknown" {
            failed.insert(trace_id);
        }
    }
    assert_eq!(failed.len(), (REQUESTS / FAILS) as usize);
    Ok(([gateway, orders, inventory], failed))
}

#[tokio::test]
async fn the_whole_path_of_an_error_is_kept_up_to_the_edge() -> TestResult {
    let (services, failed) = day(true).await?;
    for (service, spans, reason) in [
        (&services[0], 2, "callee"),
        (&services[1], 2, "error"),
        (&services[2], 1, "error"),
    ] {
        let kept = service.kept()?;
        for trace_id in &failed {
            // The server's and the client's; each stands for itself.
            let expected = vec![(reason.to_owned(), Some(Threshold::ALWAYS)); spans];
            assert_eq!(kept.get(trace_id), Some(&expected));
        }
        // What did not fail is there as the head has kept it: a few, and none of them by these rules.
        let others = kept
            .iter()
            .filter(|(trace_id, _)| !failed.contains(*trace_id));
        for (_, spans) in others {
            assert!(
                spans.iter().all(|(reason, _)| reason == "head"),
                "{spans:?}"
            );
        }
        assert!(kept.len() < failed.len() + 25, "{}", kept.len());
    }
    Ok(())
}

#[tokio::test]
async fn without_the_way_back_the_edge_does_not_know() -> TestResult {
    let (services, failed) = day(false).await?;
    let at_the_edge = services[0].kept()?;
    let by_chance = failed
        .iter()
        .filter(|trace_id| at_the_edge.contains_key(*trace_id));
    assert!(by_chance.count() < 5);
    let below = services[2].kept()?;
    assert!(failed.iter().all(|trace_id| below.contains_key(trace_id)));
    Ok(())
}
