use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::propagation::B3;
use tracing_core_ctx::sampler::{
    AlwaysOff, AlwaysOn, ParentBased, Sampler, Sampling, SamplingInput,
};
use tracing_core_ctx::{Baggage, Span, Tracer};

use super::*;
use crate::{ByteHeaders, Destination, Existing, Trust};

const ORDERS: Destination<'_> = Destination::named("orders");

fn send() -> Operation<'static> {
    Operation::send("kafka", "send", ORDERS)
}

fn process() -> Operation<'static> {
    Operation::process("kafka", "process", ORDERS)
}

/// A message that a producer has sent, and the span of that.
fn sent(recorder: &SpanRecorder) -> (ByteHeaders, RecordedSpan) {
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let mut headers = ByteHeaders::default();
    let baggage = Baggage::new().with("tier", "gold");
    Context::new().with_baggage(baggage).scope(|| {
        queue.start_send(&send(), &mut headers).end_with(|_| {});
    });
    (headers, recorder.take_one())
}

fn linked(span: &RecordedSpan) -> Vec<&SpanContext> {
    span.links().iter().map(|link| &link.span_context).collect()
}

fn is_linked(span: &RecordedSpan, to: &RecordedSpan) -> bool {
    linked(span)
        .iter()
        .any(|link| link.span_id() == to.span_id() && link.trace_id() == to.trace_id())
}

/// What the span of processing is like, with and without a span around.
fn processed(queue: &QueueTracer, headers: &ByteHeaders, around: Option<&Span>) -> RecordedSpan {
    let recorder = SpanRecorder::new();
    // The span must come to this recorder; the ids do not matter.
    let queue = QueueTracer {
        settings: std::sync::Arc::new(crate::settings::Settings {
            tracer: recorder.tracer("billing"),
            ..(*queue.settings).clone()
        }),
    };
    let context = around.map_or_else(Context::new, |span| span.context());
    context.scope(|| {
        let origin = queue.extract(headers);
        queue.start_process(&process(), &origin).end_with(|_| {});
    });
    recorder.take_one()
}

fn any() -> QueueTracer {
    QueueTracer::new(Tracer::noop())
}

#[test]
fn the_five_operations_have_the_kinds_of_the_conventions() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let mut headers = ByteHeaders::default();
    let create = Operation::create("kafka", "create", ORDERS);
    queue.start_create(&create, &mut headers).end_with(|_| {});
    let origin = queue.extract(&headers);
    queue.start_send_of(&send(), []).end_with(|_| {});
    let mut poll = Operation::receive("kafka", "poll", ORDERS);
    poll.batch = Some(1);
    let one = [(&origin, Message::default())];
    queue.start_receive(&poll, one).end_with(|_| {});
    let mut active = queue.start_process(&process(), &origin);
    let commit = Operation::settle("kafka", "commit", ORDERS);
    let processing = active.context().clone();
    queue.start_settle(&commit, processing).end_with(|_| {});
    active.end_with(|_| {});

    for (name, kind, operation_type) in [
        ("create orders", SpanKind::Producer, "create"),
        ("send orders", SpanKind::Producer, "send"),
        ("poll orders", SpanKind::Client, "receive"),
        ("process orders", SpanKind::Consumer, "process"),
        ("commit orders", SpanKind::Client, "settle"),
    ] {
        let span = recorder.take_named(name);
        assert_eq!(span.kind(), kind, "{name}");
        assert_eq!(span.str("messaging.operation.type"), operation_type);
        assert_eq!(span.str("messaging.system.name"), "kafka");
        assert_eq!(span.str("messaging.destination.name"), "orders");
        let word = name.split(' ').next().unwrap();
        assert_eq!(span.str("messaging.operation.name"), word);
    }
}

#[test]
fn a_message_follows_from_its_producer() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let span = processed(&any(), &headers, None);
    assert!(span.is_child_of(&producer));
    assert!(is_linked(&span, &producer));
}

