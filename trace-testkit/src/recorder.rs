mod sink;

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sink::RecorderSink;
use tokio::sync::Notify;
use tracing_core_ctx::tracer::TracerBuilder;
use tracing_core_ctx::{Resource, SpanId, SpanSink, Tracer};

use crate::{KnownIds, RecordedSpan, VirtualClock, render};

/// Takes every span that its tracers finish, and fails the test over any that the test did not expect.
///
/// Its tracers share a [`VirtualClock`] and [`KnownIds`], so that everything about a span can be written down. When the recorder is dropped, it
/// panics if a span was recorded and not taken, was started and not ended, or ended twice; unless the test is failing already.
///
/// ```
/// use std::time::Duration;
///
/// use trace_testkit::SpanRecorder;
///
/// let recorder = SpanRecorder::new();
/// let tracer = recorder.tracer("shop");
/// let span = tracer.span("checkout").start();
/// recorder.clock().advance(Duration::from_millis(12));
/// assert_eq!(recorder.open(), 1);
/// span.end();
///
/// let span = recorder.take_one();
/// assert_eq!(span.duration(), Duration::from_millis(12));
/// assert_eq!(span.service(), "shop");
/// ```
///
/// A span left over fails:
///
/// ```should_panic
/// use trace_testkit::SpanRecorder;
///
/// let recorder = SpanRecorder::new();
/// recorder.tracer("shop").span("checkout").start().end();
/// ```
#[must_use = "a recorder that is dropped at once records nothing"]
pub struct SpanRecorder {
    shared: Arc<Shared>,
    clock: VirtualClock,
    ids: KnownIds,
    ignored: AtomicBool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    arrived_async: Notify,
}

#[derive(Default)]
struct State {
    spans: Vec<RecordedSpan>,
    started: u64,
    ended: u64,
    ids: HashSet<SpanId>,
    ended_twice: Vec<String>,
}

