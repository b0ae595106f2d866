//! What is sent along: the context of the client span, in place of whatever was there.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::{HeaderMap, HeaderValue};
use http::{Request, Response};
use tower_service::Service as _;
use tracing_core_ctx::propagation::TraceContext;
use tracing_core_ctx::{Baggage, Context, SpanContext};

use super::{HttpClient, connect, get};
use crate::RecordedSpan;
use crate::http::call::{CALLER_SPAN, CALLER_TRACE, Stage, UNSAMPLED_CALLER, ready};
use crate::http::conventions::assert_went_well;
use crate::http::side::bare_request;
use crate::http::{TestBody, Wish};

/// A client whose peer keeps the headers of the last request.
fn listening<H: HttpClient>() -> (Stage, Heard) {
    let heard = Heard::default();
    let ears = heard.clone();
    let stage = connect::<H, _, _>(move |request| {
        ears.hear(request.headers());
        async { Ok(Response::new(TestBody::empty())) }
    });
    (stage, heard)
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<HeaderMap>>);

impl Heard {
    fn hear(&self, headers: &HeaderMap) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = headers.clone();
    }

    fn all(&self, name: &str) -> Vec<String> {
        let headers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    #[track_caller]
    fn traceparent(&self) -> String {
        match <[String; 1]>::try_from(self.all("traceparent")) {
            Ok([one]) => one,
            Err(values) => panic!("expected one traceparent, got {values:?}"),
        }
    }
}

/// Calls while `cx` is current, and finishes the exchange where it is not.
async fn call_in(stage: &mut Stage, cx: &Context, request: Request<TestBody>) {
    ready(&mut stage.service).await;
    let exchange = cx.scope(|| stage.service.call(request));
    match exchange.await {
        Ok(response) => drop(response),
        Err(error) => panic!("no answer: {error}"),
    }
}

fn traceparent(span: &RecordedSpan) -> String {
    TraceContext::traceparent(span.span_context())
}

fn remote(traceparent: &str) -> SpanContext {
    TraceContext::parse_traceparent(traceparent.as_bytes())
        .expect("a traceparent")
        .with_remote(true)
}

/// The peer is told of the client span, not of its parent.
pub async fn the_span_is_sent_along<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let parent = stage.tracer.span("parent").start();
    call_in(&mut stage, &parent.context(), get::<H>("/")).await;
    let span = stage.recorder.take_one();
    assert_eq!(heard.traceparent(), traceparent(&span));
    assert_eq!(
        heard.all("tracestate"),
        [""; 0],
        "an empty `tracestate` was sent"
    );
    parent.end();
    drop(stage.span());
}

/// A request that is a copy of one received, or is sent again, brings headers along: they are replaced and not added to.
pub async fn stale_headers_are_replaced<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let mut request = get::<H>("/");
    for (name, value) in [
        (
            "traceparent",
            "00-af92f3577b34da6a3ce929d0e0e4736b-00f067aa0ba902b8-01",
        ),
        (
            "traceparent",
            "00-bf92f3577b34da6a3ce929d0e0e4736b-00f067aa0ba902b9-01",
        ),
        ("tracestate", "stale=1"),
        ("tracestate", "stale=2"),
        ("baggage", "stale=1"),
    ] {
        request
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
    }
    let cx = Context::new().with_baggage(Baggage::new().with("user.tier", "gold"));
    call_in(&mut stage, &cx, request).await;
    let span = stage.span();
    assert_eq!(heard.traceparent(), traceparent(&span));
    assert_eq!(
        heard.all("tracestate"),
        [""; 0],
        "the `tracestate` of another trace was sent"
    );
    assert_eq!(heard.all("baggage"), ["user.tier=gold"]);
}

/// What is called is below what calls.
pub async fn the_current_span_is_the_parent<H: HttpClient>() {
    let (mut stage, _) = listening::<H>();
    let parent = stage.tracer.span("parent").start();
    call_in(&mut stage, &parent.context(), get::<H>("/")).await;
    parent.end();
    let spans = stage.recorder.take();
    assert_eq!(spans.len(), 2);
    assert!(
        spans[0].is_child_of(&spans[1]),
        "got\n{}",
        crate::render(&spans)
    );
}

/// No current span, no parent.
pub async fn a_call_without_a_parent_starts_a_trace<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    stage.exchange(get::<H>("/")).await;
    let span = stage.span();
    assert_eq!(span.parent(), None);
    assert_eq!(heard.traceparent(), traceparent(&span));
    assert!(span.span_context().is_sampled());
}

/// One call is not below another, also when they overlap.
pub async fn calls_from_one_place_are_siblings<H: HttpClient>() {
    let (mut stage, _) = listening::<H>();
    let parent = stage.tracer.span("parent").start();
    let cx = parent.context();
    ready(&mut stage.service).await;
    let first = cx.scope(|| stage.service.call(get::<H>("/first")));
    ready(&mut stage.service).await;
    let second = cx.scope(|| stage.service.call(get::<H>("/second")));
    drop(second.await.map(drop));
    drop(first.await.map(drop));
    let id = parent.span_context().map(SpanContext::span_id);
    let spans = stage.recorder.take();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert_eq!(span.parent(), id);
    }
    parent.end();
    drop(stage.span());
}