#[test]
fn under_an_active_span_a_message_is_linked_and_no_child_of_its_producer() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let around = recorder.tracer("shop").span("GET /next").start();
    let span = processed(&any(), &headers, Some(&around));
    around.end();
    assert!(span.is_child_of(&recorder.take_one()));
    assert!(is_linked(&span, &producer));
}

#[test]
fn link_only_starts_a_trace_of_its_own() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let span = processed(&any().relation(Relation::LinkOnly), &headers, None);
    assert_eq!(span.parent(), None);
    assert!(is_linked(&span, &producer));
}

#[test]
fn child_only_is_a_child_under_an_active_span_too_and_links_that() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let queue = any().relation(Relation::ChildOnly);
    let alone = processed(&queue, &headers, None);
    assert!(alone.is_child_of(&producer));
    assert!(alone.links().is_empty());
    let around = recorder.tracer("shop").span("GET /next").start();
    let span = processed(&queue, &headers, Some(&around));
    around.end();
    assert!(span.is_child_of(&producer));
    assert!(is_linked(&span, &recorder.take_one()));
    assert_eq!(span.links().len(), 1);
}

#[test]
fn baggage_arrives_with_one_message_and_counts_before_what_is_around() {
    let recorder = SpanRecorder::new();
    let (headers, _) = sent(&recorder);
    for relation in [Relation::Follow, Relation::LinkOnly, Relation::ChildOnly] {
        let queue = QueueTracer::new(recorder.tracer("billing")).relation(relation);
        let around = Baggage::new().with("tier", "none").with("zone", "eu");
        Context::new().with_baggage(around).scope(|| {
            let active = queue.start_process(&process(), &queue.extract(&headers));
            let baggage = active.context().baggage();
            assert_eq!(baggage.get("tier"), Some("gold"), "{relation:?}");
            assert_eq!(baggage.get("zone"), Some("eu"), "{relation:?}");
        });
    }
    recorder.ignore();
}

#[test]
fn whoever_is_believed_and_whoever_is_active_is_always_related_and_nobody_else() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let none = ByteHeaders::default();
    for relation in [Relation::Follow, Relation::LinkOnly, Relation::ChildOnly] {
        for trust in [
            Trust::Continue,
            Trust::ContinueWithoutSampling,
            Trust::Ignore,
            Trust::NewRootWithLink,
        ] {
            for (headers, is_active) in [
                (&headers, false),
                (&headers, true),
                (&none, false),
                (&none, true),
            ] {
                let case = format!("{relation:?} {trust:?} {is_active} {headers:?}");
                let around = recorder.tracer("shop").span("around").start();
                let queue = any().relation(relation).trust(trust);
                let span = processed(&queue, headers, is_active.then_some(&around));
                around.end();
                let around = recorder.take_one();
                let is_related = |to| span.is_child_of(to) || is_linked(&span, to);
                let believed = trust != Trust::Ignore && headers != &none;
                assert_eq!(is_related(&producer), believed, "{case}");
                assert_eq!(is_related(&around), is_active, "{case}");
                assert!(span.links().len() <= 1, "{case}");
                let is_root = span.parent().is_none();
                assert!(!(is_active && is_root), "{case}");
            }
        }
    }
}

#[test]
fn a_message_without_context_is_a_trace_of_its_own() {
    let span = processed(&any(), &ByteHeaders::default(), None);
    assert_eq!(span.parent(), None);
    assert!(span.links().is_empty());
}

#[test]
fn trust_says_what_of_a_message_is_believed() {
    let recorder = SpanRecorder::new();
    let (headers, producer) = sent(&recorder);
    let ignored = processed(&any().trust(Trust::Ignore), &headers, None);
    assert_eq!(ignored.parent(), None);
    assert!(ignored.links().is_empty());
    let root = processed(&any().trust(Trust::NewRootWithLink), &headers, None);
    assert_eq!(root.parent(), None);
    assert!(is_linked(&root, &producer));
    let continued = processed(&any().trust(Trust::ContinueWithoutSampling), &headers, None);
    assert!(continued.is_child_of(&producer));
}

