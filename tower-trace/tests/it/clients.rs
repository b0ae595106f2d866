//! The client layer's settings and its company: retries, buffers, hosts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _, retry, service_fn};
use tower_trace::client::{Attempts, AttemptsLayer, ServerAddr};
use tower_trace::{ClientTraceLayer, PeerAddr, Templates, TraceLayer};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::propagation::{B3, Jaeger, Propagator, TraceContext};
use tracing_core_ctx::sampler::{Decision, Sampling, SamplingInput};
use tracing_core_ctx::{
    Baggage, Context, Sampler, SpanContext, SpanFutureExt as _, TraceFlags, Tracer,
};

use crate::support::{BoxError, hello, now, read_to_end};

/// Sends one request from a context with baggage and gives what arrived.
fn headers_sent(layer: &ClientTraceLayer, request: Request<()>) -> HeaderMap {
    let baggage = Baggage::new().with("tier", "gold").with("token", "s3cret");
    sent_in(Context::current().with_baggage(baggage), layer, request)
}

/// Sends one request from this context and gives what arrived.
fn sent_in(context: Context, layer: &ClientTraceLayer, request: Request<()>) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let inner = Arc::clone(&seen);
    let mut client = layer.layer(service_fn(move |request: Request<()>| {
        inner.lock().unwrap().clone_from(request.headers());
        hello(request)
    }));
    let _scope = context.attach();
    read_to_end(now(client.call(request)).unwrap().into_body()).unwrap();
    seen.lock().unwrap().clone()
}

fn get(url: &str) -> Request<()> {
    Request::get(url).body(()).unwrap()
}

#[test]
fn contexts_go_to_listed_hosts_only() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop")).propagate_to(["*.shop.internal"]);
    assert!(headers_sent(&layer, get("http://orders.shop.internal/")).contains_key("traceparent"));
    let outside = headers_sent(&layer, get("http://partner.example/"));
    assert!(outside.is_empty(), "{outside:?}");
    assert_eq!(recorder.take().len(), 2, "both are recorded");
}

#[test]
fn a_context_that_a_proxy_copied_from_its_caller_does_not_leave_either() {
    let copied = |url| {
        Request::get(url)
            .header(
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            )
            .header("tracestate", "caller=1")
            .header("baggage", "token=s3cret")
            .header("accept", "*/*")
            .body(())
            .unwrap()
    };
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop")).propagate_to(["shop.internal"]);
    let outside = headers_sent(&layer, copied("http://partner.example/"));
    assert_eq!(outside.keys().collect::<Vec<_>>(), ["accept"]);
    recorder.ignore();

    let layer = ClientTraceLayer::new(recorder.tracer("shop")).propagate_baggage(["tier"]);
    let sent = headers_sent(&layer, copied("http://shop.internal/"));
    assert_eq!(sent["baggage"], "tier=gold");
    let mut client = layer.layer(service_fn(|request: Request<()>| {
        assert!(!request.headers().contains_key("baggage"));
        hello(request)
    }));
    let response = now(client.call(copied("http://shop.internal/"))).unwrap();
    read_to_end(response.into_body()).unwrap();
}

