//! How spans get their names, from the outside.

use std::borrow::Cow;

use http::Request;
use tower::{Layer as _, Service as _, service_fn};
use tower_trace::client::UrlTemplate;
use tower_trace::{ClientTraceLayer, Templates, TraceLayer};
use trace_testkit::{RecordedSpan, SpanRecorder};

use crate::support::{hello, now, read_to_end};

fn serve(recorder: &SpanRecorder, layer: &TraceLayer, path: &str) -> RecordedSpan {
    let mut service = layer.layer(service_fn(hello));
    let request = Request::get(path).body(()).unwrap();
    read_to_end(now(service.call(request)).unwrap().into_body()).unwrap();
    recorder.take_one()
}

#[test]
fn without_a_router_ids_are_taken_out_of_the_path_and_the_guess_is_no_route() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"));
    let span = serve(
        &recorder,
        &layer,
        "/users/12345/orders/9f1c2b7e-5a0d-4a51-9c7e-2f8d7c1b6a3e",
    );
    assert_eq!(span.name(), "GET /users/{id}/orders/{uuid}");
    assert_eq!(span.str("url.template"), "/users/{id}/orders/{uuid}");
    span.assert_absent("http.route");
}

#[test]
fn templates_are_routes_and_a_path_that_none_knows_is_named_by_its_method() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .templates(Templates::new(["/users/{id}", "/users/me"]).unwrap());
    let span = serve(&recorder, &layer, "/users/12345");
    assert_eq!(span.name(), "GET /users/{id}");
    assert_eq!(span.str("http.route"), "/users/{id}");
    assert_eq!(
        serve(&recorder, &layer, "/users/me").name(),
        "GET /users/me"
    );
    assert_eq!(serve(&recorder, &layer, "/other/1").name(), "GET");
    let guessing = layer.parameterize_paths(true);
    assert_eq!(
        serve(&recorder, &guessing, "/other/1").name(),
        "GET /other/{id}"
    );
}

#[test]
fn the_router_wins_over_templates() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .templates(Templates::new(["/users/{id}"]).unwrap())
        .route(|_| Some(Cow::Borrowed("/{tenant}/{id}")));
    assert_eq!(
        serve(&recorder, &layer, "/users/7").name(),
        "GET /{tenant}/{id}"
    );
}

#[test]
fn too_many_different_names_become_one_and_are_counted() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).max_names(2);
    for word in ["apples", "pears"] {
        assert_eq!(
            serve(&recorder, &layer, &format!("/{word}")).name(),
            format!("GET /{word}")
        );
    }
    assert_eq!(serve(&recorder, &layer, "/plums").name(), "GET _OTHER");
    assert_eq!(serve(&recorder, &layer, "/apples").name(), "GET /apples");
    assert_eq!(layer.overflowed_names(), 1);
}

#[test]
fn guesses_do_not_use_up_the_room_of_declared_routes() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .route(|request| Some("/users/{id}".into()).filter(|_| request.uri.path() == "/users/7"))
        .parameterize_paths(true)
        .max_names(1);
    assert_eq!(serve(&recorder, &layer, "/made").name(), "GET /made");
    assert_eq!(serve(&recorder, &layer, "/up").name(), "GET _OTHER");
    let declared = serve(&recorder, &layer, "/users/7");
    assert_eq!(declared.name(), "GET /users/{id}");
    assert_eq!(layer.overflowed_names(), 1);
}

#[test]
fn a_name_of_the_users_own_wins_and_a_broken_one_is_ignored() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).name(|request| match request.uri.path() {
        "/graphql" => Some("query Cart".to_owned()),
        "/empty" => Some(String::new()),
        "/boom" => std::panic::resume_unwind(Box::new("broken")),
        _ => None,
    });
    assert_eq!(serve(&recorder, &layer, "/graphql").name(), "query Cart");
    assert_eq!(
        serve(&recorder, &layer, "/users/7").name(),
        "GET /users/{id}"
    );
    assert_eq!(serve(&recorder, &layer, "/boom").name(), "GET /boom");
    assert_eq!(serve(&recorder, &layer, "/empty").name(), "GET /empty");
}

#[test]
fn a_router_that_panics_has_no_route_and_the_request_goes_on() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .route(|_| std::panic::resume_unwind(Box::new("broken")));
    assert_eq!(serve(&recorder, &layer, "/users/7").name(), "GET");
}

#[test]
fn a_target_that_is_no_path_is_named_by_its_method() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop"))
        .templates(Templates::new(["/", "/{anything}", "/{*rest}"]).unwrap())
        .parameterize_paths(true);
    for (method, target) in [("CONNECT", "shop.example:443"), ("OPTIONS", "*")] {
        let mut service = layer.layer(service_fn(hello));
        let request = Request::builder().method(method).uri(target).body(());
        let response = now(service.call(request.unwrap())).unwrap();
        read_to_end(response.into_body()).unwrap();
        let span = recorder.take_one();
        assert_eq!(span.name(), method);
        span.assert_absent("http.route");
        span.assert_absent("url.template");
    }
}

#[test]
fn an_empty_route_is_none() {
    let recorder = SpanRecorder::new();
    let layer = TraceLayer::new(recorder.tracer("shop")).route(|_| Some(Cow::Borrowed("")));
    let span = serve(&recorder, &layer, "/users/7");
    assert_eq!(span.name(), "GET");
    span.assert_absent("http.route");

    let layer = ClientTraceLayer::new(recorder.tracer("shop"));
    let mut client = layer.layer(service_fn(hello));
    let mut request = Request::get("http://a/users/7").body(()).unwrap();
    request.extensions_mut().insert(UrlTemplate::new(""));
    read_to_end(now(client.call(request)).unwrap().into_body()).unwrap();
    let span = recorder.take_one();
    assert_eq!(span.name(), "GET");
    span.assert_absent("url.template");
}
