mod ending;
mod errors;
mod futures;
mod limits;
mod memory;
mod relations;
mod sampling;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::*;
use crate::attribute::{Attributes, ValueRef};
use crate::limits::SpanLimits;
use crate::{
    Clock, Context, IdGenerator, InstrumentationScope, SpanContext, SpanId, SpanSink, Timestamp,
    TraceFlags, TraceId, Tracer,
};

/// A tracer of known ids and times, and what it records.
struct Bench {
    tracer: Tracer,
    sink: Arc<Recorder>,
    clock: Arc<Hand>,
}

static BENCH: InstrumentationScope = InstrumentationScope::new("bench", "1");

impl Bench {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(
        change: impl FnOnce(crate::tracer::TracerBuilder) -> crate::tracer::TracerBuilder,
    ) -> Self {
        let sink = Arc::new(Recorder::default());
        let clock = Arc::new(Hand(AtomicU64::new(1_000)));
        let builder = Tracer::builder()
            .sink(Arc::clone(&sink))
            .clock(Arc::clone(&clock))
            .id_generator(Counted::default())
            .scope(&BENCH);
        Self {
            tracer: change(builder).build(),
            sink,
            clock,
        }
    }

    fn limited(change: impl FnOnce(&mut SpanLimits)) -> Self {
        let mut limits = SpanLimits::default();
        change(&mut limits);
        Self::with(|builder| builder.limits(limits))
    }

    fn span(&self) -> Span {
        self.tracer.span("span").start()
    }

    /// The only span that has ended.
    fn only(&self) -> SpanRecord {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// All spans that have ended, in that order.
    fn all(&self) -> Vec<SpanRecord> {
        std::mem::take(&mut *self.sink.ended.lock().unwrap())
    }

    fn late_writes(&self) -> u64 {
        self.tracer.stats().late_writes
    }
}

#[derive(Debug, Default)]
struct Recorder {
    started: AtomicUsize,
    not_recorded: AtomicUsize,
    ended: Mutex<Vec<SpanRecord>>,
}

impl Recorder {
    fn starts(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }
}

impl SpanSink for Recorder {
    fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    fn not_recorded(&self) {
        self.not_recorded.fetch_add(1, Ordering::Relaxed);
    }

    fn submit(&self, span: SpanRecord) {
        self.ended.lock().unwrap().push(span);
    }
}

/// A clock that stands still until it is set.
#[derive(Debug)]
struct Hand(AtomicU64);

impl Hand {
    fn set(&self, nanos: u64) {
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::Relaxed))
    }
}

/// Ids 1, 2, 3, ...
#[derive(Debug)]
struct Counted {
    next: AtomicU64,
    random: bool,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(1),
            random: true,
        }
    }
}

impl IdGenerator for Counted {
    fn trace_id(&self) -> TraceId {
        TraceId::from_u128(u128::from(self.next.fetch_add(1, Ordering::Relaxed))).unwrap()
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_u64(self.next.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    fn is_random(&self) -> bool {
        self.random
    }
}

const fn at(nanos: u64) -> Timestamp {
    Timestamp::from_unix_nanos(nanos)
}

fn span_context(id: u64, flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        TraceId::from_u128(0xABC).unwrap(),
        SpanId::from_u64(id).unwrap(),
        flags,
    )
}

fn caller(flags: TraceFlags) -> SpanContext {
    span_context(0xCA11, flags).with_remote(true)
}

fn text<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    attributes.get(key).and_then(ValueRef::as_str)
}

/// Runs `work` on a thread of its own and fails if it is not done in time: for what would hang.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    match receiver.recv_timeout(Duration::from_secs(30)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => thread.join().unwrap(),
    }
}

#[test]
fn a_span_says_what_it_was_told() {
    let bench = Bench::new();
    let span = bench
        .tracer
        .span("first")
        .kind(SpanKind::Server)
        .attribute("a", 1)
        .start_with(|span| {
            assert_eq!(span.name(), "first");
            assert_eq!(span.kind(), SpanKind::Server);
            assert_eq!(span.start(), at(1_000));
            assert_eq!(span.attributes().get("a"), Some(ValueRef::I64(1)));
            span.set("b", "two");
            span.set_opt("c", None::<i64>);
            span.set_new("d", true);
        });
    span.set("b", "three");
    span.update_name("second");
    bench.clock.set(1_500);
    span.event("seen", |event| event.set("n", 1));
    span.event_at(at(1_200), "remembered", |_| {});
    span.link(span_context(9, TraceFlags::NONE));
    bench.clock.set(2_000);
    span.end_with(|span| span.set("e", 2.5));

    let record = bench.only();
    assert_eq!(record.name(), "second");
    assert_eq!(record.kind(), SpanKind::Server);
    assert_eq!((record.start(), record.end()), (at(1_000), at(2_000)));
    let list: Vec<_> = record.attributes().iter().collect();
    assert_eq!(
        list,
        [
            ("a", ValueRef::I64(1)),
            ("b", ValueRef::Str("three")),
            ("d", ValueRef::Bool(true)),
            ("e", ValueRef::F64(2.5)),
        ]
    );
    let events: Vec<_> = record
        .events()
        .iter()
        .map(|event| (&*event.name, event.time))
        .collect();
    assert_eq!(events, [("seen", at(1_500)), ("remembered", at(1_200))]);
    assert_eq!(
        record.events()[0].attributes.get("n"),
        Some(ValueRef::I64(1))
    );
    assert_eq!(
        record.links()[0].span_context,
        span_context(9, TraceFlags::NONE)
    );
    assert_eq!(record.status(), &Status::Unset);
    assert_eq!(bench.sink.starts(), 1);
}

