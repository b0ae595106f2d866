//! Those who are told of every exchange, recorded or not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::Empty;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_trace::{ClientTraceLayer, PeerAddr, Templates, TraceLayer};
use trace_testkit::http::TestBody;
use trace_testkit::{ExchangeRecorder, SpanRecorder};
use tracing_core_ctx::attribute::Value;
use tracing_core_ctx::observer::{Ended, ExchangeObserver, ObservedExchange, Started};
use tracing_core_ctx::sampler::{AlwaysOff, Sampler, Sampling, SamplingInput};
use tracing_core_ctx::{Context, SpanKind, Tracer};

use crate::outcome::Outcome;
use crate::support::{BoxError, hello, now, read_to_end};

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn request(traceparent: &str) -> Request<()> {
    Request::get("/users/7?page=2")
        .header("host", "shop.example:8080")
        .header("traceparent", traceparent)
        .body(())
        .unwrap()
}

fn attributes<const N: usize>(
    attributes: [(&'static str, Value); N],
) -> BTreeMap<&'static str, Value> {
    attributes.into()
}

#[test]
fn every_request_is_told_sampled_or_not_and_also_if_nobody_takes_spans() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    for (tracer, traceparent, is_sampled) in [
        (recorder.tracer("shop"), SAMPLED, true),
        (recorder.tracer("shop"), UNSAMPLED, false),
        (Tracer::noop(), SAMPLED, false),
    ] {
        let layer = TraceLayer::new(tracer)
            .templates(Templates::new(["/users/{id}"]).unwrap())
            .observe(exchanges.clone());
        let mut service = layer.layer(service_fn(hello));
        read_to_end(now(service.call(request(traceparent))).unwrap().into_body()).unwrap();

        let told = exchanges.take_one();
        assert_eq!(told.kind, SpanKind::Server);
        assert_eq!(told.start["http.route"], "/users/{id}".into());
        assert_eq!(told.start["http.request.method"], "GET".into());
        assert_eq!(told.start["url.scheme"], "http".into());
        assert_eq!(told.start["network.protocol.version"], "1.1".into());
        assert_eq!(
            told.end,
            attributes([("http.response.status_code", 200.into())])
        );
        assert_eq!(told.span.is_some(), is_sampled);
        if is_sampled {
            let span = recorder.take_one();
            assert_eq!(told.duration, span.duration());
            assert_eq!(told.span.unwrap().span_id(), span.span_id());
        }
    }
}

#[test]
fn a_request_that_is_sent_is_told_with_whom_it_asks_and_what_came_back() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    for sampled in [true, false] {
        let tracer = recorder.tracer_builder("shop");
        let tracer = if sampled {
            tracer
        } else {
            tracer.sampler(AlwaysOff)
        };
        let layer = ClientTraceLayer::new(tracer.build()).observe(exchanges.clone());
        let client = layer.layer(service_fn(|_: Request<()>| async {
            let mut response = Response::new(TestBody::new().data("no"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            *response.version_mut() = Version::HTTP_2;
            Ok::<_, BoxError>(response)
        }));
        let request = Request::post("https://api.example/users/7")
            .body(())
            .unwrap();
        read_to_end(now(client.oneshot(request)).unwrap().into_body()).unwrap();

        let told = exchanges.take_one();
        assert_eq!(told.kind, SpanKind::Client);
        assert_eq!(told.start["http.request.method"], "POST".into());
        assert_eq!(told.start["server.address"], "api.example".into());
        assert_eq!(told.start["server.port"], 443.into());
        assert_eq!(
            told.end,
            attributes([
                ("error.type", "404".into()),
                ("http.response.status_code", 404.into()),
                ("network.protocol.version", "2".into()),
            ])
        );
        assert_eq!(told.span.is_some(), sampled);
    }
    let _ = recorder.take_one();
}

#[test]
fn whatever_ends_an_exchange_it_ends_once_recorded_or_not() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    for sampled in [true, false] {
        for (outcome, status, error) in [
            (Outcome::BodyError, Some(200), Some("TestError")),
            (Outcome::Complete, Some(200), None),
            (Outcome::DroppedBeforeHead, None, None),
            (Outcome::DroppedInBody, Some(200), None),
            (Outcome::Panic, None, Some("panic")),
            (
                Outcome::ServiceError(io::ErrorKind::ConnectionRefused),
                None,
                Some("connection_refused"),
            ),
        ] {
            let layer = TraceLayer::new(recorder.tracer("shop")).observe(exchanges.clone());
            let handler = service_fn(move |_: Request<()>| outcome.answer(Response::builder()));
            let mut service = layer.layer(handler);
            outcome.call(
                &mut service,
                request(if sampled { SAMPLED } else { UNSAMPLED }),
            );

            let told = exchanges.take_one();
            let told_status = told.end.get("http.response.status_code");
            assert_eq!(told_status, status.map(Value::from).as_ref(), "{outcome:?}");
            let told_error = told.end.get("error.type");
            assert_eq!(told_error, error.map(Value::from).as_ref(), "{outcome:?}");
            assert_eq!(recorder.take().len(), usize::from(sampled));
        }
    }
}

