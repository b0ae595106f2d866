//! Several requests at a time, driven by the pipeline's thread while it waits for spans.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tracing_core_ctx::Resource;

use super::client::Client;
use super::config::OtlpConfig;
use super::encode;
use super::sender::{Failure, Limit, Sender};
use super::tls::Tls;
use crate::counters::Done;
use crate::exporter::{Batch, ExportError};
use crate::outlet::{Outlet, Settle};
use crate::shared::Shared;

/// What requests under way hold together, beyond the first.
const MAX_BYTES: usize = 8 << 20;

/// The outlet of a pipeline that has OTLP and nothing else.
pub(crate) struct Deliveries {
    sender: Arc<Sender>,
    tls: Tls,
    max_response: usize,
    max_requests: usize,
    bell: Arc<Bell>,
    /// Made by the pipeline's thread.
    client: Option<Client>,
    requests: JoinSet<Result<(), Failure>>,
    under_way: Vec<Request>,
    bytes: usize,
    cutoff: watch::Sender<Option<Instant>>,
}

/// A request under way.
struct Request {
    id: Id,
    spans: usize,
    bytes: usize,
    start: Instant,
}

/// Ends the waiting of the pipeline's thread.
#[derive(Debug, Default)]
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Why the waiting ended.
enum Event {
    Finished(Result<(Id, Result<(), Failure>), JoinError>),
    Nothing,
}

impl Deliveries {
    pub(super) fn new(config: &OtlpConfig, sender: Sender, tls: Tls) -> Self {
        Self {
            sender: Arc::new(sender),
            tls,
            max_response: config.max_response,
            max_requests: config.concurrent_exports.max(1),
            bell: Arc::default(),
            client: None,
            requests: JoinSet::new(),
            under_way: Vec::new(),
            bytes: 0,
            cutoff: watch::Sender::new(None),
        }
    }

    /// Begins to send.
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        body: Bytes,
        spans: usize,
        until: Instant,
    ) -> Result<(), ExportError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(
                self.sender.protocol(),
                self.sender.uri(),
                &self.tls,
                self.max_response,
            )
            .map_err(ExportError::failed)?,
        };
        let client = self.client.insert(client);
        let runtime = client
            .handle()
            .ok_or_else(|| ExportError::failed("it was shut down"))?;
        let limit = Limit {
            until: self.sender.until().min(until),
            cutoff: self.cutoff.subscribe(),
        };
        let (sender, http, shared) = (
            Arc::clone(&self.sender),
            client.http().clone(),
            Arc::clone(shared),
        );
        let bytes = body.len();
        let deliver = async move {
            let retries = &shared.counters.exports.retries;
            sender.deliver(&http, body, limit, || retries.add(1)).await
        };
        let id = self.requests.spawn_on(deliver, runtime).id();
        self.under_way.push(Request {
            id,
            spans,
            bytes,
            start: Instant::now(),
        });
        self.bytes += bytes;
        Ok(())
    }

    /// Counts a request that is over.
    fn finish(
        &mut self,
        shared: &Shared,
        finished: Result<(Id, Result<(), Failure>), JoinError>,
        settle: &mut Settle<'_>,
    ) {
        let (id, outcome) = match finished {
            Ok((id, outcome)) => (id, Ok(outcome)),
            Err(panicked) => (panicked.id(), Err(())),
        };
        let Some(index) = self.under_way.iter().position(|known| known.id == id) else {
            return;
        };
        let request = self.under_way.swap_remove(index);
        self.bytes -= request.bytes;
        shared.counters.exports.exporting_bytes.sub(request.bytes);
        settle(Done::Exported {
            spans: request.spans,
            outcome: outcome.map(|outcome| outcome.map_err(|failure| failure.error)),
            took: request.start.elapsed(),
            spooled: false,
        });
    }

    /// The request for a batch.
    fn message(resource: &Resource, batch: &Batch<'_>) -> Result<Vec<u8>, ()> {
        let encode = AssertUnwindSafe(|| encode(resource, batch.spans()));
        panic::catch_unwind(encode).map_err(|_panic| ())
    }

    /// Drives what is under way until something happens.
    fn next_event(&mut self, until: Instant) -> Event {
        let Self {
            client,
            requests,
            bell,
            ..
        } = self;
        let Some(client) = client else {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                thread::park_timeout(left);
            }
            return Event::Nothing;
        };
        let event = client.block_on(async {
            // What is under way gets its turn also where there is no time to wait.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                Some(finished) = requests.join_next_with_id() => Event::Finished(finished),
                () = bell.0.notified() => Event::Nothing,
                () = tokio::time::sleep_until(until.into()) => Event::Nothing,
            }
        });
        event.unwrap_or(Event::Nothing)
    }
}

impl Outlet for Deliveries {
    fn waker(&self) -> Option<Waker> {
        Some(Waker::from(Arc::clone(&self.bell)))
    }

    fn has_room(&self) -> bool {
        self.under_way.is_empty()
            || self.under_way.len() < self.max_requests && self.bytes < MAX_BYTES
    }

    fn export(&mut self, shared: &Arc<Shared>, batch: &Batch<'_>, settle: &mut Settle<'_>) {
        let start = Instant::now();
        let outcome = Self::message(batch.resource(), batch).map(|message| {
            let body = self.sender.body(message)?;
            let bytes = body.len();
            self.start(shared, body, batch.len(), batch.deadline())?;
            shared.counters.exports.exporting_bytes.add(bytes);
            Ok(())
        });
        if outcome != Ok(Ok(())) {
            settle(Done::Exported {
                spans: batch.len(),
                outcome,
                took: start.elapsed(),
                spooled: false,
            });
        }
    }

    fn wait(&mut self, shared: &Arc<Shared>, until: Instant, settle: &mut Settle<'_>) {
        self.cutoff.send_if_modified(|known| {
            let cutoff = shared.cutoff.get();
            std::mem::replace(known, cutoff) != cutoff
        });
        let mut event = self.next_event(until);
        while let Event::Finished(finished) = event {
            self.finish(shared, finished, settle);
            event = match self.requests.try_join_next_with_id() {
                Some(finished) => Event::Finished(finished),
                None => Event::Nothing,
            };
        }
    }

    fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    fn shutdown(&mut self) {
        self.requests.abort_all();
        self.client = None;
    }
}
