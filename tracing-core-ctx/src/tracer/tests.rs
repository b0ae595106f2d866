use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::span::SpanRecord;
use crate::{Baggage, RandomIds, SpanId, SystemClock, TraceFlags, TraceId, semconv};

#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<SpanRecord>>);

impl SpanSink for Recorder {
    fn submit(&self, span: SpanRecord) {
        self.0.lock().unwrap().push(span);
    }
}

#[test]
fn by_default_nothing_is_recorded_and_contexts_pass() {
    let tracer = Tracer::noop();
    assert!(!tracer.is_enabled());
    assert!(!tracer.span("span").start().is_recording());
    let mut headers = HashMap::new();
    headers.insert(
        "traceparent".to_owned(),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    );
    headers.insert("tracestate".to_owned(), "rojo=1".to_owned());
    headers.insert("baggage".to_owned(), "a=1".to_owned());
    let cx = tracer.extract(&headers);
    let (caller, rest) = tracer.extract_parts(&headers);
    assert_eq!(
        (caller.as_ref(), rest.span_context()),
        (cx.span_context(), None)
    );
    assert_eq!(rest.baggage(), cx.baggage());
    let span = tracer.span("span").parent(&cx).start();
    let mut sent = HashMap::new();
    tracer.inject(&cx.with_span(&span), &mut sent);
    assert_eq!(sent, headers);
}

#[test]
fn a_tracer_with_a_sink_records_every_trace_by_default() {
    let sink = Arc::new(Recorder::default());
    let tracer = Tracer::builder().sink(Arc::clone(&sink)).build();
    let span = tracer.span("span").start();
    let identity = span.span_context().unwrap().clone();
    assert_eq!(identity.flags(), TraceFlags::SAMPLED.with_random(true));
    drop(span);
    let ended = sink.0.lock().unwrap();
    assert_eq!(ended[0].span_context(), &identity);
    assert_eq!(ended[0].scope().name, "tracing-core-ctx");
    assert_eq!(ended[0].scope().schema_url, semconv::SCHEMA_URL);
    // The default follows a caller that does not record.
    let caller = SpanContext::new(identity.trace_id(), identity.span_id(), TraceFlags::NONE)
        .with_remote(true);
    let cx = Context::new().with_remote_span(caller);
    assert!(!tracer.span("span").parent(&cx).start().is_recording());
}

#[test]
fn clones_and_scopes_of_a_tracer_are_one_tracer() {
    static LIBRARY: InstrumentationScope = InstrumentationScope::new("library", "1");
    let sink = Arc::new(Recorder::default());
    let tracer = Tracer::builder()
        .sink(Arc::clone(&sink))
        .resource(Resource::new("orders"))
        .build();
    let library = tracer.with_scope(&LIBRARY);
    assert_eq!(library.resource().service_name(), "orders");
    drop(library.span("a").start());
    let clone = tracer.clone();
    drop(clone.span("b").start());
    let scopes: Vec<_> = sink
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|span| span.scope().name)
        .collect();
    assert_eq!(scopes, ["library", "tracing-core-ctx"]);
    let late = library.span("c").start();
    let handle = late.handle().clone();
    late.end();
    handle.set("late", 1);
    assert_eq!(tracer.stats().late_writes, 1);
}

#[test]
fn tracers_live_side_by_side() {
    let (one, other) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    let first = Tracer::builder().sink(Arc::clone(&one)).build();
    let second = Tracer::builder().sink(Arc::clone(&other)).build();
    let span = first.span("outer").start();
    span.in_scope(|| drop(second.span("inner").start()));
    drop(span);
    let (one, other) = (one.0.lock().unwrap(), other.0.lock().unwrap());
    assert_eq!((one[0].name(), other[0].name()), ("outer", "inner"));
    assert_eq!(other[0].parent(), Some(one[0].span_context().span_id()));
}

#[test]
fn malformed_contexts_start_anew_and_are_counted() {
    let tracer = Tracer::noop();
    let mut headers = HashMap::new();
    assert_eq!(tracer.extract(&headers).span_context(), None);
    assert_eq!(
        tracer.stats().malformed_contexts,
        0,
        "absent is not malformed"
    );
    headers.insert("traceparent".to_owned(), "00-zz".to_owned());
    assert_eq!(tracer.extract(&headers).span_context(), None);
    assert_eq!(tracer.stats().malformed_contexts, 1);
}

#[test]
fn an_extracted_context_has_nothing_of_the_current_one() {
    let around = Context::new()
        .with_baggage(Baggage::new().with("a", "1"))
        .with_value(1u8);
    let headers: HashMap<String, String> = HashMap::new();
    let cx = around.scope(|| Tracer::noop().extract(&headers));
    assert!(cx.baggage().is_empty());
    assert_eq!(cx.value::<u8>(), None);
}

#[test]
fn parts_may_be_shared() {
    let (ids, clock) = (Arc::new(RandomIds), Arc::new(SystemClock::new()));
    let sampler: Arc<dyn Sampler> = Arc::new(crate::sampler::AlwaysOn);
    let tracer = Tracer::builder()
        .id_generator(ids)
        .clock(Arc::clone(&clock))
        .sampler(sampler)
        .sink(Arc::new(Recorder::default()))
        .build();
    let before = clock.now();
    assert!(tracer.now() >= before);
    assert!(format!("{tracer:?}").contains("AlwaysOnSampler"));
}

#[test]
fn the_global_tracer_is_installed_once_and_for_good() {
    assert!(!Tracer::global().is_enabled());
    let tracer = Tracer::builder().sink(Recorder::default()).build();
    assert_eq!(tracer.install_global(), Ok(()));
    assert!(Tracer::global().is_enabled());
    let error = Tracer::noop().install_global().unwrap_err();
    assert_eq!(error.to_string(), "a global tracer is installed already");
    assert!(Tracer::global().is_enabled());
}

#[test]
fn ids_of_a_shared_generator_are_made_the_way_it_makes_them() {
    #[derive(Debug)]
    struct Pairs;

    impl IdGenerator for Pairs {
        fn trace_id(&self) -> TraceId {
            TraceId::ONE
        }

        fn span_id(&self) -> SpanId {
            SpanId::ONE
        }

        fn root_ids(&self) -> (TraceId, SpanId) {
            let span_id = SpanId::from_u64(2).unwrap();
            (TraceId::from_u128(2).unwrap(), span_id)
        }
    }

    let shared = Arc::new(Pairs);
    assert_eq!(IdGenerator::root_ids(&shared), Pairs.root_ids());
}
