//! Several requests at a time, driven by the pipeline's thread while it waits for spans.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, mem};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};

use super::client::Client;
use super::config::OtlpConfig;
use super::encode::encode_into;
use super::sender::{Failure, Limit, Sender};
use super::spooling::{Spooling, WRITE_DELAY};
use super::tls::Tls;
use crate::counters::Done;
use crate::exporter::{Batch, ExportError};
use crate::outlet::{Outlet, Settle};
use crate::shared::Shared;
use crate::spool::Group;

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
    requests: JoinSet<Delivered>,
    under_way: Vec<Request>,
    /// The memory of a request that is over, for the next one: to ask the system for it anew costs more than to write it.
    spare: Vec<u8>,
    bytes: usize,
    cutoff: watch::Sender<Option<Instant>>,
    spooling: Option<Spooling>,
    /// Errors of a spool that can not be, until they are counted.
    spool_errors: usize,
    schedule_delay: Duration,
}

/// A request under way.
struct Request {
    id: Id,
    cargo: Cargo,
    bytes: usize,
    start: Instant,
    /// Somebody waits for it.
    is_wanted: bool,
}

/// The spans of a request.
enum Cargo {
    /// They are nowhere else.
    Batch(usize),
    Spooled(Group),
}

impl Cargo {
    const fn spans(&self) -> usize {
        match self {
            Self::Batch(spans) => *spans,
            Self::Spooled(group) => group.spans,
        }
    }
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
    Finished(Joined),
    Nothing,
}

/// What became of a request, and its body.
type Delivered = (Result<(), Failure>, Bytes);

type Joined = Result<(Id, Delivered), JoinError>;

impl Deliveries {
    pub(super) fn new(
        config: &OtlpConfig,
        sender: Sender,
        tls: Tls,
        spool: Option<io::Result<Spooling>>,
    ) -> Self {
        let spool_errors = usize::from(matches!(spool, Some(Err(_))));
        Self {
            sender: Arc::new(sender),
            tls,
            max_response: config.max_response,
            max_requests: config.concurrent_exports.max(1),
            bell: Arc::default(),
            client: None,
            requests: JoinSet::new(),
            under_way: Vec::new(),
            spare: Vec::new(),
            bytes: 0,
            cutoff: watch::Sender::new(None),
            spooling: spool.and_then(Result::ok),
            spool_errors,
            schedule_delay: Duration::ZERO,
        }
    }

    /// Sends a message, or tells at once what became of it.
    fn send(
        &mut self,
        shared: &Arc<Shared>,
        message: Bytes,
        cargo: Cargo,
        until: Instant,
        settle: &mut Settle<'_>,
    ) {
        let start = Instant::now();
        let started = match self.sender.body(message) {
            Ok(body) => self
                .start(shared, body, until)
                .map_err(|error| Failure::passing(ExportError::failed(error))),
            Err(error) => Err(Failure::lasting(error)),
        };
        match started {
            Ok((id, bytes)) => {
                self.bytes += bytes;
                shared.counters.exports.exporting_bytes.add(bytes);
                let is_wanted = match (&cargo, &self.spooling) {
                    (Cargo::Spooled(group), Some(spooling)) => spooling.wants(group),
                    _ => false,
                };
                self.under_way.push(Request {
                    id,
                    cargo,
                    bytes,
                    start,
                    is_wanted,
                });
            }
            Err(failure) => self.finished(cargo, start, Ok(Err(failure)), settle),
        }
    }