/// A span says what the application said of an error, which may be of any number.
#[test]
fn what_the_application_says_of_an_error_is_for_the_span_alone() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let layer = TraceLayer::new(recorder.tracer("shop")).observe(exchanges.clone());
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Context::current().span().set("error.type", "no item 7");
        let answer = Response::builder().status(503).body(Empty::<Bytes>::new());
        Ok::<_, BoxError>(answer?)
    }));
    drop(now(service.call(request(SAMPLED))).unwrap());
    assert_eq!(exchanges.take_one().end["error.type"], "503".into());
    assert_eq!(recorder.take_one().str("error.type"), "no item 7");
}

#[test]
fn what_is_filtered_out_or_sent_by_telemetry_is_not_told() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .filter(|request| request.uri.path() != "/users/7")
        .observe(exchanges.clone());
    read_to_end(
        now(layer.layer(service_fn(hello)).call(request(SAMPLED)))
            .unwrap()
            .into_body(),
    )
    .unwrap();
    let layer = ClientTraceLayer::new(recorder.tracer("shop")).observe(exchanges.clone());
    let _suppressed = Context::new().suppressed().attach();
    read_to_end(
        now(layer.layer(service_fn(hello)).call(request(SAMPLED)))
            .unwrap()
            .into_body(),
    )
    .unwrap();
    assert_eq!((exchanges.open(), exchanges.take().len()), (0, 0));
}

#[test]
fn calls_below_a_request_that_is_filtered_out_are_told_and_leave_the_span_around_them_alone() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let tracer = recorder.tracer("shop");
    let layer = ClientTraceLayer::new(tracer.clone())
        .hear_callees(true)
        .observe(exchanges.clone());
    let mut client = layer.layer(service_fn(|request: Request<()>| async move {
        let told = request.headers().get("traceparent").cloned();
        let mut response = hello(request).await?;
        let peer = PeerAddr("[2001:db8::7]:8443".parse().unwrap());
        response.extensions_mut().insert(peer);
        if let Some(told) = told {
            response.headers_mut().insert("traceresponse", told);
        }
        Ok::<_, BoxError>(response)
    }));
    let around = tracer.span("around").start();
    for context in [Context::new(), around.context()] {
        let _scope = context.untraced().attach();
        let response = now(client.call(Request::new(()))).unwrap();
        read_to_end(response.into_body()).unwrap();
        let told = exchanges.take_one();
        assert_eq!(told.end["http.response.status_code"], 200.into());
        assert!(told.span.is_none());
    }
    around.end();
    recorder.take_one().assert_attributes(&[]);
}

#[test]
fn who_is_told_of_an_unrecorded_request_makes_no_hook_run() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (request_hook, response_hook) = (count(), count());
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .observe(exchanges.clone())
        .on_request(move |_, _| request_hook())
        .on_response(move |_, _| response_hook());
    let mut service = layer.layer(service_fn(hello));
    for (traceparent, hooks) in [(UNSAMPLED, 0), (SAMPLED, 2)] {
        read_to_end(now(service.call(request(traceparent))).unwrap().into_body()).unwrap();
        assert_eq!(ran.load(Ordering::Relaxed), hooks);
        let _ = exchanges.take_one();
    }
    let _ = recorder.take_one();
}

#[derive(Clone, Debug)]
struct Broken {
    at_start: bool,
}

impl ExchangeObserver for Broken {
    fn started(&self, _: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        assert!(!self.at_start, "as the test wants");
        Some(Box::new(self.clone()))
    }
}

impl ObservedExchange for Broken {
    fn ended(self: Box<Self>, _: &Ended<'_>) {
        panic!("as the test wants");
    }
}

#[test]
fn an_observer_that_panics_harms_neither_request_nor_span() {
    let recorder = SpanRecorder::new();
    for at_start in [true, false] {
        let layer = TraceLayer::new(recorder.tracer("shop")).observe(Broken { at_start });
        let mut service = layer.layer(service_fn(hello));
        read_to_end(now(service.call(request(SAMPLED))).unwrap().into_body()).unwrap();
        recorder.take_one().assert_unset();
    }
}

#[derive(Debug)]
struct Panics;

impl Sampler for Panics {
    fn sample(&self, _: &SamplingInput<'_>) -> Sampling {
        panic::resume_unwind(Box::new("broken"))
    }

    fn description(&self) -> Cow<'static, str> {
        "Panics".into()
    }
}

#[test]
fn who_was_told_of_a_start_is_told_of_the_end_also_if_the_sampler_panics() {
    let exchanges = ExchangeRecorder::default();
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer_builder("shop").sampler(Panics).build();
    let server = TraceLayer::new(tracer.clone()).observe(exchanges.clone());
    let client = ClientTraceLayer::new(tracer).observe(exchanges.clone());
    let calls: [Box<dyn FnOnce()>; 2] = [
        Box::new(|| drop(server.layer(service_fn(hello)).call(request(UNSAMPLED)))),
        Box::new(|| drop(client.layer(service_fn(hello)).call(request(UNSAMPLED)))),
    ];
    for call in calls {
        drop(panic::catch_unwind(AssertUnwindSafe(call)));
        let told = exchanges.take_one();
        assert_eq!(told.end, attributes([("error.type", "panic".into())]));
        assert_eq!((told.span, exchanges.open()), (None, 0));
    }
}