/// A request with these headers, as a proxy copies them from its caller.
fn copied(url: &str, headers: &[(&'static str, &'static str)]) -> Request<()> {
    let mut request = get(url);
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// The names of what arrives.
fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_a_context_does_not_say_is_not_sent_for_a_stranger_who_said_it() {
    const W3C: [(&str, &str); 4] = [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("tracestate", "stranger=1"),
        ("baggage", "admin=true"),
        ("accept", "*/*"),
    ];
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let sent = sent_in(Context::new(), &layer, copied("http://a/", &W3C));
    assert_eq!(names(&sent), ["accept", "traceparent"]);
    assert_eq!(recorder.take().len(), 1);

    let suppressed = Context::new().suppressed();
    let sent = sent_in(suppressed.clone(), &layer, copied("http://a/", &W3C));
    assert_eq!(names(&sent), ["accept"]);
    let off = ClientTraceLayer::new(Tracer::noop());
    let sent = sent_in(Context::new(), &off, copied("http://a/", &W3C));
    assert_eq!(names(&sent), ["accept"]);

    let nothing_listed = layer.propagate_baggage(["tier"]);
    let others = Context::new().with_baggage_entry("token", "s3cret");
    let sent = sent_in(others, &nothing_listed, copied("http://a/", &W3C));
    assert_eq!(names(&sent), ["accept", "traceparent"]);
    recorder.ignore();

    let without_baggage = Tracer::builder()
        .propagator(TraceContext::default())
        .build();
    let layer = ClientTraceLayer::new(without_baggage);
    let sent = sent_in(suppressed, &layer, copied("http://a/", &W3C));
    assert_eq!(
        names(&sent),
        ["accept", "baggage"],
        "which is no header of a context then"
    );
}

#[test]
fn no_spelling_of_a_context_that_a_proxy_copied_gets_past_the_format_that_is_written() {
    const SPELLINGS: [(&str, &str); 9] = [
        ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
        ("x-b3-traceid", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("x-b3-spanid", "00f067aa0ba902b7"),
        ("x-b3-parentspanid", "00f067aa0ba902b8"),
        ("x-b3-flags", "1"),
        ("uber-trace-id", "1:2:0:1"),
        ("jaeger-debug-id", "ticket"),
        ("uberctx-admin", "true"),
        ("x-user", "ann"),
    ];
    let formats: [(Box<dyn Propagator>, &[&str], &[&str]); 3] = [
        (
            Box::new(B3::single()),
            &["b3"],
            &[
                "jaeger-debug-id",
                "uber-trace-id",
                "uberctx-admin",
                "x-user",
            ],
        ),
        (
            Box::new(B3::multi()),
            &["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"],
            &[
                "jaeger-debug-id",
                "uber-trace-id",
                "uberctx-admin",
                "x-user",
            ],
        ),
        (
            Box::new(Jaeger::default()),
            &["uber-trace-id", "uberctx-tier"],
            &[
                "b3",
                "x-b3-flags",
                "x-b3-parentspanid",
                "x-b3-spanid",
                "x-b3-traceid",
                "x-user",
            ],
        ),
    ];
    let ours = SpanContext::new(
        "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
        "b7ad6b7169203331".parse().unwrap(),
        TraceFlags::SAMPLED,
    );
    let context = Context::new()
        .with_remote_span(ours)
        .with_baggage_entry("tier", "gold");
    for (format, written, others) in formats {
        let tracer = Tracer::builder().propagator(format).build();
        let layer = ClientTraceLayer::new(tracer);
        let sent = sent_in(context.clone(), &layer, copied("http://a/", &SPELLINGS));
        let mut expected = [written, others].concat();
        expected.sort_unstable();
        assert_eq!(names(&sent), expected);
        for name in written
            .iter()
            .filter(|name| name.ends_with("id") || **name == "b3")
        {
            let value = sent[*name].to_str().unwrap();
            let is_ours = value.contains("0af7651916cd43dd") || value == "b7ad6b7169203331";
            assert!(is_ours, "{name}: {value}");
        }
        let outside = layer.propagate_to(["shop.internal"]);
        let sent = sent_in(context.clone(), &outside, copied("http://a/", &SPELLINGS));
        assert_eq!(names(&sent), others);
    }
}

#[test]
fn only_listed_baggage_leaves() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let all = headers_sent(&layer, get("http://a/"));
    assert_eq!(all["baggage"], "tier=gold,token=s3cret");
    let listed = headers_sent(&layer.propagate_baggage(["tier"]), get("http://a/"));
    assert_eq!(listed["baggage"], "tier=gold");
    recorder.ignore();
}

#[test]
fn stale_headers_are_replaced_and_baggage_can_hold_anything() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let request = Request::get("http://a/")
        .header("traceparent", "stale")
        .header("traceparent", "staler")
        .header("tracestate", "stale=1")
        .body(())
        .unwrap();
    let sent = headers_sent(&layer, request);
    assert_eq!(sent.get_all("traceparent").iter().count(), 1);
    assert!(sent["traceparent"].to_str().unwrap().starts_with("00-"));
    assert!(!sent.contains_key("tracestate"));
    let _ = recorder.take_one();

    let strange = Baggage::new()
        .with("line", "a\r\nb")
        .with("ünï", "x")
        .with("emoji", "🦀");
    let _scope = Context::current().with_baggage(strange).attach();
    let mut client = layer.layer(service_fn(hello));
    read_to_end(now(client.call(get("http://a/"))).unwrap().into_body()).unwrap();
    let _ = recorder.take_one();
}