#[test]
fn a_flag_that_is_not_believed_does_not_force_recording() {
    let recorder = SpanRecorder::new();
    let (headers, _) = sent(&recorder);
    let sampler = || ParentBased::new(AlwaysOff);
    let tracer = recorder
        .tracer_builder("billing")
        .sampler(sampler())
        .build();
    let queue = QueueTracer::new(tracer);
    for (trust, open) in [
        (Trust::Continue, true),
        (Trust::ContinueWithoutSampling, false),
        (Trust::NewRootWithLink, false),
        (Trust::Ignore, false),
    ] {
        let queue = queue.clone().trust(trust);
        let active = queue.start_process(&process(), &queue.extract(&headers));
        assert_eq!(active.is_open(), open, "{trust:?}");
        let baggage = active.context().baggage().get("tier");
        assert_eq!(baggage.is_some(), trust == Trust::Continue, "{trust:?}");
    }
    recorder.ignore();
}

#[test]
fn a_context_in_a_message_is_respected() {
    let recorder = SpanRecorder::new();
    let (mut headers, made) = sent(&recorder);
    let before = headers.clone();
    let queue = QueueTracer::new(recorder.tracer("relay"));
    queue.start_send(&send(), &mut headers).end_with(|_| {});
    assert_eq!(headers, before);
    let span = recorder.take_one();
    assert_eq!(span.kind(), SpanKind::Client);
    assert!(is_linked(&span, &made));
}

#[test]
fn a_context_in_a_message_can_be_replaced() {
    let recorder = SpanRecorder::new();
    let (mut headers, made) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer("relay")).existing(Existing::Replace);
    queue.start_send(&send(), &mut headers).end_with(|_| {});
    let span = recorder.take_one();
    assert_eq!(span.kind(), SpanKind::Producer);
    assert!(!is_linked(&span, &made));
    let origin = queue.extract(&headers);
    assert_eq!(
        origin.cause().map(SpanContext::span_id),
        Some(span.span_id())
    );
}

#[test]
fn a_batch_is_linked_to_every_message_and_says_of_each_what_it_knows() {
    let recorder = SpanRecorder::new();
    let (first, one) = sent(&recorder);
    let (second, two) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer("billing"));
    let origins = [&first, &second, &ByteHeaders::default()].map(|headers| queue.extract(headers));
    let mut operation = process();
    operation.batch = Some(3);
    let messages = origins.iter().zip(40..).map(|(origin, offset)| {
        let message = Message {
            offset: Some(offset),
            ..Message::default()
        };
        (origin, message)
    });
    let mut active = queue.start_process_batch(&operation, messages);
    assert!(active.context().baggage().is_empty());
    active.end_with(|_| {});
    let span = recorder.take_one();
    assert_eq!(span.parent(), None);
    assert_eq!(span.int("messaging.batch.message_count"), 3);
    span.assert_absent("kafka.offset");
    assert!(is_linked(&span, &one) && is_linked(&span, &two));
    assert_eq!(span.links().len(), 2);
    assert_eq!(offset_of(&span.links()[1]), Some(41));
}

#[test]
fn links_over_the_limit_are_counted() {
    let recorder = SpanRecorder::new();
    let (headers, _) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer("billing"));
    let origin = queue.extract(&headers);
    let mut operation = process();
    operation.batch = Some(1000);
    let messages = (0..1000).map(|_| (&origin, Message::default()));
    queue
        .start_process_batch(&operation, messages)
        .end_with(|_| {});
    let span = recorder.take_one();
    assert_eq!(span.links().len(), 128);
    assert_eq!(span.dropped_links(), 872);
}

#[test]
fn a_batch_of_made_messages_is_sent_by_a_client_span_that_links_them() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let create = Operation::create("kafka", "create", ORDERS);
    let made: Vec<_> = (0..2)
        .map(|_| {
            let mut headers = ByteHeaders::default();
            queue.start_create(&create, &mut headers).end_with(|_| {});
            queue.extract(&headers).cause().cloned().unwrap()
        })
        .collect();
    let created = recorder.take();
    let mut operation = send();
    operation.batch = Some(2);
    queue.start_send_of(&operation, made).end_with(|_| {});
    let span = recorder.take_one();
    assert_eq!(span.kind(), SpanKind::Client);
    assert!(created.iter().all(|create| is_linked(&span, create)));
}

