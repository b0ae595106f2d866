use tracing_core_ctx::span::Link;
use tracing_core_ctx::{Context, IdGenerator, Relation, SpanContext, SpanId, TraceFlags, TraceId};

use super::*;
use crate::SpanRecorder;

fn elsewhere(trace: u128, span: u64) -> SpanContext {
    SpanContext::new(
        TraceId::from_u128(trace).unwrap(),
        SpanId::from_u64(span).unwrap(),
        TraceFlags::SAMPLED,
    )
}

#[test]
fn siblings_stand_in_the_order_of_their_start_and_then_of_their_id() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let root = tracer.span("root").start();
    let [first, second] =
        ["first", "second"].map(|name| tracer.span(name).parent(&root.context()).start());
    recorder.clock().advance(Duration::from_micros(1500));
    let third = tracer.span("third").parent(&root.context()).start();
    // Ended in another order than they started.
    third.end();
    root.end();
    second.end();
    first.end();
    assert_eq!(
        render(&recorder.take()),
        "internal root  0ms +1.5ms\n  \
           internal first  0ms +1.5ms\n  \
           internal second  0ms +1.5ms\n  \
           internal third  1.5ms +0ms\n"
    );
}

#[test]
fn a_parent_that_is_not_there_is_said_to_be_missing_or_remote() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let caller = Context::new().with_remote_span(elsewhere(7, 0xabc).with_remote(true));
    let server = tracer.span("server").parent(&caller).start();
    let child = tracer.span("child").parent(&server.context()).start();
    child.end();
    assert_eq!(
        render(&recorder.take()),
        "internal child  0ms +0ms  parent #1 missing\n"
    );
    server.end();
    assert_eq!(
        render(&recorder.take()),
        "internal server  0ms +0ms  remote parent #abc\n"
    );
}

#[test]
fn several_traces_and_services_are_told_apart_and_links_say_where_they_lead() {
    let recorder = SpanRecorder::new();
    let (shop, mail) = (recorder.tracer("shop"), recorder.tracer("mail"));
    let send = shop.span("send orders").kind(SpanKind::Producer).start();
    let cause = send.span_context().unwrap().clone();
    let server = shop.span("late").start();
    send.end();
    recorder.clock().advance(Duration::from_millis(2));
    let mut unknown = Link::new(elsewhere(99, 0x17));
    unknown.attributes.set("messaging.message.id", "m1");
    let process = mail
        .span("process orders")
        .kind(SpanKind::Consumer)
        .relation(Relation::FollowsFrom(cause))
        .link(unknown)
        .start();
    process.end();
    server.end();
    assert_eq!(
        render(&recorder.take()),
        "trace 1\n\
         shop: producer send orders  0ms +0ms\n\
         trace 2\n\
         shop: internal late  0ms +2ms\n\
         trace 3\n\
         mail: consumer process orders  0ms +0ms\n    \
             follows send orders of trace 1\n    \
             follows #17 of another trace { messaging.message.id = \"m1\" }\n"
    );
}

#[test]
fn spans_that_are_each_others_parents_are_drawn_once_each() {
    #[derive(Debug)]
    struct Same;

    impl IdGenerator for Same {
        fn trace_id(&self) -> TraceId {
            TraceId::from_u128(1).unwrap()
        }

        fn span_id(&self) -> SpanId {
            SpanId::from_u64(1).unwrap()
        }
    }

    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer_builder("shop").id_generator(Same).build();
    let root = tracer.span("root").start();
    tracer.span("child").parent(&root.context()).start().end();
    let spans = recorder.take();
    assert_eq!(
        render(&spans),
        "internal child  0ms +0ms  parent #1 missing\n"
    );
    drop(root);
    recorder.ignore();
}