#[derive(Clone)]
struct ThreeTimes(u32);

impl<R> retry::Policy<Request<()>, Response<R>, BoxError> for ThreeTimes {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<()>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Self::Future> {
        let again = result
            .as_ref()
            .is_ok_and(|response| response.status() == 503)
            && self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        again.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn every_retry_is_a_sibling_span_that_knows_its_number() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::default())
        .layer(retry::RetryLayer::new(ThreeTimes(3)))
        .layer(ClientTraceLayer::new(tracer.clone()))
        .service(service_fn(|_: Request<()>| async {
            Ok::<_, BoxError>(
                Response::builder()
                    .status(503)
                    .body(Full::<Bytes>::default())?,
            )
        }));
    let work = async {
        for _ in 0..2 {
            client.clone().oneshot(get("http://a/")).await.unwrap();
        }
    };
    work.in_span(tracer.span("work").start()).await;
    let spans = recorder.take();
    let (parent, attempts) = spans.split_last().unwrap();
    let numbers: Vec<_> = attempts
        .iter()
        .map(|span| {
            assert!(span.is_child_of(parent));
            span.assert_failed("503");
            span.attr("http.request.resend_count")
                .and_then(|count| count.as_i64())
        })
        .collect();
    let once = [None, Some(1), Some(2), Some(3)];
    assert_eq!(
        numbers,
        [once, once].concat(),
        "counted anew for each request"
    );
}

/// Records nothing the first time, everything after.
#[derive(Debug, Default)]
struct SkipsTheFirst(AtomicBool);

impl Sampler for SkipsTheFirst {
    fn sample(&self, _: &SamplingInput<'_>) -> Sampling {
        Sampling::new(match self.0.swap(true, Ordering::Relaxed) {
            false => Decision::Drop,
            true => Decision::RecordAndSample,
        })
    }

    fn description(&self) -> std::borrow::Cow<'static, str> {
        "SkipsTheFirst".into()
    }
}

#[test]
fn an_attempt_counts_though_nobody_recorded_it() {
    let recorder = SpanRecorder::new();
    let tracer = recorder
        .tracer_builder("shop")
        .sampler(SkipsTheFirst::default())
        .build();
    let layer = ClientTraceLayer::new(tracer);
    let mut request = get("http://a/");
    request.extensions_mut().insert(Attempts::default());
    for _ in 0..2 {
        headers_sent(&layer, request.clone());
    }
    assert_eq!(recorder.take_one().int("http.request.resend_count"), 1);
}

#[test]
fn the_peer_is_whom_the_response_came_from() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let mut client = layer.layer(service_fn(|_: Request<()>| async {
        let mut response = Response::new(Full::<Bytes>::default());
        let peer = PeerAddr("[2001:db8::7]:8443".parse().unwrap());
        response.extensions_mut().insert(peer);
        Ok::<_, BoxError>(response)
    }));
    let response = now(client.call(get("http://a/"))).unwrap();
    read_to_end(response.into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(span.str("network.peer.address"), "2001:db8::7");
    assert_eq!(span.int("network.peer.port"), 8443);
}

#[tokio::test]
async fn a_context_in_the_extensions_survives_a_hop_to_another_task() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let client = ServiceBuilder::new()
        .buffer(4)
        .layer(ClientTraceLayer::new(tracer.clone()))
        .service(service_fn(hello));
    let span = tracer.span("work").start();
    let mut request = get("http://a/");
    request.extensions_mut().insert(span.context());
    client.oneshot(request).await.unwrap();
    span.end();
    let spans = recorder.wait_for(2, crate::support::LIMIT);
    let client = spans.iter().find(|span| span.name() == "GET").unwrap();
    let work = spans.iter().find(|span| span.name() == "work").unwrap();
    assert!(client.is_child_of(work));
}

