//! What requests have in common is described once for each thread: nobody can tell.

use http::{Method, Request, Version};
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::{PeerAddr, TraceLayer};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::limits::SpanLimits;

use crate::support::{hello, now, read_to_end};

/// Name and attributes of the span of a request.
fn serve(layer: &TraceLayer, recorder: &SpanRecorder, request: &Request<()>) -> String {
    let mut service = layer.layer(service_fn(hello));
    read_to_end(now(service.call(request.clone())).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    let mut attributes: Vec<_> = span
        .attributes()
        .iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    attributes.sort();
    format!("{} {}", span.name(), attributes.join(" "))
}

/// Requests each of which differs from another one in one thing.
fn requests() -> Vec<Request<()>> {
    let methods = ["GET", "PUT", "QUERY", "PROPFIND", "PROPPATCH"];
    let targets = [
        "/users/1",
        "/users/2?a=1",
        "/users/2?sig=s3cret",
        "/USERS",
        "http://shop.example/users/1",
        "https://shop.example/users/1",
        "https://shop.example:8443/users/1",
    ];
    let hosts = [
        "",
        "a.example",
        "b.example",
        "a.example:80",
        "a.example:81",
        "not a host",
    ];
    // The last two differ only where no fingerprint looks.
    let agents = [
        "",
        "curl/8.1",
        "curl/8.2",
        "\u{fc}",
        "one of ours/1.0.0",
        "two of ours/1.0.0",
    ];
    let peers = [
        "",
        "192.0.2.1:5000",
        "192.0.2.1:5001",
        "192.0.2.2:5000",
        "[2001:db8::1]:1",
    ];
    let versions = [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2];
    let lengths = [
        methods.len(),
        targets.len(),
        hosts.len(),
        agents.len(),
        peers.len(),
        versions.len(),
    ];
    let mut all = Vec::new();
    for (which, length) in lengths.into_iter().enumerate() {
        for choice in 0..length {
            // One of the usual in all but one thing.
            let pick = |thing: usize, usual: usize| if thing == which { choice } else { usual };
            let mut request = Request::builder()
                .method(Method::from_bytes(methods[pick(0, 0)].as_bytes()).unwrap())
                .uri(targets[pick(1, 0)])
                .version(versions[pick(5, 1)]);
            let (host, agent, peer) = (hosts[pick(2, 1)], agents[pick(3, 1)], peers[pick(4, 1)]);
            if !host.is_empty() {
                request = request.header("host", host);
            }
            if !agent.is_empty() {
                request = request.header("user-agent", agent.as_bytes());
            }
            if !peer.is_empty() {
                request = request.extension(PeerAddr(peer.parse().unwrap()));
            }
            all.push(request.body(()).unwrap());
        }
    }
    all
}

fn layers(recorder: &SpanRecorder) -> Vec<TraceLayer> {
    let layer = || TraceLayer::new(recorder.tracer("shop"));
    let mut limits = SpanLimits::default();
    limits.attributes.value_length = 6;
    let short = recorder.tracer_builder("shop").limits(limits);
    vec![
        layer(),
        layer().scheme("https"),
        layer().route(|_| Some("/users/{id}".into())),
        layer().parameterize_paths(false),
        layer().name(|head| Some(format!("{} by hand", head.method))),
        layer().forwarded_headers(true),
        layer().body_sizes(true),
        // What is the same in all of these but the limits of the tracer.
        TraceLayer::new(short.build()),
    ]
}

#[test]
fn a_request_that_came_before_is_described_as_if_it_were_the_first() {
    let recorder = SpanRecorder::new();
    let (layers, requests) = (layers(&recorder), requests());
    let all = || {
        let of_layer = |layer| requests.iter().map(move |request| (layer, request));
        layers.iter().flat_map(of_layer)
    };
    // A thread of its own has seen nothing.
    let first: Vec<String> = all()
        .map(|(layer, request)| {
            std::thread::scope(|scope| {
                scope
                    .spawn(|| serve(layer, &recorder, request))
                    .join()
                    .unwrap()
            })
        })
        .collect();
    // One after the other, and each several times running.
    for times in [1, 1, 1, 3, 3] {
        for ((layer, request), first) in all().zip(&first) {
            for _ in 0..times {
                assert_eq!(serve(layer, &recorder, request), *first);
            }
        }
    }
}
