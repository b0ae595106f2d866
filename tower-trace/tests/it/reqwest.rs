//! The reqwest client, over real sockets.

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tower::Layer as _;
use tower_trace::reqwest::Client;
use tower_trace::{ClientTraceLayer, TraceLayer};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{SpanFutureExt as _, SpanKind};

use crate::support::{LIMIT, hello, serve};

fn client(recorder: &SpanRecorder) -> Client {
    Client::new(
        reqwest::Client::new(),
        ClientTraceLayer::new(recorder.tracer("client")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_span_covers_the_body_and_names_the_template_and_the_peer() {
    let recorder = SpanRecorder::new();
    let address = serve(service_fn(|request: Request<Incoming>| async move {
        assert!(request.headers().contains_key("traceparent"));
        hello(request).await
    }))
    .await;
    let url = format!("http://{address}/users/7?sig=s3cret");
    let response = client(&recorder)
        .get(&url)
        .template("/users/{id}")
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.url().as_str(),
        url,
        "the response still knows its URL"
    );
    assert_eq!(recorder.open(), 1, "the body is not read yet");
    assert_eq!(response.text().await.unwrap(), "hello");
    let span = recorder.take_one();
    assert_eq!(span.name(), "GET /users/{id}");
    assert_eq!(
        span.str("url.full"),
        format!("http://{address}/users/7?sig=REDACTED")
    );
    assert_eq!(span.str("network.peer.address"), "127.0.0.1");
    assert_eq!(span.int("network.peer.port"), i64::from(address.port()));
    span.assert_unset();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_below_is_a_child_and_a_body_is_sent() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("server"));
    let address = serve(layer.layer(service_fn(hello))).await;
    let sent = client(&recorder)
        .post(format!("http://{address}/orders"))
        .header("content-type", "text/plain")
        .body("two apples")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.bytes().await.unwrap(), "hello");
    let spans = recorder.wait_for(2, LIMIT);
    let server = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Server)
        .unwrap();
    let client = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .unwrap();
    assert!(server.is_child_of(client));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_and_a_timeout_are_named_so() {
    let recorder = SpanRecorder::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    client(&recorder)
        .get(format!("http://{free}/?sig=s3cret"))
        .send()
        .await
        .unwrap_err();
    let span = recorder.take_one();
    span.assert_failed("connection_refused");
    assert!(
        !format!("{:?}", span.status()).contains("s3cret"),
        "{:?}",
        span.status()
    );

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    client(&recorder)
        .get(format!("http://{address}/"))
        .timeout(std::time::Duration::from_millis(50))
        .send()
        .await
        .unwrap_err();
    recorder.take_one().assert_failed("timeout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_traced_leaves_the_span_around_it_alone() {
    let recorder = SpanRecorder::new();
    let address = serve(service_fn(hello)).await;
    let tracer = recorder.tracer("client");
    let layer = ClientTraceLayer::new(tracer.clone()).filter(|_| false);
    let client = Client::new(reqwest::Client::new(), layer);
    let work = async {
        let response = client.get(format!("http://{address}/")).send().await;
        response.unwrap().text().await.unwrap();
    };
    work.in_span(tracer.span("work").start()).await;
    recorder.take_one().assert_attributes(&[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_that_reqwest_follows_are_one_span_with_the_url_that_was_asked_for() {
    let recorder = SpanRecorder::new();
    let address = serve(service_fn(|request: Request<Incoming>| async move {
        let is_moved = request.uri().path() == "/here";
        let mut response = hello(request).await?;
        if is_moved {
            *response.status_mut() = http::StatusCode::FOUND;
            response
                .headers_mut()
                .insert("location", "/there".parse().unwrap());
        }
        Ok::<_, std::convert::Infallible>(response)
    }))
    .await;
    let url = format!("http://{address}/here");
    let response = client(&recorder).get(&url).send().await.unwrap();
    assert_eq!(response.url().path(), "/there");
    response.text().await.unwrap();
    let span = recorder.take_one();
    assert_eq!(span.str("url.full"), url);
    assert_eq!(span.int("http.response.status_code"), 200);
    span.assert_absent("http.request.resend_count");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_end_where_contexts_must_not_go() {
    let recorder = SpanRecorder::new();
    let partner = serve(service_fn(|request: Request<Incoming>| async move {
        assert!(!request.headers().contains_key("traceparent"));
        hello(request).await
    }))
    .await;
    // The same server by another name.
    let outside = format!("http://localhost:{}/outside", partner.port());
    let location = outside.clone();
    let ours = serve(service_fn(move |request: Request<Incoming>| {
        let location = match request.uri().path() {
            "/far" => location.clone(),
            "/near" => "/there".to_owned(),
            _ => String::new(),
        };
        async move {
            let mut response = hello(request).await?;
            if !location.is_empty() {
                *response.status_mut() = http::StatusCode::FOUND;
                let location = location.parse().unwrap();
                response.headers_mut().insert("location", location);
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    }))
    .await;
    let layer = ClientTraceLayer::new(recorder.tracer("client")).propagate_to(["127.0.0.1"]);
    let policy = layer.redirect_policy(reqwest::redirect::Policy::limited(3));
    let inner = reqwest::Client::builder().redirect(policy).no_proxy();
    let client = Client::new(inner.build().unwrap(), layer);
    for (path, status, end) in [
        ("far", 302_u16, format!("http://{ours}/far")),
        ("near", 200, format!("http://{ours}/there")),
    ] {
        let sent = client.get(format!("http://{ours}/{path}")).send().await;
        let response = sent.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.url().as_str(), end);
        response.text().await.unwrap();
        let span = recorder.take_one();
        assert_eq!(span.int("http.response.status_code"), i64::from(status));
    }
    let response = client.get(&outside).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "hello");
    recorder.ignore();
}