#[test]
fn templates_may_name_a_host() {
    let recorder = SpanRecorder::new();
    let templates = Templates::new(["//api.example/users/{id}", "/health"]).unwrap();
    let layer = ClientTraceLayer::new(recorder.tracer("shop")).templates(templates);
    for (url, name) in [
        ("https://api.example/users/7", "GET /users/{id}"),
        ("https://other.example/users/7", "GET"),
        ("https://other.example/health", "GET /health"),
    ] {
        headers_sent(&layer, get(url));
        let span = recorder.take_one();
        assert!(
            span.name() == name || span.name() == "GET //api.example/users/{id}",
            "{url}: {}",
            span.name()
        );
    }
}

#[test]
fn a_span_can_end_at_the_head() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop")).end_at_head(true);
    let mut client = layer.layer(service_fn(hello));
    let response = now(client.call(get("http://a/"))).unwrap();
    recorder.take_one().assert_unset();
    drop(response);
}

#[test]
fn suppressed_work_is_neither_recorded_nor_announced() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let mut client = layer.layer(service_fn(|request: Request<()>| {
        assert!(request.headers().is_empty());
        hello(request)
    }));
    let _scope = Context::new().suppressed().attach();
    read_to_end(now(client.call(get("http://a/"))).unwrap().into_body()).unwrap();
    recorder.assert_nothing();
}

#[test]
fn a_filtered_request_hands_the_current_context_on() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let layer =
        ClientTraceLayer::new(tracer.clone()).filter(|request| request.uri.path() != "/metrics");
    let span = tracer.span("work").start();
    let sent = span.in_scope(|| headers_sent(&layer, get("http://a/metrics")));
    let id = span.span_context().unwrap().span_id().to_string();
    assert!(sent["traceparent"].to_str().unwrap().contains(&id));
    span.end();
    let _ = recorder.take_one();
}

/// A proxy that is one program with who asks it, and with whom it asks: requests go through as they are.
#[test]
fn what_a_request_brought_along_for_one_client_is_not_there_for_the_next() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let layer = ClientTraceLayer::new(tracer.clone());
    let mut upstream = layer.layer(service_fn(hello));
    let server = TraceLayer::new(tracer.clone()).layer(service_fn(move |request: Request<()>| {
        assert!(request.extensions().get::<Context>().is_none());
        upstream.call(request)
    }));
    let mut client = layer.layer(server);
    let work = tracer.span("work").start();
    let mut request = get("http://a/");
    request.extensions_mut().insert(work.context());
    request.extensions_mut().insert(Attempts::default());
    let response = now(client.call(request)).unwrap();
    read_to_end(response.into_body()).unwrap();
    work.end();
    let spans = recorder.take();
    let [upstream, server, client, work] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert!(upstream.is_child_of(server));
    assert!(server.is_child_of(client) && client.is_child_of(work));
    upstream.assert_absent("http.request.resend_count");
}

/// A proxied request still says where it came from.
#[test]
fn who_has_sent_a_request_is_not_whom_it_is_sent_to() {
    let recorder = SpanRecorder::new();
    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let mut client = layer.layer(service_fn(|_: Request<()>| async {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Err::<Response<Full<Bytes>>, _>(refused)
    }));
    let mut request = get("http://a/");
    let caller = PeerAddr("192.0.2.7:50000".parse().unwrap());
    request.extensions_mut().insert(caller);
    now(client.call(request.clone())).unwrap_err();
    let span = recorder.take_one();
    span.assert_failed("connection_refused");
    span.assert_absent("network.peer.address");
    span.assert_absent("network.peer.port");

    let server = ServerAddr("192.0.2.8:80".parse().unwrap());
    request.extensions_mut().insert(server);
    now(client.call(request)).unwrap_err();
    let span = recorder.take_one();
    assert_eq!(span.str("network.peer.address"), "192.0.2.8");
    assert_eq!(span.int("network.peer.port"), 80);
}
