//! What calls have in common is described once for each thread: nobody can tell.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use grpc_trace::client::ServerAddr;
use grpc_trace::{ClientTraceLayer, PeerAddr, TraceLayer};
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer as _, Service, service_fn};
use trace_testkit::SpanRecorder;

/// What a call is made of, with the usual in each place first.
const PATHS: &[&str] = &["/shop.Orders/Place", "/shop.Orders/Cancel", "/wp-login.php"];
const ORIGINS: &[&str] = &[
    "http://a.example:50051",
    "http://b.example",
    "https://b.example",
    "",
];
const HOSTS: &[&str] = &["", "c.example:7", "not a host"];
const PEERS: &[&str] = &[
    "192.0.2.1:5000",
    "192.0.2.1:5001",
    "192.0.2.2:5000",
    "[2001:db8::1]:1",
    "",
];

/// Calls each of which differs from the usual one in one thing.
fn calls() -> Vec<Request<()>> {
    let things = [PATHS, ORIGINS, HOSTS, PEERS];
    let mut all = Vec::new();
    for (which, choices) in things.iter().enumerate() {
        for choice in 0..choices.len() {
            let pick = |thing: usize| things[thing][if thing == which { choice } else { 0 }];
            let mut call = Request::post(format!("{}{}", pick(1), pick(0)));
            if !pick(2).is_empty() {
                call = call.uri(pick(0)).header("host", pick(2));
            }
            if !pick(3).is_empty() {
                let address = pick(3).parse().unwrap();
                call = call.extension(PeerAddr(address));
                call = call.extension(ServerAddr(address));
            }
            all.push(call.body(()).unwrap());
        }
    }
    all
}

/// Name and attributes of the span of a call.
fn trace<S, R>(mut service: S, recorder: &SpanRecorder, call: &Request<()>) -> String
where
    S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
{
    let mut answer = pin!(service.call(call.clone().map(|()| Body::empty())));
    let mut task = Context::from_waker(Waker::noop());
    assert!(matches!(
        answer.as_mut().poll(&mut task),
        Poll::Ready(Ok(_))
    ));
    let span = recorder.take_one();
    let mut attributes: Vec<_> = span
        .attributes()
        .iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    attributes.sort();
    format!("{} {}", span.name(), attributes.join(" "))
}

type Traced<'a> = Box<dyn Fn(&Request<()>) -> String + Sync + 'a>;

/// An answer that is nothing but its status, so that the call ends with it.
async fn answer(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    let answer = Response::builder().header("grpc-status", "0");
    Ok(answer.body(Body::empty()).unwrap())
}

fn traced(recorder: &SpanRecorder) -> Vec<Traced<'_>> {
    fn server(recorder: &SpanRecorder, change: impl Fn(TraceLayer) -> TraceLayer) -> Traced<'_> {
        let layer = change(TraceLayer::new(recorder.tracer("shop")));
        Box::new(move |call| trace(layer.layer(service_fn(answer)), recorder, call))
    }
    fn client(
        recorder: &SpanRecorder,
        change: impl Fn(ClientTraceLayer) -> ClientTraceLayer,
    ) -> Traced<'_> {
        let layer = change(ClientTraceLayer::new(recorder.tracer("shop")));
        Box::new(move |call| trace(layer.layer(service_fn(answer)), recorder, call))
    }
    vec![
        server(recorder, |layer| layer),
        server(recorder, |layer| layer.services(["shop.Orders/Place"])),
        server(recorder, |layer| layer.legacy_names(true)),
        server(recorder, |layer| {
            layer.name(|head| Some(format!("{:?} by hand", head.extensions.get::<PeerAddr>())))
        }),
        server(recorder, |layer| layer.peer_address(|_| None)),
        client(recorder, |layer| layer),
        client(recorder, |layer| layer.target("http://d.example:9")),
        client(recorder, |layer| layer.target("192.0.2.9:50051")),
        client(recorder, |layer| layer.legacy_names(true)),
        client(recorder, |layer| {
            layer.name(|head| Some(format!("{:?} by hand", head.extensions.get::<PeerAddr>())))
        }),
    ]
}

#[test]
fn a_call_that_came_before_is_described_as_if_it_were_the_first() {
    let recorder = SpanRecorder::new();
    let (traced, calls) = (traced(&recorder), calls());
    let all = || {
        let of_layer = |trace| calls.iter().map(move |call| (trace, call));
        traced.iter().flat_map(of_layer)
    };
    // A thread of its own has seen nothing.
    let first: Vec<String> = all()
        .map(|(trace, call)| {
            std::thread::scope(|scope| scope.spawn(|| trace(call)).join().unwrap())
        })
        .collect();
    // One after the other, and each several times running.
    for times in [1, 1, 1, 3, 3] {
        for ((trace, call), first) in all().zip(&first) {
            for _ in 0..times {
                assert_eq!(trace(call), *first);
            }
        }
    }
}

#[test]
fn a_layer_that_is_changed_describes_anew() {
    let recorder = SpanRecorder::new();
    let call = &calls()[0];
    let mut server = TraceLayer::new(recorder.tracer("shop"));
    let mut client = ClientTraceLayer::new(recorder.tracer("shop"));
    for _ in 0..3 {
        let served = trace(server.layer(service_fn(answer)), &recorder, call);
        assert!(
            served.contains("rpc.method=Str(\"shop.Orders/Place\")"),
            "{served}"
        );
        let sent = trace(client.layer(service_fn(answer)), &recorder, call);
        assert!(sent.contains("server.address=Str(\"a.example\")"), "{sent}");
    }
    server = server.services(["shop.Payments"]);
    let served = trace(server.layer(service_fn(answer)), &recorder, call);
    assert!(served.contains("rpc.method=Str(\"_OTHER\")"), "{served}");
    client = client.target("http://d.example");
    let sent = trace(client.layer(service_fn(answer)), &recorder, call);
    assert!(sent.contains("server.address=Str(\"d.example\")"), "{sent}");
}

#[test]
fn a_method_that_is_refused_is_counted_as_often_as_it_is_called() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).max_names(1);
    for path in ["/shop.Orders/Place", "/shop.Orders/Cancel"] {
        let call = Request::post(path).body(()).unwrap();
        for _ in 0..4 {
            trace(layer.layer(service_fn(answer)), &recorder, &call);
        }
    }
    assert_eq!(layer.overflowed_names(), 4);
}
