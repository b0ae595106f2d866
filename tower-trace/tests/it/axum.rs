//! axum: routers of every shape, with the layer inside and around.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use tower_trace::TraceLayer;
use tower_trace::axum::RouteLayer;
use trace_testkit::{ExchangeRecorder, RecordedSpan, SpanRecorder};
use tracing_core_ctx::attribute::Value;
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::{Span, SpanRef, Tracer};

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop.example")
        .body(Body::empty())
        .unwrap()
}

async fn ask(app: Router, method: Method, path: &str) -> StatusCode {
    let response = app.oneshot(request(method, path)).await.unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

fn named(span: &RecordedSpan, name: &str, route: Option<&str>) {
    assert_eq!(span.name(), name);
    assert_eq!(
        span.attr("http.route").and_then(|route| route.as_str()),
        route
    );
}

fn shop(layer: TraceLayer) -> Router {
    let users = Router::new().route("/", get(|| async { "all" })).route(
        "/{id}",
        get(|| async { "one" }).delete(|| async { StatusCode::NO_CONTENT }),
    );
    Router::new()
        .route("/", get(|| async { "home" }))
        .nest("/users", users)
        .route("/files/{*path}", any(|| async { "file" }))
        .nest_service("/static", Router::new().fallback(|| async { "static" }))
        .layer(layer)
}

#[tokio::test]
async fn the_matched_route_names_the_span_also_in_nested_routers() {
    for (path, name, route) in [
        ("/", "GET /", "/"),
        ("/users", "GET /users", "/users"),
        ("/users/7", "GET /users/{id}", "/users/{id}"),
        ("/files/a/b/c", "GET /files/{*path}", "/files/{*path}"),
    ] {
        let recorder = SpanRecorder::new();
        let app = shop(TraceLayer::for_axum(recorder.tracer("shop")));
        assert_eq!(ask(app, Method::GET, path).await, StatusCode::OK, "{path}");
        let span = recorder.take_one();
        named(&span, name, Some(route));
        assert_eq!(
            span.str("url.path"),
            path,
            "the whole path, not what a nested router sees"
        );
    }
}

#[tokio::test]
async fn what_is_below_a_nested_service_is_named_by_its_method_because_axum_matched_no_route() {
    let recorder = SpanRecorder::new();
    let app = shop(TraceLayer::for_axum(recorder.tracer("shop")));
    assert_eq!(
        ask(app, Method::GET, "/static/app.js").await,
        StatusCode::OK
    );
    named(&recorder.take_one(), "GET", None);
}

#[tokio::test]
async fn an_unmatched_path_is_named_by_its_method_alone() {
    let recorder = SpanRecorder::new();
    let app = shop(TraceLayer::for_axum(recorder.tracer("shop")));
    assert_eq!(
        ask(app, Method::GET, "/wp-admin/4711").await,
        StatusCode::NOT_FOUND
    );
    let span = recorder.take_one();
    named(&span, "GET", None);
    span.assert_absent("url.template");
    span.assert_unset();
}

#[tokio::test]
async fn a_method_that_the_route_does_not_know_still_has_the_route() {
    let recorder = SpanRecorder::new();
    let app = shop(TraceLayer::for_axum(recorder.tracer("shop")));
    assert_eq!(
        ask(app, Method::PUT, "/users/7").await,
        StatusCode::METHOD_NOT_ALLOWED
    );
    named(&recorder.take_one(), "PUT /users/{id}", Some("/users/{id}"));
}

#[tokio::test]
async fn a_layer_on_a_nested_router_records_the_whole_path() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::for_axum(recorder.tracer("shop"));
    let inner = Router::new()
        .route("/{id}", get(|| async { "one" }))
        .layer(layer);
    let app = Router::new().nest("/users", inner);
    ask(app, Method::GET, "/users/7?page=1").await;
    let span = recorder.take_one();
    named(&span, "GET /users/{id}", Some("/users/{id}"));
    assert_eq!(span.str("url.path"), "/users/7");
    assert_eq!(span.str("url.query"), "page=1");
}

#[tokio::test]
async fn around_the_finished_router_the_name_is_corrected_late() {
    let recorder = SpanRecorder::new();
    let app = Router::new()
        .route("/users/{id}", get(|| async { "one" }))
        .layer(RouteLayer::new());
    let service = TraceLayer::for_axum(recorder.tracer("shop")).layer(app);
    let response = service
        .clone()
        .oneshot(request(Method::GET, "/users/7"))
        .await
        .unwrap();
    response.into_body().collect().await.unwrap();
    named(&recorder.take_one(), "GET /users/{id}", Some("/users/{id}"));

    let response = service
        .oneshot(request(Method::GET, "/nowhere"))
        .await
        .unwrap();
    response.into_body().collect().await.unwrap();
    named(&recorder.take_one(), "GET", None);
}

