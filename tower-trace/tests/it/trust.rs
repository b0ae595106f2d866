//! Whom a layer believes.

use http::Request;
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::carrier::HeaderInjector;
use tower_trace::{TraceLayer, Trust};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};
use tracing_core_ctx::{Context, Tracer};

use crate::support::{hello, now, read_to_end};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn forged(sampled: bool) -> Request<()> {
    let flags = if sampled { "01" } else { "00" };
    Request::get("/")
        .header(
            "traceparent",
            format!("00-{TRACE}-00f067aa0ba902b7-{flags}"),
        )
        .header("tracestate", "evil=1")
        .header("baggage", "admin=true")
        .body(())
        .unwrap()
}

fn serve(recorder: &SpanRecorder, layer: TraceLayer, request: Request<()>) -> Vec<RecordedSpan> {
    let mut service = layer.layer(service_fn(hello));
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    recorder.take()
}

fn tracer(recorder: &SpanRecorder, keep: bool) -> Tracer {
    let builder = recorder.tracer_builder("shop");
    if keep {
        builder.sampler(ParentBased::new(AlwaysOn)).build()
    } else {
        builder.sampler(ParentBased::new(AlwaysOff)).build()
    }
}

#[test]
fn a_trusted_caller_is_continued_with_its_decision() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(tracer(&recorder, false));
    let spans = serve(&recorder, layer.clone(), forged(true));
    assert_eq!(spans[0].trace_id().to_string(), TRACE);
    assert_eq!(spans[0].span_context().trace_state().as_str(), "evil=1");
    assert!(serve(&recorder, layer, forged(false)).is_empty());
}

#[test]
fn a_flag_that_is_not_believed_neither_forces_nor_hides() {
    let recorder = SpanRecorder::new();
    let layer =
        |keep| TraceLayer::new(tracer(&recorder, keep)).trust(Trust::ContinueWithoutSampling);
    assert!(
        serve(&recorder, layer(false), forged(true)).is_empty(),
        "forced recording"
    );
    let hidden = serve(&recorder, layer(true), forged(false));
    assert_eq!(
        hidden[0].trace_id().to_string(),
        TRACE,
        "hid from recording, or was not continued"
    );
}

#[test]
fn a_stranger_gets_a_new_trace_with_a_link() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(tracer(&recorder, true)).trust(Trust::NewRootWithLink);
    let spans = serve(&recorder, layer, forged(false));
    assert_ne!(spans[0].trace_id().to_string(), TRACE);
    assert_eq!(spans[0].parent(), None);
    assert!(spans[0].span_context().trace_state().is_empty());
    let link = &spans[0].links()[0].span_context;
    assert_eq!(link.trace_id().to_string(), TRACE);
    assert!(link.is_remote());
}

#[test]
fn an_ignored_caller_leaves_no_mark() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(tracer(&recorder, true)).trust(Trust::Ignore);
    let spans = serve(&recorder, layer, forged(true));
    assert_ne!(spans[0].trace_id().to_string(), TRACE);
    assert!(spans[0].links().is_empty());
}

#[test]
fn only_a_trusted_callers_baggage_reaches_the_handler() {
    for (trust, kept) in [
        (Trust::Continue, true),
        (Trust::ContinueWithoutSampling, false),
        (Trust::NewRootWithLink, false),
        (Trust::Ignore, false),
    ] {
        let recorder = SpanRecorder::new();
        let layer = TraceLayer::new(tracer(&recorder, true)).trust(trust);
        let mut service = layer.layer(service_fn(move |request: Request<()>| async move {
            assert_eq!(
                Context::current().baggage().get("admin").is_some(),
                kept,
                "{trust:?}"
            );
            hello(request).await
        }));
        read_to_end(now(service.call(forged(true))).unwrap().into_body()).unwrap();
        let _ = recorder.take();
    }
}

#[test]
fn trust_is_decided_request_by_request_and_a_broken_judge_trusts_nobody() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(tracer(&recorder, true)).trust_by(|request| {
        match request
            .headers
            .get("x-internal")
            .map(http::HeaderValue::as_bytes)
        {
            Some(b"yes") => Trust::Continue,
            Some(_) => std::panic::resume_unwind(Box::new("a broken judge")),
            None => Trust::Ignore,
        }
    });
    for (header, continued) in [(Some("yes"), true), (Some("boom"), false), (None, false)] {
        let mut request = forged(true);
        if let Some(value) = header {
            request
                .headers_mut()
                .insert("x-internal", value.parse().unwrap());
        }
        let spans = serve(&recorder, layer.clone(), request);
        assert_eq!(
            spans[0].trace_id().to_string() == TRACE,
            continued,
            "{header:?}"
        );
    }
}

#[test]
fn a_request_that_is_not_traced_gets_an_untrusted_caller_nowhere() {
    for (trust, traceparent, baggage) in [
        (
            Trust::Continue,
            Some(format!("00-{TRACE}-00f067aa0ba902b7-01")),
            true,
        ),
        (
            Trust::ContinueWithoutSampling,
            Some(format!("00-{TRACE}-00f067aa0ba902b7-00")),
            false,
        ),
        (Trust::Ignore, None, false),
        (Trust::NewRootWithLink, None, false),
    ] {
        let recorder = SpanRecorder::new();
        let tracer = tracer(&recorder, true);
        let seen = tracer.clone();
        let layer = TraceLayer::new(tracer).filter(|_| false).trust(trust);
        let mut service = layer.layer(service_fn(move |request: Request<()>| {
            let mut passed_on = http::HeaderMap::new();
            seen.inject(&Context::current(), &mut HeaderInjector(&mut passed_on));
            let sent = passed_on
                .get("traceparent")
                .map(|value| value.to_str().unwrap());
            assert_eq!(sent, traceparent.as_deref(), "{trust:?}");
            assert_eq!(passed_on.contains_key("baggage"), baggage, "{trust:?}");
            hello(request)
        }));
        read_to_end(now(service.call(forged(true))).unwrap().into_body()).unwrap();
        recorder.assert_nothing();
    }
}

#[test]
fn a_long_tracestate_of_a_caller_that_is_not_trusted_is_cut_member_by_member() {
    let recorder = SpanRecorder::new();
    let long = format!("long={}", "x".repeat(150));
    let short: Vec<_> = (0..20)
        .map(|n| format!("k{n}={}", "x".repeat(30)))
        .collect();
    let state = format!("{},{long},{}", short[0], short[1..].join(","));
    for (trust, is_cut) in [
        (Trust::Continue, false),
        (Trust::ContinueWithoutSampling, true),
        (Trust::NewRootWithLink, true),
    ] {
        let mut request = forged(true);
        let headers = request.headers_mut();
        headers.insert("tracestate", state.parse().unwrap());
        let layer = TraceLayer::new(tracer(&recorder, true)).trust(trust);
        let spans = serve(&recorder, layer, request);
        let kept = match spans[0].links() {
            [link] => link.span_context.trace_state(),
            _ => spans[0].span_context().trace_state(),
        };
        if is_cut {
            let is_whole = short.join(",").starts_with(kept.as_str());
            assert!(
                is_whole && (450..=512).contains(&kept.as_str().len()),
                "{kept}"
            );
        } else {
            assert_eq!(kept.as_str(), state);
        }
    }
}