impl SpanRecorder {
    /// A recorder that has seen nothing yet.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared::default()),
            clock: VirtualClock::new(),
            ids: KnownIds::new(),
            ignored: AtomicBool::new(false),
        }
    }

    /// A tracer of `service` that records everything here: virtual clock, known ids, parent based sampling, W3C propagation.
    ///
    /// Several services can share one recorder; a span says which one it came from.
    #[must_use]
    pub fn tracer(&self, service: &str) -> Tracer {
        self.tracer_builder(service).build()
    }

    /// The same, open to another sampler, propagator or other limits.
    ///
    /// ```
    /// use trace_testkit::SpanRecorder;
    /// use tracing_core_ctx::sampler::AlwaysOff;
    ///
    /// let recorder = SpanRecorder::new();
    /// let tracer = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    /// tracer.span("checkout").start().end();
    /// recorder.assert_nothing();
    /// ```
    pub fn tracer_builder(&self, service: &str) -> TracerBuilder {
        Tracer::builder()
            .resource(Resource::new(service))
            .clock(self.clock.clone())
            .id_generator(self.ids.clone())
            .sink(self.sink(service))
    }

    /// Only the sink, for a tracer that is put together elsewhere. Its spans are those of `service`.
    #[must_use]
    pub fn sink(&self, service: &str) -> impl SpanSink + use<> {
        RecorderSink::new(Arc::clone(&self.shared), service)
    }

    /// The clock of its tracers.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Takes the spans that have ended so far, in the order in which they ended.
    #[must_use]
    #[track_caller]
    pub fn take(&self) -> Vec<RecordedSpan> {
        let mut state = self.shared.lock();
        if !state.ended_twice.is_empty() {
            let complaint = state.complaint();
            drop(state);
            panic!("{complaint}");
        }
        std::mem::take(&mut state.spans)
    }

    /// Takes the only span that has ended.
    ///
    /// # Panics
    ///
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn take_one(&self) -> RecordedSpan {
        let spans = self.take();
        match <[RecordedSpan; 1]>::try_from(spans) {
            Ok([span]) => span,
            Err(spans) if spans.is_empty() && self.open() == 0 => panic!(
                "expected one span, got 0: none was started (a `Span::child` records nothing where no span is around it)"
            ),
            Err(spans) => panic!(
                "expected one span, got {}\n{}({} still open)",
                spans.len(),
                render(&spans),
                self.open()
            ),
        }
    }

    /// Takes the only span of this name that has ended; all others stay.
    ///
    /// ```
    /// use trace_testkit::SpanRecorder;
    /// use tracing_core_ctx::Span;
    ///
    /// let recorder = SpanRecorder::new();
    /// let checkout = recorder.tracer("shop").span("checkout").start();
    /// checkout.in_scope(|| Span::child("price").end());
    /// checkout.end();
    ///
    /// let checkout = recorder.take_named("checkout");
    /// assert!(recorder.take_named("price").is_child_of(&checkout));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is none, or more than one, with all that have ended.
    #[must_use]
    #[track_caller]
    pub fn take_named(&self, name: &str) -> RecordedSpan {
        // The lock is gone by the end of this line: a panic must not hold it.
        let taken = self.shared.lock().take_named(name);
        match taken {
            Ok(span) => span,
            Err(complaint) => panic!("{complaint}"),
        }
    }

    /// Waits until `count` spans have ended, on whatever thread, and takes them; later ones stay.
    ///
    /// It blocks this thread. Where the spans end on a task of the same thread, use [`wait_for_async`](Self::wait_for_async).
    ///
    /// # Panics
    ///
    /// When there are fewer after `limit`.
    #[must_use]
    #[track_caller]
    pub fn wait_for(&self, count: usize, limit: Duration) -> Vec<RecordedSpan> {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        while state.spans.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let complaint = state.too_few(count, limit);
                drop(state);
                panic!("{complaint}");
            }
            state = self
                .shared
                .arrived
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.spans.drain(..count).collect()
    }

    /// Waits like [`wait_for`](Self::wait_for), leaving the thread to other tasks. Needs a tokio runtime with time.
    ///
    /// # Panics
    ///
    /// When there are fewer after `limit`.
    pub async fn wait_for_async(&self, count: usize, limit: Duration) -> Vec<RecordedSpan> {
        let arrival = async {
            loop {
                let arrived = self.shared.arrived_async.notified();
                {
                    let mut state = self.shared.lock();
                    if state.spans.len() >= count {
                        return state.spans.drain(..count).collect();
                    }
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(limit, arrival).await {
            Ok(spans) => spans,
            Err(_) => {
                let complaint = self.shared.lock().too_few(count, limit);
                panic!("{complaint}")
            }
        }
    }

    /// How many spans have started and not ended.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.shared.lock().open()
    }

    /// Asserts that no span has ended and was not taken, and none is open.
    ///
    /// # Panics
    ///
    /// When there is one.
    #[track_caller]
    pub fn assert_nothing(&self) {
        let state = self.shared.lock();
        if !state.is_clean() {
            let complaint = state.complaint();
            drop(state);
            panic!("{complaint}");
        }
    }

    /// From here on, spans that are left over or open do not fail the test.
    pub fn ignore(&self) {
        self.ignored.store(true, Ordering::SeqCst);
    }
}

impl Default for SpanRecorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SpanRecorder {
    fn drop(&mut self) {
        if std::thread::panicking() || self.ignored.load(Ordering::SeqCst) {
            return;
        }
        self.assert_nothing();
    }
}

impl fmt::Debug for SpanRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("SpanRecorder")
            .field("waiting", &state.spans.len())
            .field("open", &state.open())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&self) -> u64 {
        self.started.saturating_sub(self.ended)
    }

    fn is_clean(&self) -> bool {
        self.spans.is_empty() && self.open() == 0 && self.ended_twice.is_empty()
    }

    /// Everything that is wrong, for the message of a panic.
    fn complaint(&self) -> String {
        let mut parts = vec!["the test does not account for all spans".to_owned()];
        if !self.spans.is_empty() {
            parts.push(format!(
                "{} recorded and not taken:\n{}",
                self.spans.len(),
                render(&self.spans)
            ));
        }
        if self.open() > 0 {
            parts.push(format!("{} started and not ended", self.open()));
        }
        parts.extend(
            self.ended_twice
                .iter()
                .map(|name| format!("`{name}` ended twice")),
        );
        parts.join("\n")
    }

    fn take_named(&mut self, name: &str) -> Result<RecordedSpan, String> {
        if !self.ended_twice.is_empty() {
            return Err(self.complaint());
        }
        let places: Vec<usize> = (0..self.spans.len())
            .filter(|&place| self.spans[place].name() == name)
            .collect();
        match places[..] {
            [place] => Ok(self.spans.remove(place)),
            _ => Err(format!(
                "expected one span `{name}`, got {}\n{}({} still open)",
                places.len(),
                render(&self.spans),
                self.open()
            )),
        }
    }

    fn too_few(&self, count: usize, limit: Duration) -> String {
        format!(
            "expected {count} spans within {limit:?}, got {}; {} open\n{}",
            self.spans.len(),
            self.open(),
            render(&self.spans)
        )
    }
}

#[cfg(test)]
mod tests;
