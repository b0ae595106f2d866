//! Those who are told of every call, recorded or not.

use futures_util::StreamExt as _;
use grpc_trace::{ClientTraceLayer, TraceLayer};
use tonic::Code;
use trace_testkit::{ExchangeRecorder, RecordedExchange, SpanRecorder};
use tracing_core_ctx::attribute::Value;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::{Context, SpanKind};

use crate::greeter::proto::greeter_client::GreeterClient;
use crate::greeter::proto::{FailRequest, StreamRequest};
use crate::greeter::{LIMIT, hello, serve};

/// Waits until both sides have ended, and gives the client's exchange and the server's.
async fn both(exchanges: &ExchangeRecorder) -> [RecordedExchange; 2] {
    let mut told = Vec::new();
    let wait = async {
        while told.len() < 2 {
            told.append(&mut exchanges.take());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap();
    assert_eq!(exchanges.open(), 0);
    told.sort_by_key(|exchange| exchange.kind != SpanKind::Client);
    told.try_into().unwrap()
}

fn end<'a>(exchange: &'a RecordedExchange, key: &str) -> Option<&'a Value> {
    exchange.end.get(key)
}

#[tokio::test]
async fn every_call_is_told_on_both_sides_sampled_or_not() {
    for sampled in [true, false] {
        let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
        let tracer = recorder.tracer_builder("shop");
        let tracer = if sampled {
            tracer.build()
        } else {
            tracer.sampler(AlwaysOff).build()
        };
        let layer = TraceLayer::new(tracer.clone())
            .observe(exchanges.clone())
            .count_messages(true);
        let served = serve(&tracer, layer).await;
        let channel = ClientTraceLayer::new(tracer)
            .observe(exchanges.clone())
            .count_messages(true)
            .connect_lazy(&served.endpoint());
        let mut client = GreeterClient::new(channel);

        client.say_hello(hello("Ann")).await.unwrap();
        let [outer, inner] = both(&exchanges).await;
        for exchange in [&outer, &inner] {
            let method = "accept.greeter.v1.Greeter/SayHello";
            assert_eq!(exchange.start["rpc.system.name"], "grpc".into());
            assert_eq!(exchange.start["rpc.method"], method.into());
            assert_eq!(end(exchange, "rpc.status_code"), Some(&"OK".into()));
            assert_eq!(end(exchange, "error.type"), None);
            assert_eq!(exchange.span.is_some(), sampled);
        }
        assert_eq!(outer.start["server.address"], "127.0.0.1".into());

        // What is the caller's fault is an error of the client alone.
        let request = FailRequest {
            code: Code::NotFound as u32,
            ..FailRequest::default()
        };
        let status = client.fail(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let [outer, inner] = both(&exchanges).await;
        for exchange in [&outer, &inner] {
            assert_eq!(end(exchange, "rpc.status_code"), Some(&"NOT_FOUND".into()));
        }
        assert_eq!(end(&outer, "error.type"), Some(&"NOT_FOUND".into()));
        assert_eq!(end(&inner, "error.type"), None);

        // A stream that is dropped half way.
        let request = StreamRequest {
            name: "endless".to_owned(),
            count: 1,
        };
        let mut replies = client.stream_hello(request).await.unwrap().into_inner();
        assert!(replies.next().await.unwrap().is_ok());
        assert_eq!(exchanges.open(), 2);
        drop(replies);
        let [outer, inner] = both(&exchanges).await;
        for exchange in [&outer, &inner] {
            assert_eq!(end(exchange, "rpc.status_code"), Some(&"CANCELLED".into()));
        }
        recorder.ignore();
    }
}

#[tokio::test]
async fn calls_below_a_call_that_is_filtered_out_are_told_and_telemetrys_own_are_not() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let tracer = recorder.tracer("shop");
    let served = serve(&tracer, TraceLayer::new(tracer.clone()).filter(|_| false)).await;
    let channel = ClientTraceLayer::new(tracer.clone())
        .hear_callees(true)
        .observe(exchanges.clone())
        .connect_lazy(&served.endpoint());
    let mut client = GreeterClient::new(channel);
    let around = tracer.span("around").start();
    for context in [Context::new(), around.context()] {
        let call = client.say_hello(hello("Ann"));
        call.with_context(context.untraced()).await.unwrap();
        let told = exchanges.take_one();
        assert_eq!(end(&told, "rpc.status_code"), Some(&"OK".into()));
        assert!(told.span.is_none());
    }
    let call = client.say_hello(hello("Ann"));
    call.with_context(Context::new().suppressed())
        .await
        .unwrap();
    assert_eq!((exchanges.open(), exchanges.take().len()), (0, 0));
    around.end();
    recorder.take_one().assert_attributes(&[]);
}
