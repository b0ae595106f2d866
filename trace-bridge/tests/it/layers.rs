//! Beside other layers: filters, subscribers that change, tracing-opentelemetry.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanId as OtelSpanId, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use trace_bridge::{TracingLayer, TracingSpanExt as _};
use trace_testkit::SpanRecorder;
use tracing::{Dispatch, debug_span, info, info_span};
use tracing_core_ctx::{Context, Span, SpanRef};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, reload};

fn with(subscriber: impl Into<Dispatch>, work: impl FnOnce()) {
    tracing::dispatcher::with_default(&subscriber.into(), work);
}

#[test]
fn filters_of_the_layers_do_not_touch_each_other() {
    let recorder = SpanRecorder::new();
    let logs = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&logs);
    let log = tracing_subscriber::fmt::layer()
        .with_writer(move || Keep(Arc::clone(&kept)))
        .with_filter(EnvFilter::new("debug"));
    let spans = TracingLayer::new(recorder.tracer("shop")).with_filter(LevelFilter::INFO);
    with(Registry::default().with(log).with(spans), || {
        let _job = info_span!("job").entered();
        let _detail = debug_span!("detail").entered();
        tracing::debug!("for the log");
        info!("for both");
        info_span!("step").in_scope(|| Span::child("deeper").end());
    });
    let job = recorder.take_named("job");
    assert_eq!(job.events().len(), 1);
    let (step, deeper) = (recorder.take_named("step"), recorder.take_one());
    assert!(step.is_child_of(&job) && deeper.is_child_of(&step));
    let logs = String::from_utf8(logs.lock().unwrap().clone()).unwrap();
    assert!(
        logs.contains("for the log") && logs.contains("for both"),
        "{logs}"
    );
}

struct Keep(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_parent_that_the_layer_does_not_see_tells_nothing() {
    let recorder = SpanRecorder::new();
    let seen = filter_fn(|metadata| metadata.name() != "unseen");
    // Another layer sees it, so that it exists.
    let all = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let spans = TracingLayer::new(recorder.tracer("shop")).with_filter(seen);
    with(Registry::default().with(all).with(spans), || {
        let _job = info_span!("job").entered();
        let unseen = info_span!("unseen");
        let step = info_span!(parent: &unseen, "step");
        step.follows_from(&unseen);
        unseen.record("x", 1);
        unseen.in_scope(|| info!("in job"));
        assert!(unseen.context().span_context().is_some());
        assert!(!unseen.span_ref().is_recording());
    });
    let job = recorder.take_named("job");
    assert_eq!(job.events().len(), 1);
    assert!(recorder.take_named("step").is_child_of(&job));
}

#[test]
fn a_layer_can_be_switched_on_and_off_while_it_runs() {
    let recorder = SpanRecorder::new();
    let layer = TracingLayer::new(recorder.tracer("shop"));
    let (filter, handle) = reload::Layer::new(LevelFilter::OFF);
    with(Registry::default().with(layer.with_filter(filter)), || {
        let before = info_span!("before").entered();
        handle.reload(LevelFilter::INFO).unwrap();
        info_span!("on").in_scope(|| {
            handle.reload(LevelFilter::OFF).unwrap();
            info_span!("off").in_scope(|| {});
        });
        drop(before);
    });
    assert_eq!(recorder.take_one().name(), "on");
}

#[test]
fn a_layer_that_is_replaced_inside_of_a_span_leaves_nothing_current() {
    let recorder = SpanRecorder::new();
    let layer = || TracingLayer::new(recorder.tracer("shop"));
    let (replaced, handle) = reload::Layer::new(layer());
    with(Registry::default().with(replaced), || {
        let outer = info_span!("outer").entered();
        let inner = info_span!("inner").entered();
        handle.reload(layer()).unwrap();
        info_span!("new").in_scope(|| {});
        drop(outer);
        assert!(Context::current().span_context().is_some());
        drop(inner);
        assert!(Context::current().span_context().is_none());
    });
    recorder.ignore();
}

#[test]
fn a_span_that_outlives_its_subscribers_turn_ends_all_the_same() {
    let recorder = SpanRecorder::new();
    let mut kept = None;
    with(
        Registry::default().with(TracingLayer::new(recorder.tracer("shop"))),
        || kept = Some(info_span!("job")),
    );
    assert_eq!(recorder.open(), 1);
    kept.take()
        .unwrap()
        .in_scope(|| assert!(SpanRef::current().is_recording()));
    drop(kept);
    assert_eq!(recorder.take_one().name(), "job");
}

#[test]
fn an_optional_and_a_boxed_layer_are_layers() {
    let recorder = SpanRecorder::new();
    let layer = TracingLayer::new(recorder.tracer("shop")).boxed();
    with(Registry::default().with(Some(layer)), || {
        drop(info_span!("job"));
    });
    assert_eq!(recorder.take_one().name(), "job");
}

#[test]
fn no_registry_is_needed() {
    /// Gives out numbers and knows nothing else.
    struct Counting(std::sync::atomic::AtomicU64);

    impl tracing::Subscriber for Counting {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
            let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tracing::Id::from_u64(number + 1)
        }
        fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {}
        fn enter(&self, _: &tracing::Id) {}
        fn exit(&self, _: &tracing::Id) {}
        fn try_close(&self, _: tracing::Id) -> bool {
            true
        }
    }

    let recorder = SpanRecorder::new();
    let layer = TracingLayer::new(recorder.tracer("shop"));
    with(
        Dispatch::new(layer.with_subscriber(Counting(0.into()))),
        || {
            info_span!("job").in_scope(|| drop(info_span!("step")));
        },
    );
    let step = recorder.take_named("step");
    assert!(step.is_child_of(&recorder.take_one()));
}

/// Keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Exported(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exported {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

#[test]
fn beside_tracing_opentelemetry_each_records_its_own_tree() {
    for ours_first in [true, false] {
        let recorder = SpanRecorder::new();
        let exported = Exported::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exported.clone())
            .build();
        let tracer = provider.tracer("theirs");
        let ours = TracingLayer::new(recorder.tracer("shop"));
        let work = || {
            let job = info_span!("job", error = tracing::field::Empty).entered();
            info!("fine");
            std::thread::scope(|scope| {
                let step = info_span!("step");
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                scope.spawn(move || with(dispatch, || step.in_scope(|| info!("elsewhere"))));
            });
            job.record("error", "none left");
            job.exit();
            assert!(Context::current().span_context().is_none());
        };
        match ours_first {
            true => {
                let theirs = tracing_opentelemetry::layer().with_tracer(tracer);
                with(Registry::default().with(ours).with(theirs), work);
            }
            false => {
                let theirs = tracing_opentelemetry::layer().with_tracer(tracer);
                with(Registry::default().with(theirs).with(ours), work);
            }
        }
        let job = recorder.take_named("job");
        let step = recorder.take_one();
        assert!(step.is_child_of(&job));
        assert_eq!((job.events().len(), step.events().len()), (2, 1));
        let theirs = exported.0.lock().unwrap();
        let find = |name: &str| theirs.iter().find(|span| span.name == name).unwrap();
        assert_eq!(theirs.len(), 2);
        assert_eq!(find("job").parent_span_id, OtelSpanId::INVALID);
        assert_eq!(
            find("step").parent_span_id,
            find("job").span_context.span_id()
        );
    }
}
