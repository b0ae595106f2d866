//! Whose trace a request belongs to (W3C Trace Context Level 2, W3C Baggage).

use http::header::HeaderValue;
use http::{Request, Response};
use tracing_core_ctx::{Baggage, Span, SpanKind};

use super::{HttpServer, get, serve};
use crate::http::call::{CALLER, CALLER_SPAN, CALLER_TRACE, Stage, UNSAMPLED_CALLER, ok};
use crate::http::{TestBody, Wish};

fn with(headers: &[(&'static str, &'static str)]) -> Request<TestBody> {
    let mut request = get("/");
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    request
}

/// The span continues the trace of the `traceparent` header, below the span that it names.
pub async fn the_callers_trace_is_continued_with_a_remote_parent<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage.exchange(with(&[("traceparent", CALLER)])).await;
    let span = stage.span();
    assert_eq!(span.trace_id().to_string(), CALLER_TRACE);
    assert_eq!(
        span.parent().map(|id| id.to_string()).as_deref(),
        Some(CALLER_SPAN)
    );
    assert!(
        span.parent_is_remote(),
        "the parent is not marked as remote"
    );
    assert_ne!(
        span.span_id().to_string(),
        CALLER_SPAN,
        "the span has its parent's id"
    );
    assert!(span.span_context().is_sampled());
}

/// No header, no parent.
pub async fn a_request_without_context_starts_a_trace<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage.exchange(get("/")).await;
    let span = stage.span();
    assert_eq!(span.parent(), None);
    assert!(span.span_context().is_sampled());
}

/// What cannot be read counts as absent; the request is answered.
pub async fn a_malformed_traceparent_starts_a_new_trace<H: HttpServer>() {
    for value in [
        "",
        "garbage",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        let mut stage = serve::<H, _, _>(ok);
        stage.exchange(with(&[("traceparent", value)])).await;
        let span = stage.span();
        assert_eq!(span.parent(), None, "`{value}` was taken as a parent");
        assert_ne!(
            span.trace_id().to_string(),
            CALLER_TRACE,
            "`{value}` gave the trace"
        );
    }
}

/// Two callers are none.
pub async fn two_traceparents_start_a_new_trace<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    let other = "00-af92f3577b34da6a3ce929d0e0e4736b-00f067aa0ba902b8-01";
    stage
        .exchange(with(&[("traceparent", CALLER), ("traceparent", other)]))
        .await;
    let span = stage.span();
    assert_eq!(span.parent(), None);
    assert_ne!(span.trace_id().to_string(), CALLER_TRACE);
}

/// What a later version adds stands behind the flags, after a dash.
pub async fn a_higher_version_is_read_as_far_as_it_is_known<H: HttpServer>() {
    for value in [
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
    ] {
        let mut stage = serve::<H, _, _>(ok);
        stage.exchange(with(&[("traceparent", value)])).await;
        let span = stage.span();
        assert_eq!(
            span.trace_id().to_string(),
            CALLER_TRACE,
            "`{value}` was not read"
        );
        assert!(span.parent_is_remote());
    }
}

/// `tracestate` belongs to a `traceparent`.
pub async fn tracestate_without_traceparent_is_dropped<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage.exchange(with(&[("tracestate", "vendor=1")])).await;
    let span = stage.span();
    assert!(span.span_context().trace_state().is_empty());
}

/// Several `tracestate` headers are one list, in the order of arrival.
pub async fn all_tracestate_headers_are_combined<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage
        .exchange(with(&[
            ("traceparent", CALLER),
            ("tracestate", "one=1,two=2"),
            ("tracestate", "three=3"),
        ]))
        .await;
    let span = stage.span();
    assert_eq!(
        span.span_context().trace_state().as_str(),
        "one=1,two=2,three=3"
    );
    assert_eq!(
        stage
            .context_in_call()
            .span_context()
            .map(|cx| cx.trace_state().as_str()),
        Some("one=1,two=2,three=3")
    );
}

/// A `tracestate` that cannot be read never affects the `traceparent`.
pub async fn a_broken_tracestate_does_not_break_the_trace<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage
        .exchange(with(&[("traceparent", CALLER), ("tracestate", "=;broken")]))
        .await;
    let span = stage.span();
    assert_eq!(span.trace_id().to_string(), CALLER_TRACE);
    assert!(span.span_context().trace_state().is_empty());
}

/// A caller that does not record is followed in that, and its trace is current in the handler, so that it travels on unsampled.
pub async fn an_unsampled_caller_is_not_recorded_and_travels_on<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(|_| async {
        // Neither are spans below it.
        Span::child("below").end();
        Ok(Response::new(TestBody::full("hello")))
    });
    stage
        .exchange(with(&[
            ("traceparent", UNSAMPLED_CALLER),
            ("tracestate", "vendor=1"),
            ("baggage", "user.tier=gold"),
        ]))
        .await;
    stage.recorder.assert_nothing();

    let cx = stage.context_in_call();
    let current = cx
        .span_context()
        .expect("no span context is current in the handler");
    assert_eq!(current.trace_id().to_string(), CALLER_TRACE);
    assert!(!current.is_sampled(), "the sampled flag was raised");
    assert_eq!(current.trace_state().as_str(), "vendor=1");
    assert_eq!(cx.baggage().get("user.tier"), Some("gold"));
}