#[test]
fn an_absent_value_leaves_what_is_there() {
    let bench = Bench::new();
    let span = bench.span();
    span.set_opt("kept", Some("first"));
    span.set_opt("kept", None::<&str>);
    span.set_opt("absent", None::<i64>);
    drop(span);
    let record = bench.only();
    assert_eq!(text(record.attributes(), "kept"), Some("first"));
    assert_eq!(record.attributes().len(), 1);
}

#[test]
fn a_span_that_waits_for_its_description_is_not_in_the_way_of_others() {
    // The façade of everyone may be used while foreign code describes: no lock is held.
    struct Touches(SpanRef);

    impl crate::attribute::AttributeValue<crate::attribute::Untyped> for Touches {
        fn value(&self) -> ValueRef<'_> {
            self.0.set("by.value", 1);
            ValueRef::I64(1)
        }
    }

    impl crate::attribute::AttributeKey for Touches {
        type Type = crate::attribute::Untyped;
        const BY_HAND: bool = false;

        fn key(&self) -> crate::attribute::KeyRef<'_> {
            self.0.set("by.key", 1);
            crate::attribute::KeyRef::Static("touched")
        }
    }

    impl From<Touches> for std::borrow::Cow<'static, str> {
        fn from(touches: Touches) -> Self {
            touches.0.set("by.text", 1);
            "text".into()
        }
    }

    impl From<Touches> for Link {
        fn from(touches: Touches) -> Self {
            touches.0.set("by.link", 1);
            Self::new(span_context(9, TraceFlags::NONE))
        }
    }

    #[derive(Debug)]
    struct Error(SpanRef);

    impl std::fmt::Display for Error {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.set("by.error", 1);
            f.write_str("went wrong")
        }
    }

    impl std::error::Error for Error {}

    in_time(|| {
        let bench = Bench::new();
        let span = bench.span();
        let handle = span.handle().clone();
        let touches = || Touches(handle.clone());
        span.set(touches(), touches());
        span.event(touches(), |event| {
            handle.set("by.event", 1);
            event.set(touches(), touches());
        });
        span.link(touches());
        span.fail("timeout", touches());
        span.record_failure(&Error(handle.clone()));
        span.record_handled(&Error(handle.clone()));
        assert!(format!("{span:?}").contains("recording: true"));
        let by = [
            "by.value", "by.key", "by.text", "by.link", "by.error", "by.event",
        ];
        span.end_with(|span| {
            for key in by {
                assert!(span.attributes().get(key).is_some(), "{key}");
            }
            // The span is ending: this comes late, and does not hang.
            handle.set("late", 1);
            span.set(touches(), 1);
        });
        assert!(bench.only().attributes().get("late").is_none());
        assert_eq!(bench.late_writes(), 2);
    });
}

#[test]
fn a_sink_may_use_the_span_that_it_is_given() {
    #[derive(Debug, Default)]
    struct Curious(Mutex<Option<SpanRef>>);

    impl SpanSink for Curious {
        fn submit(&self, _: SpanRecord) {
            let span = self.0.lock().unwrap().take().unwrap();
            assert!(!span.is_recording());
            span.set("late", 1);
        }
    }

    in_time(|| {
        let sink = Arc::new(Curious::default());
        let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
        let span = tracer.span("span").start();
        *sink.0.lock().unwrap() = Some(span.handle().clone());
        span.end();
        assert_eq!(tracer.stats().late_writes, 1);
    });
}

#[test]
fn spans_and_their_handles_go_to_other_threads() {
    fn sent_and_shared<T: Send + Sync>() {}
    sent_and_shared::<Span>();
    sent_and_shared::<SpanRef>();
    sent_and_shared::<SpanRecord>();
    sent_and_shared::<Tracer>();
}

#[test]
fn a_handle_is_found_through_the_context_and_a_clone_is_the_same_span() {
    let bench = Bench::new();
    let span = bench.span();
    span.in_scope(|| {
        assert_eq!(SpanRef::current().span_context(), span.span_context());
        Context::current().span().set("deep", 1);
    });
    assert_eq!(SpanRef::current().span_context(), None);
    span.clone().set("cloned", 2);
    drop(span);
    let record = bench.only();
    assert_eq!(record.attributes().len(), 2);
}