    /// Begins a request, and says how large it is.
    fn start(
        &mut self,
        shared: &Arc<Shared>,
        body: Bytes,
        until: Instant,
    ) -> io::Result<(Id, usize)> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(
                self.sender.protocol(),
                self.sender.uri(),
                &self.tls,
                self.max_response,
                self.sender.timeout(),
            )?,
        };
        let client = self.client.insert(client);
        let limit = Limit {
            until: self.sender.until().min(until),
            cutoff: self.cutoff.subscribe(),
        };
        let (sender, http) = (Arc::clone(&self.sender), client.http().clone());
        let (shared, bytes) = (Arc::clone(shared), body.len());
        let deliver = async move {
            let retries = &shared.counters.exports.retries;
            let retrying = || retries.add(1);
            let outcome = sender.deliver(&http, &body, limit, retrying).await;
            (outcome, body)
        };
        let request = self.requests.spawn_on(deliver, client.handle()?);
        Ok((request.id(), bytes))
    }

    /// Finds out whose request is over.
    fn joined(&mut self, shared: &Shared, joined: Joined, settle: &mut Settle<'_>) {
        let (id, outcome) = match joined {
            Ok((id, (outcome, body))) => {
                self.reuse(body);
                (id, Ok(outcome))
            }
            Err(panicked) => (panicked.id(), Err(())),
        };
        if let Some(index) = self.under_way.iter().position(|known| known.id == id) {
            let request = self.under_way.swap_remove(index);
            self.bytes -= request.bytes;
            shared.counters.exports.exporting_bytes.sub(request.bytes);
            self.finished(request.cargo, request.start, outcome, settle);
        }
    }

    /// Keeps the memory of a body that nobody else has.
    fn reuse(&mut self, mut body: Bytes) {
        const MOST: usize = 1 << 20;

        if body.is_unique() && body.len() <= MOST {
            // So that nothing is moved.
            body.truncate(0);
            let memory = Vec::from(body);
            if (self.spare.capacity()..=MOST).contains(&memory.capacity()) {
                self.spare = memory;
            }
        }
    }

    /// Says what became of spans; those that lie in the spool may stay there for another time.
    fn finished(
        &mut self,
        cargo: Cargo,
        start: Instant,
        outcome: Result<Result<(), Failure>, ()>,
        settle: &mut Settle<'_>,
    ) {
        let took = start.elapsed();
        let spans = cargo.spans();
        let spooled = match (cargo, &mut self.spooling) {
            (Cargo::Spooled(group), Some(spooling)) => {
                if let Ok(Err(Failure {
                    error,
                    passing: true,
                })) = outcome
                {
                    let not_before = self.sender.not_before();
                    spooling.put_off(group, not_before, self.sender.backoff());
                    return settle(Done::PutOff { error, took });
                }
                spooling.settled(&group);
                true
            }
            _ => false,
        };
        settle(Done::Exported {
            spans,
            outcome: outcome.map(|outcome| outcome.map_err(|failure| failure.error)),
            took,
            spooled,
        });
    }

    /// Takes requests out of the spool as long as there is room.
    fn unspool(&mut self, shared: &Arc<Shared>, settle: &mut Settle<'_>) {
        while self.may_send()
            && let Some(spooling) = &mut self.spooling
            && let Some(group) =
                spooling.next(shared, self.schedule_delay, self.under_way.len(), settle)
        {
            let message = group.payload.clone();
            let until = self.sender.until();
            self.send(shared, message, Cargo::Spooled(group), until, settle);
        }
    }

    fn may_send(&self) -> bool {
        self.under_way.is_empty()
            || self.under_way.len() < self.max_requests && self.bytes < MAX_BYTES
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

    fn delay(&mut self, schedule_delay: Duration) -> Duration {
        self.schedule_delay = schedule_delay;
        match self.spooling {
            Some(_) => schedule_delay.min(WRITE_DELAY),
            None => schedule_delay,
        }
    }

    fn has_room(&self) -> bool {
        let spooling = self.spooling.as_ref();
        spooling.is_some_and(|spooling| !spooling.is_broken()) || self.may_send()
    }

    fn is_lasting(&self) -> bool {
        self.spooling.is_some()
    }

    fn export(&mut self, shared: &Arc<Shared>, batch: &Batch<'_>, settle: &mut Settle<'_>) {
        let start = Instant::now();
        let encoded = panic::catch_unwind(AssertUnwindSafe(|| match &mut self.spooling {
            Some(spooling) => spooling.write(batch, settle),
            None => {
                let earlier = mem::take(&mut self.spare);
                let message = encode_into(earlier, batch.resource(), batch.spans());
                Some((batch.len(), message))
            }
        }));
        match encoded {
            // The first that the disk refuses goes even where there is no room: one more than are allowed, and no other before there is.
            Ok(Some((spans, message))) => {
                let cargo = Cargo::Batch(spans);
                self.send(shared, message.into(), cargo, batch.deadline(), settle);
            }
            Ok(None) => {}
            Err(_panic) => self.finished(Cargo::Batch(batch.len()), start, Err(()), settle),
        }
    }

    fn wait(&mut self, shared: &Arc<Shared>, until: Instant, settle: &mut Settle<'_>) {
        self.cutoff.send_if_modified(|known| {
            let cutoff = shared.cutoff.get();
            mem::replace(known, cutoff) != cutoff
        });
        let unclaimed = mem::take(&mut self.spool_errors);
        shared.counters.exports.spool_errors.add(unclaimed);
        let mut until = until;
        if let Some(spooling) = &mut self.spooling {
            spooling.keep_up(shared, settle);
            self.unspool(shared, settle);
        }
        if let Some(spooling) = &self.spooling {
            until = until.min(spooling.next_look(self.schedule_delay));
        }
        let mut event = self.next_event(until);
        while let Event::Finished(joined) = event {
            self.joined(shared, joined, settle);
            event = match self.requests.try_join_next_with_id() {
                Some(joined) => Event::Finished(joined),
                None => Event::Nothing,
            };
        }
        if let Some(spooling) = &self.spooling {
            spooling.measure(shared);
        }
    }

    fn hurry(&mut self) {
        for request in &mut self.under_way {
            request.is_wanted = true;
        }
        if let Some(spooling) = &mut self.spooling {
            spooling.hurry();
        }
    }

    fn is_busy(&self, shared: &Shared) -> bool {
        let spooling = self.spooling.as_ref();
        self.under_way.iter().any(|request| request.is_wanted)
            || spooling.is_some_and(|spooling| spooling.is_wanted(shared))
    }

    fn shutdown(&mut self, shared: &Arc<Shared>, settle: &mut Settle<'_>) {
        self.requests.abort_all();
        self.client = None;
        if let Some(spooling) = &mut self.spooling {
            spooling.close(shared, settle);
        }
        // Its lock is given back before the end is told.
        self.spooling = None;
    }
}