/// The random flag of Level 2 is copied as it is: set or not.
pub async fn the_random_flag_is_kept<H: HttpServer>() {
    for (flags, random) in [("01", false), ("03", true), ("ff", true)] {
        let mut stage = serve::<H, _, _>(ok);
        let mut request = get("/");
        let value = format!("00-{CALLER_TRACE}-{CALLER_SPAN}-{flags}");
        let value = HeaderValue::try_from(value).expect("digits and dashes");
        request.headers_mut().insert("traceparent", value);
        stage.exchange(request).await;
        let span = stage.span();
        assert_eq!(span.trace_id().to_string(), CALLER_TRACE);
        assert_eq!(
            span.span_context().flags().is_random(),
            random,
            "for flags {flags}"
        );
    }
}

/// Baggage of all `baggage` headers travels with the request.
pub async fn baggage_is_current_in_the_handler<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    stage
        .exchange(with(&[
            ("traceparent", CALLER),
            ("baggage", "user.tier=gold"),
            ("baggage", "note=caf%C3%A9"),
        ]))
        .await;
    drop(stage.span());
    let cx = stage.context_in_call();
    assert_eq!(cx.baggage().get("user.tier"), Some("gold"));
    assert_eq!(cx.baggage().get("note"), Some("café"));
}

/// What the handler starts has the server span as its parent.
pub async fn a_span_started_in_the_handler_is_a_child<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(|_| async {
        tokio::task::yield_now().await;
        Span::child("price").end();
        Ok(Response::new(TestBody::empty()))
    });
    stage.exchange(with(&[("traceparent", CALLER)])).await;
    let spans = stage.recorder.take();
    let [child, server] = &spans[..] else {
        panic!("expected two spans, got\n{}", crate::render(&spans));
    };
    assert_eq!(server.kind(), SpanKind::Server);
    assert!(child.is_child_of(server), "got\n{}", crate::render(&spans));
    assert!(!child.parent_is_remote());
}

/// The caller is who the headers say. A span that happens to be current where the server runs is not, nor is its baggage.
pub async fn an_ambient_span_is_no_parent<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(ok);
    let ambient = stage.tracer.span("accept loop").start();
    let cx = ambient
        .context()
        .with_baggage(Baggage::new().with("leaked", "1"));
    crate::http::call::ready(&mut stage.service).await;
    let request = with(&[("traceparent", CALLER)]);
    let exchange = cx.scope(|| tower_service::Service::call(&mut stage.service, request));
    drop(exchange.await.map(drop));
    ambient.end();

    let spans = stage.recorder.take();
    let server = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Server)
        .expect("no server span");
    assert_eq!(server.trace_id().to_string(), CALLER_TRACE);
    assert!(server.parent_is_remote());
    assert_eq!(stage.context_in_call().baggage().get("leaked"), None);
}

/// The headers that carry the context are read, not taken: a proxy behind may want them.
pub async fn the_handler_sees_the_callers_headers<H: HttpServer>() {
    let headers = [
        ("traceparent", CALLER),
        ("tracestate", "vendor=1"),
        ("baggage", "user.tier=gold"),
    ];
    let mut stage = serve::<H, _, _>(move |request| async move {
        for (name, value) in headers {
            let seen: Vec<_> = request.headers().get_all(name).iter().collect();
            assert_eq!(seen, [value]);
        }
        Ok(Response::new(TestBody::empty()))
    });
    stage.exchange(with(&headers)).await;
    drop(stage.span());
}

/// At a public edge anybody may send any trace: it is worth a link, and nothing else of it is used.
pub async fn a_caller_who_is_not_trusted_is_linked_and_not_followed<H: HttpServer>() {
    for traceparent in [CALLER, UNSAMPLED_CALLER] {
        let Some(mut stage) = Stage::with_wish(H::instrument_with, Wish::LinkCallers, ok) else {
            return;
        };
        stage
            .exchange(with(&[
                ("traceparent", traceparent),
                ("tracestate", "vendor=1"),
                ("baggage", "user.tier=gold"),
            ]))
            .await;
        // Also when the caller does not record: evading the sampler is not up to strangers.
        let span = stage.span();
        assert_eq!(span.parent(), None);
        assert_ne!(span.trace_id().to_string(), CALLER_TRACE);
        assert!(span.span_context().trace_state().is_empty());
        assert!(stage.context_in_call().baggage().is_empty());
        let [link] = span.links() else {
            panic!("expected one link in\n{span:?}");
        };
        assert_eq!(link.span_context.trace_id().to_string(), CALLER_TRACE);
        assert_eq!(link.span_context.span_id().to_string(), CALLER_SPAN);
    }
}

/// The trace goes on; whether it is recorded is decided here.
pub async fn a_sampled_flag_that_is_not_believed_does_not_decide<H: HttpServer>() {
    let Some(mut stage) = Stage::with_wish(H::instrument_with, Wish::OwnSampling, ok) else {
        return;
    };
    stage
        .exchange(with(&[("traceparent", UNSAMPLED_CALLER)]))
        .await;
    let span = stage.span();
    assert_eq!(span.trace_id().to_string(), CALLER_TRACE);
    assert_eq!(
        span.parent().map(|id| id.to_string()).as_deref(),
        Some(CALLER_SPAN)
    );
    assert!(span.span_context().is_sampled());
}
