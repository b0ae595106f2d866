//! Many requests at the same time, which all end at once.

use std::convert::Infallible;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use rustix::time::ClockId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use trace_pipeline::Pipeline;
use trace_pipeline::otlp::OtlpConfig;

use super::requests::{OrdersRequest, answer, layer, requests};
use super::usage::resident;
use crate::Error;
use crate::load::{RECEIVE, Role};
use crate::time::cpu;

pub(super) const NAME: &str = "concurrent";

/// `concurrent <requests> bare`, or `<requests> <spans in the queue>`: for each request, bytes while all are open and nanoseconds of the
/// thread while they end, and which share of the spans arrived at a receiver in another process.
pub(super) fn work(arguments: &[&str]) -> Result<Vec<f64>, Error> {
    let [count, queue] = *arguments else {
        return Err("how many requests, and how many spans in the queue?".into());
    };
    let count: usize = count.parse()?;
    let gate = Gate::default();
    if queue == "bare" {
        let seen = all_at_once(gate.service(), &gate, count)?;
        return Ok(figures(&seen, 0, count));
    }
    let mut receiver = Role::start(&env::current_exe()?, &[RECEIVE])?;
    let endpoint = format!("http://{}", receiver.address());
    let pipeline = Pipeline::builder()
        .otlp(OtlpConfig::http().endpoint(endpoint))
        .queue_spans(queue.parse()?)
        .build()?;
    let layer = layer(pipeline.tracer().clone());
    let seen = all_at_once(layer.layer(gate.service()), &gate, count)?;
    // What was lost is what is to be found out.
    let _ = pipeline.flush(Duration::from_secs(60));
    Ok(figures(&seen, receiver.ask()?.0, count))
}

#[expect(clippy::cast_precision_loss, reason = "the totals of a short run")]
fn figures(seen: &Seen, arrived: u64, count: usize) -> Vec<f64> {
    let count = count as f64;
    vec![
        seen.held as f64 / count,
        seen.ending.as_secs_f64() * 1e9 / count,
        arrived as f64 / count,
    ]
}

struct Seen {
    /// Bytes that the open requests hold together.
    held: usize,
    /// Processor time of the thread, from the moment at which all may go on to the end of the last.
    ending: Duration,
}

/// Keeps requests in their handler until all may go on.
#[derive(Default)]
struct Gate {
    waiting: Arc<AtomicUsize>,
    opened: watch::Sender<bool>,
}

impl Gate {
    fn service(
        &self,
    ) -> impl Service<
        OrdersRequest,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static {
        let waiting = Arc::clone(&self.waiting);
        let opened = self.opened.subscribe();
        service_fn(move |request: OrdersRequest| {
            let waiting = Arc::clone(&waiting);
            let mut opened = opened.clone();
            async move {
                drop(request);
                waiting.fetch_add(1, Ordering::Relaxed);
                // Fails when the gate is gone, which lets everybody go too.
                let _ = opened.wait_for(|opened| *opened).await;
                Ok(answer())
            }
        })
    }
}

fn all_at_once<S, B>(service: S, gate: &Gate, count: usize) -> Result<Seen, Error>
where
    S: Service<OrdersRequest, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let make = Arc::new(requests());
    runtime.block_on(async {
        let before = resident()?;
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let make = Arc::clone(&make);
            let service = service.clone();
            tasks.spawn(async move {
                // Made here, so that what the one has freed is there for the next.
                let Ok(response) = service.oneshot(make()).await;
                response.into_body().collect().await.is_ok()
            });
        }
        while gate.waiting.load(Ordering::Relaxed) < count {
            tokio::task::yield_now().await;
        }
        let held = resident()?.saturating_sub(before);
        let before = cpu(ClockId::ThreadCPUTime);
        gate.opened.send_replace(true);
        let ended = tasks.join_all().await;
        let ending = cpu(ClockId::ThreadCPUTime).saturating_sub(before);
        if ended.contains(&false) {
            return Err("a body broke off".into());
        }
        Ok(Seen { held, ending })
    })
}
