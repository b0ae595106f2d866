//! The tail's thread.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing_core_ctx::SpanRecord;

use super::gate::Floor;
use super::inlet::Inlet;
use super::stage::Stage;
use crate::control::{Ticket, Wish};
use crate::metrics::ExchangeMetrics;
use crate::sampling::Tail;
use crate::shared::Shared;

/// How long it sleeps when there is nothing to do; a request thread wakes it when there is much.
const REST: Duration = Duration::from_millis(50);
/// The same while it waits for room in the queue.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(2);
/// So many spans are taken before it looks for what else there is to do.
const TURN: usize = 4096;
/// So many are moved at once from queue to queue.
const HANDFUL: usize = 64;

/// Runs a [`Stage`] on a thread, from the inlet to the queue of `shared`.
pub(crate) struct Runner {
    shared: Arc<Shared>,
    stage: Stage,
    /// What comes from the inlet, or leaves, on its way.
    taken: Vec<SpanRecord>,
    origin: Instant,
    floor: Floor,
    /// Somebody waits until so many spans have gone on.
    owed: Option<(Ticket, usize)>,
    /// Whose exemplars wait for word of what is kept.
    metrics: Option<ExchangeMetrics>,
}

impl Runner {
    /// Starts the thread, if there is a tail to run.
    pub(crate) fn spawn(
        shared: Arc<Shared>,
        tail: Arc<Tail>,
        metrics: Option<ExchangeMetrics>,
    ) -> io::Result<()> {
        let Some(inlet) = &shared.tail else {
            return Ok(());
        };
        let runner = Self {
            stage: Stage::new(
                tail,
                Arc::clone(&inlet.counts),
                Arc::clone(&inlet.gate.forced),
            ),
            shared: Arc::clone(&shared),
            taken: Vec::with_capacity(HANDFUL),
            origin: Instant::now(),
            floor: Floor::default(),
            owed: None,
            metrics,
        };
        let thread = thread::Builder::new()
            .name("trace-tail".into())
            .spawn(move || {
                let stopped = Stopped(Arc::clone(&runner.shared));
                runner.run();
                drop(stopped);
            })?;
        inlet.set_thread(thread.thread().clone());
        Ok(())
    }

    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(inlet) = &shared.tail else {
            return;
        };
        loop {
            if let Some(tail) = inlet.take_rules() {
                self.stage.set_rules(tail, self.now());
            }
            shared.usage.note_tail();
            if let Some(throttle) = &shared.throttle {
                self.stage.set_budget(throttle.threshold());
            }
            let taken = self.take(inlet, TURN);
            self.look(inlet, taken == TURN);
            self.stage.tick(self.now());
            self.pass_on(inlet);
            match inlet.control.wish() {
                Wish::Shutdown => return self.finish(inlet),
                Wish::Flush(ticket) if self.owed.is_none() => {
                    self.take(inlet, inlet.queue.len());
                    self.stage.flush(self.now());
                    self.owed = Some((ticket, self.stage.ready()));
                    self.pass_on(inlet);
                }
                Wish::Flush(_) | Wish::Nothing => {}
            }
            if let Some((ticket, 0)) = self.owed {
                self.owed = None;
                inlet.control.has_flushed(ticket);
                continue;
            }
            if taken < TURN {
                thread::park_timeout(if self.stage.ready() > 0 {
                    WAIT_FOR_ROOM
                } else {
                    REST
                });
            }
        }
    }

    /// Lets as many in as there is time for. What comes at once and can be taken out at once is not too much.
    fn look(&mut self, inlet: &Inlet, there_is_more: bool) {
        let (wait, now) = (self.stage.wait(), self.now());
        let is_full = there_is_more && inlet.is_half_full();
        let (recorded, taken) = self.floor.look(is_full, wait, now);
        inlet.gate.set_floor(recorded);
        inlet.gate.set_backlog(self.stage.backlog());
        self.stage.set_gate(taken);
    }

    /// Takes the oldest `most` spans of the inlet, and says how many there were.
    fn take(&mut self, inlet: &Inlet, most: usize) -> usize {
        let now = self.now();
        let mut taken = 0;
        while taken < most {
            let most = (HANDFUL.min(most - taken), usize::MAX);
            let bytes = inlet
                .queue
                .pop_into(&mut self.taken, most, |spans| inlet.counts.came(spans));
            if self.taken.is_empty() {
                break;
            }
            taken += self.taken.len();
            inlet.queue.release(bytes);
            for span in self.taken.drain(..) {
                self.stage.take(span, now);
            }
        }
        taken
    }

    /// Moves what is ready into the queue as far as there is room.
    fn pass_on(&mut self, inlet: &Inlet) {
        let mut passed = 0;
        while self.stage.ready() > 0 {
            let spans = self.pass_some_on();
            if spans == 0 {
                self.shared.queue.ask_for_room();
                self.shared.wake();
                break;
            }
            inlet.counts.went(spans);
            passed += spans;
        }
        if let Some((_, owed)) = &mut self.owed {
            *owed = owed.saturating_sub(passed);
        }
    }

    /// A handful, or nothing where there is no room. When what is ready would take the room of what waits, it is the queue that refuses it, and
    /// counts.
    fn pass_some_on(&mut self) -> usize {
        let queue = &self.shared.queue;
        let fit = |spans, bytes| spans <= HANDFUL && queue.has_room(spans, bytes);
        let (spans, bytes) = self.stage.next(fit);
        let count = spans.len();
        if count > 0 {
            match &self.metrics {
                None => self.shared.push_all(spans, bytes),
                Some(metrics) => {
                    self.taken.extend(spans);
                    self.taken.iter().for_each(|span| metrics.kept(span));
                    self.shared.push_all(self.taken.drain(..), bytes);
                }
            }
            return count;
        }
        drop(spans);
        if !self.stage.is_clogged() {
            return 0;
        }
        let (one, _) = self.stage.next(|spans, _| spans == 1);
        one.map(|span| self.shared.push(span)).count()
    }

    /// Decides all, and waits for room as long as there is time.
    fn finish(mut self, inlet: &Inlet) {
        inlet.close();
        while self.take(inlet, TURN) > 0 {
            self.pass_on(inlet);
        }
        self.stage.finish(self.now());
        loop {
            self.pass_on(inlet);
            if self.stage.ready() == 0 {
                return;
            }
            if self.shared.cutoff.has_passed() {
                break;
            }
            thread::park_timeout(WAIT_FOR_ROOM);
        }
        let (left, _) = self.stage.next(|_, _| true);
        let spans = left.map(drop).count();
        self.shared.counters.exports.shutdown.add(spans);
        inlet.counts.went(spans);
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// Says that the thread is gone, however it went, and leaves the rest to the pipeline's thread.
struct Stopped(Arc<Shared>);

impl Drop for Stopped {
    fn drop(&mut self) {
        let Some(inlet) = &self.0.tail else {
            return;
        };
        inlet.close();
        let lost = inlet.counts.forget_waiting();
        let counters = &self.0.counters;
        counters
            .exports
            .shutdown
            .add(usize::try_from(lost).unwrap_or(usize::MAX));
        inlet.discard(&counters.requests.after_shutdown);
        inlet.control.has_stopped();
        if inlet.control.wish() == Wish::Shutdown {
            self.0.stop_worker();
        }
    }
}