#[test]
fn what_is_not_recorded_travels_all_the_same() {
    let recorder = SpanRecorder::new();
    let off = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    for tracer in [off, Tracer::noop()] {
        let queue = QueueTracer::new(tracer);
        let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let mut came = ByteHeaders::default();
        came.push("traceparent", Some(caller));
        let origin = queue.extract(&came);
        let active = queue.start_process(&process(), &origin);
        active.context().scope(|| {
            let mut headers = ByteHeaders::default();
            let _sending = queue.start_send(&send(), &mut headers);
            let origin = queue.extract(&headers);
            let trace = origin.cause().map(|cause| cause.trace_id().to_string());
            assert_eq!(trace.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        });
    }
    recorder.assert_nothing();
}

#[test]
fn work_of_telemetry_is_not_recorded() {
    let recorder = SpanRecorder::new();
    let (headers, _) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer("billing"));
    Context::new().suppressed().scope(|| {
        let active = queue.start_process(&process(), &queue.extract(&headers));
        assert!(!active.is_open() && active.context().is_suppressed());
    });
    recorder.assert_nothing();
}

#[test]
fn samplers_see_name_destination_and_links() {
    #[derive(Debug)]
    struct Seen;
    impl Sampler for Seen {
        fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
            assert_eq!(input.name(), "process orders");
            let destination = input.attributes.get("messaging.destination.name");
            assert_eq!(destination, Some(ValueRef::Str("orders")));
            assert_eq!(input.links.len(), 1);
            AlwaysOn.sample(input)
        }
        fn description(&self) -> std::borrow::Cow<'static, str> {
            "Seen".into()
        }
    }
    let recorder = SpanRecorder::new();
    let (headers, _) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer_builder("billing").sampler(Seen).build());
    queue
        .start_process(&process(), &queue.extract(&headers))
        .end_with(|_| {});
    assert_eq!(recorder.take_one().name(), "process orders");
}

#[test]
fn settings_say_what_else_is_recorded() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).server("kafka.internal", 9092);
    queue.start_send_of(&send(), []).end_with(|_| {});
    let span = recorder.take_one();
    assert_eq!(span.str("server.address"), "kafka.internal");
    assert_eq!(span.int("server.port"), 9092);
    assert_eq!(span.scope().name, "queue-trace");
}

fn offset_of(link: &Link) -> Option<i64> {
    match link.attributes.get("kafka.offset") {
        Some(ValueRef::I64(offset)) => Some(offset),
        _ => None,
    }
}

#[test]
fn the_broker_is_known_to_samplers_though_nothing_is_prepared() {
    #[derive(Debug)]
    struct Asks;

    impl Sampler for Asks {
        fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
            let address = input.attributes.get("server.address");
            assert_eq!(address, Some(ValueRef::Str("broker-1")));
            let port = input.attributes.get("server.port");
            assert_eq!(port, Some(ValueRef::I64(9092)));
            AlwaysOn.sample(input)
        }

        fn description(&self) -> std::borrow::Cow<'static, str> {
            "Asks".into()
        }
    }

    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer_builder("shop").sampler(Asks).build();
    let queue = QueueTracer::new(tracer).server("broker-1", 9092);
    queue.start_send_of(&send(), []).end_with(|_| {});
    queue
        .start_process(&process(), &Origin::unknown())
        .end_with(|_| {});
    for span in recorder.take() {
        assert_eq!(span.str("server.address"), "broker-1");
        assert_eq!(span.int("server.port"), 9092);
    }
}