#[tokio::test]
async fn a_route_that_is_found_late_is_told_to_observers_recorded_or_not() {
    let (recorder, exchanges) = (SpanRecorder::new(), ExchangeRecorder::default());
    let app = || {
        Router::new()
            .route("/users/{id}", get(|| async { "one" }))
            .layer(RouteLayer::new())
    };
    let unsampled = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    for tracer in [recorder.tracer("shop"), unsampled, Tracer::noop()] {
        let layer = TraceLayer::for_axum(tracer).observe(exchanges.clone());
        for (path, route) in [("/users/7", Some("/users/{id}")), ("/nowhere", None)] {
            let service = layer.layer(app());
            let response = service.oneshot(request(Method::GET, path)).await.unwrap();
            response.into_body().collect().await.unwrap();
            let told = exchanges.take_one();
            assert!(!told.start.contains_key("http.route"));
            assert_eq!(told.end.get("http.route"), route.map(Value::from).as_ref());
        }
        // One that is known at the start is told then, and once.
        let service = Router::new().route("/users/{id}", get(|| async { "one" }));
        let service = service.layer(layer);
        let response = service.oneshot(request(Method::GET, "/users/7"));
        response.await.unwrap().into_body().collect().await.unwrap();
        let told = exchanges.take_one();
        assert_eq!(told.start["http.route"], "/users/{id}".into());
        assert!(!told.end.contains_key("http.route"));
    }
    recorder.ignore();
}

#[tokio::test]
async fn the_handler_describes_the_server_span_and_starts_children() {
    let recorder = SpanRecorder::new();
    let app = Router::new()
        .route(
            "/orders",
            get(|| async {
                SpanRef::current().set("shop.order", 7);
                Span::child("price").end();
                "ok"
            }),
        )
        .layer(TraceLayer::for_axum(recorder.tracer("shop")));
    ask(app, Method::GET, "/orders").await;
    let spans = recorder.take();
    let server = spans
        .iter()
        .find(|span| span.name() == "GET /orders")
        .unwrap();
    let child = spans.iter().find(|span| span.name() == "price").unwrap();
    assert_eq!(server.int("shop.order"), 7);
    assert!(child.is_child_of(server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_info_tells_the_peer() {
    use std::net::SocketAddr;

    let recorder = SpanRecorder::new();
    let app = Router::new()
        .route("/", get(|| async { "home" }))
        .layer(TraceLayer::for_axum(recorder.tracer("shop")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let body = reqwest::get(format!("http://{address}/"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(body, "home");
    let span = recorder.wait_for(1, crate::support::LIMIT).remove(0);
    assert_eq!(span.str("client.address"), "127.0.0.1");
    assert_eq!(span.str("network.peer.address"), "127.0.0.1");
    assert!(span.int("network.peer.port") > 0);
}

#[tokio::test]
async fn a_route_layer_sees_matched_requests_only() {
    let recorder = SpanRecorder::new();
    let app = || {
        Router::new()
            .route("/users/{id}", get(|| async { "one" }))
            .route_layer(TraceLayer::for_axum(recorder.tracer("shop")))
            .fallback(|| async { StatusCode::NOT_FOUND })
    };
    assert_eq!(ask(app(), Method::GET, "/users/7").await, StatusCode::OK);
    named(&recorder.take_one(), "GET /users/{id}", Some("/users/{id}"));
    let status = ask(app(), Method::GET, "/nowhere").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    recorder.assert_nothing();
}

#[tokio::test]
async fn a_fallback_is_traced_and_has_no_route() {
    let recorder = SpanRecorder::new();
    let app = Router::new()
        .route("/", get(|| async { "home" }))
        .fallback(|| async { (StatusCode::IM_A_TEAPOT, "else") })
        .layer(TraceLayer::for_axum(recorder.tracer("shop")));
    let status = ask(app, Method::GET, "/nowhere/4711").await;
    assert_eq!(status, StatusCode::IM_A_TEAPOT);
    named(&recorder.take_one(), "GET", None);
}

#[tokio::test]
async fn a_layer_that_is_added_before_the_routes_sees_none_of_them() {
    let recorder = SpanRecorder::new();
    let app = Router::new()
        .layer(TraceLayer::for_axum(recorder.tracer("shop")))
        .route("/", get(|| async { "home" }));
    assert_eq!(ask(app, Method::GET, "/").await, StatusCode::OK);
    recorder.assert_nothing();
}

/// axum's layers stand in the reverse of the order in which they are added: the last one is the outermost.
#[tokio::test]
async fn layers_added_before_run_in_the_span_and_layers_added_after_do_not() {
    use axum::middleware::{Next, from_fn};
    use tracing_core_ctx::Context;

    async fn inside(request: Request<Body>, next: Next) -> axum::response::Response {
        assert!(SpanRef::current().is_recording());
        next.run(request).await
    }
    async fn outside(request: Request<Body>, next: Next) -> axum::response::Response {
        assert!(Context::current().span_context().is_none());
        let response = next.run(request).await;
        assert!(Context::current().span_context().is_none());
        response
    }

    let recorder = SpanRecorder::new();
    let app = Router::new()
        .route("/users/{id}", get(|| async { "one" }))
        .layer(from_fn(inside))
        .layer(TraceLayer::for_axum(recorder.tracer("shop")))
        .layer(from_fn(outside));
    assert_eq!(ask(app, Method::GET, "/users/7").await, StatusCode::OK);
    named(&recorder.take_one(), "GET /users/{id}", Some("/users/{id}"));
}

#[tokio::test]
async fn one_route_and_one_handler_can_have_a_layer_of_their_own() {
    use axum::handler::Handler as _;

    let recorder = SpanRecorder::new();
    let layer = || TraceLayer::for_axum(recorder.tracer("shop"));
    let app = || {
        Router::new()
            .route("/a/{id}", get(|| async { "one" }).layer(layer()))
            .route("/b/{id}", get((|| async { "two" }).layer(layer())))
    };
    for (path, route) in [("/a/7", "/a/{id}"), ("/b/7", "/b/{id}")] {
        assert_eq!(ask(app(), Method::GET, path).await, StatusCode::OK);
        named(&recorder.take_one(), &format!("GET {route}"), Some(route));
    }
}