/// Where the future is polled does not matter: a `join` or a pool may do that.
pub async fn the_parent_is_the_span_that_was_current_in_call<H: HttpClient>() {
    let (mut stage, _) = listening::<H>();
    let [parent, other] = ["parent", "other"].map(|name| stage.tracer.span(name).start());
    ready(&mut stage.service).await;
    let mut exchange = parent.context().scope(|| stage.service.call(get::<H>("/")));
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = other.context().scope(|| exchange.as_mut().poll(&mut task));
    assert!(polled.is_ready());
    drop((exchange, polled));
    let span = stage.recorder.take_one();
    assert_eq!(
        span.parent(),
        parent.span_context().map(SpanContext::span_id)
    );
    drop((parent, other));
    assert_eq!(stage.recorder.take().len(), 2);
}

/// Not recording is no reason to cut the trace: others learn that they need not record either.
pub async fn an_unsampled_parent_is_not_recorded_and_is_sent_along<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let cx = Context::new()
        .with_remote_span(remote(UNSAMPLED_CALLER))
        .with_baggage(Baggage::new().with("user.tier", "gold"));
    call_in(&mut stage, &cx, get::<H>("/")).await;
    stage.recorder.assert_nothing();
    let sent = remote(&heard.traceparent());
    assert_eq!(sent.trace_id().to_string(), CALLER_TRACE);
    assert!(!sent.is_sampled(), "the sampled flag was raised");
    assert_eq!(heard.all("baggage"), ["user.tier=gold"]);
}

/// It belongs to the trace, whoever reads it.
pub async fn the_tracestate_of_the_parent_is_sent_along<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let state = "vendor=1,other=2".parse().expect("a tracestate");
    let sampled = remote(UNSAMPLED_CALLER)
        .with_sampled(true)
        .with_trace_state(state);
    call_in(
        &mut stage,
        &Context::new().with_remote_span(sampled),
        get::<H>("/"),
    )
    .await;
    let span = stage.span();
    assert_eq!(span.trace_id().to_string(), CALLER_TRACE);
    assert_eq!(heard.all("tracestate"), ["vendor=1,other=2"]);
}

/// It says something about the trace id, which does not change on the way.
pub async fn the_random_flag_is_sent_along<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let random = remote(&format!("00-{CALLER_TRACE}-{CALLER_SPAN}-03"));
    call_in(
        &mut stage,
        &Context::new().with_remote_span(random),
        get::<H>("/"),
    )
    .await;
    drop(stage.span());
    assert!(
        heard.traceparent().ends_with("-03"),
        "sent {}",
        heard.traceparent()
    );
}

/// It travels with the request, with or without a span.
pub async fn baggage_is_sent_along<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let cx = Context::new().with_baggage(Baggage::new().with("user.tier", "gold"));
    call_in(&mut stage, &cx, get::<H>("/")).await;
    drop(stage.span());
    assert_eq!(heard.all("baggage"), ["user.tier=gold"]);
}

/// Baggage can hold anything; a header cannot.
pub async fn unprintable_baggage_does_not_hurt_the_request<H: HttpClient>() {
    let (mut stage, heard) = listening::<H>();
    let baggage = Baggage::new()
        .with("line", "one\r\nset-cookie: forged=1")
        .with("nul", "\0\u{7f}")
        .with("text", "schön, sehr; \"schön\"")
        .with("bad name\n", "1")
        .with("huge", "x".repeat(100_000));
    call_in(
        &mut stage,
        &Context::new().with_baggage(baggage),
        get::<H>("/"),
    )
    .await;
    let span = stage.span();
    assert_went_well(&span);
    assert_eq!(heard.traceparent(), traceparent(&span));
    assert_eq!(heard.all("set-cookie"), [""; 0]);
    for header in heard.all("baggage") {
        assert!(
            header.len() <= 8192,
            "{} bytes of baggage were sent",
            header.len()
        );
        assert!(
            header.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "sent {header:?}"
        );
    }
}

/// An exporter that is itself traced would never come to rest.
pub async fn telemetrys_own_calls_are_not_recorded<H: HttpClient>() {
    let (mut stage, _) = listening::<H>();
    call_in(&mut stage, &Context::new().suppressed(), get::<H>("/")).await;
    stage.recorder.assert_nothing();
}

/// Ids and baggage are not for everybody.
pub async fn hosts_that_are_not_listed_are_told_nothing<H: HttpClient>() {
    for (host, is_listed) in [("shop.example", true), ("other.example", false)] {
        let heard = Heard::default();
        let ears = heard.clone();
        let handler = move |request: Request<TestBody>| {
            ears.hear(request.headers());
            async { Ok(Response::new(TestBody::empty())) }
        };
        let wish = Wish::SendOnlyTo(&["shop.example"]);
        let Some(mut stage) = Stage::with_wish(H::instrument_with, wish, handler) else {
            return;
        };
        let cx = Context::new().with_baggage(Baggage::new().with("user.tier", "gold"));
        let mut request = bare_request("GET", &format!("http://{host}/"));
        request.headers_mut().remove("host");
        call_in(&mut stage, &cx, request).await;
        assert_went_well(&stage.span());
        assert_eq!(
            heard.all("traceparent").len(),
            usize::from(is_listed),
            "for {host}"
        );
        assert_eq!(
            heard.all("baggage").len(),
            usize::from(is_listed),
            "for {host}"
        );
    }
}