#[test]
fn a_pull_of_messages_that_were_not_recorded_asks_no_sampler() {
    let recorder = SpanRecorder::new();
    let off = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    let mut unsampled = ByteHeaders::default();
    let producer = QueueTracer::new(off);
    producer
        .start_send(&send(), &mut unsampled)
        .end_with(|_| {});
    let (sampled, _) = sent(&recorder);
    let queue = QueueTracer::new(recorder.tracer("billing"));
    let poll = Operation::receive("kafka", "poll", ORDERS);
    let mut batch = poll.clone();
    batch.batch = Some(2);
    let pulled = |queue: &QueueTracer, operation: &Operation<'_>, all: &[&ByteHeaders]| {
        let origins: Vec<_> = all.iter().map(|headers| queue.extract(*headers)).collect();
        let messages = origins.iter().map(|origin| (origin, Message::default()));
        queue.start_receive(operation, messages).end_with(|_| {});
        recorder.take().len()
    };
    let nothing = ByteHeaders::default();
    assert_eq!(pulled(&queue, &poll, &[&unsampled]), 0);
    assert_eq!(pulled(&queue, &batch, &[&unsampled, &unsampled]), 0);
    assert_eq!(pulled(&queue, &batch, &[&unsampled, &sampled]), 1);
    assert_eq!(pulled(&queue, &batch, &[&unsampled, &nothing]), 1);
    assert_eq!(pulled(&queue, &batch, &[]), 1);
    // Who is believed less decides nothing here, and a span that is active is what the pull belongs to.
    let less = queue.clone().trust(Trust::NewRootWithLink);
    assert_eq!(pulled(&less, &poll, &[&unsampled]), 1);
    let around = recorder.tracer("billing").span("round").start();
    around
        .context()
        .scope(|| assert_eq!(pulled(&queue, &poll, &[&unsampled]), 1));
    around.end();
    let _around = recorder.take_one();
}

#[test]
fn baggage_of_the_users_own_travels_beside_the_context_of_the_send_span() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let around = Context::new()
        .with_baggage_entry("tier", "silver")
        .with_baggage_entry("shop", "north");
    for (existing, tier, tenant) in [
        (Existing::Respect, "gold", Some("7")),
        (Existing::Replace, "silver", None),
    ] {
        let mut headers = ByteHeaders::default();
        headers.push("baggage", Some("tenant=7,tier=gold"));
        let queue = queue.clone().existing(existing);
        around.scope(|| queue.start_send(&send(), &mut headers).end_with(|_| {}));
        let sent = recorder.take_one();
        assert_eq!(sent.kind(), SpanKind::Producer);
        let origin = queue.extract(&headers);
        assert_eq!(origin.cause().unwrap().span_id(), sent.span_id());
        let baggage = origin.rest.baggage();
        assert_eq!(baggage.get("tier"), Some(tier));
        assert_eq!(baggage.get("shop"), Some("north"));
        assert_eq!(baggage.get("tenant"), tenant);
    }
}

#[test]
fn a_context_that_is_replaced_leaves_nothing_in_another_form_of_its_format() {
    let recorder = SpanRecorder::new();
    let stale = |headers: &mut ByteHeaders| {
        headers.push(
            "b3",
            Some("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"),
        );
        headers.push("X-B3-TraceId", Some("80f198ee56343ba864fe8b2a57d3eff7"));
        headers.push("X-B3-SpanId", Some("e457b5a2e4d86bd1"));
        headers.push("X-B3-ParentSpanId", Some("05e3ac9a4f6e3b90"));
        headers.push("X-B3-Sampled", Some("1"));
    };
    for propagator in [B3::single(), B3::multi()] {
        let tracer = recorder.tracer_builder("shop").propagator(propagator);
        let queue = QueueTracer::new(tracer.build()).existing(Existing::Replace);
        let mut headers = ByteHeaders::default();
        stale(&mut headers);
        queue.start_send(&send(), &mut headers).end_with(|_| {});
        let sent = recorder.take_one();
        let ours = sent.trace_id().to_string();
        let text = format!("{headers:?}");
        assert!(!text.contains("80f198"), "{text}");
        let origin = queue.extract(&headers);
        assert_eq!(origin.cause().unwrap().trace_id().to_string(), ours);
        queue.remove(&mut headers);
        assert_eq!(headers.iter().count(), 0);
    }
}
