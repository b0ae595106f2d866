use std::future::Future;
use std::marker::PhantomData;

use http::{Request, Response};
use tracing_core_ctx::{SpanKind, Tracer};

use super::call::Stage;
use super::{BoxError, HttpClient, HttpServer, Instrumented, SpanEnd, TestBody, TestService, Wish};

/// Server or client: facts that hold for both are written once, for either of them.
pub trait Side {
    /// When spans end.
    const END: SpanEnd;

    /// The first status code that is a failure of this side.
    const FAILS_FROM: u16;

    /// The kind of the spans.
    const KIND: SpanKind;

    /// Whether errors of the inner service reach the instrumentation as errors.
    const SEES_ERRORS: bool;

    /// Puts the instrumentation around `inner`.
    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented;

    /// The same with a setting, if there is such a setting.
    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented>;

    /// The target of a request for this path, as this side sees it.
    fn target(path: &str) -> String;
}

/// The side of the one who answers.
#[derive(Debug)]
pub struct Server<H>(PhantomData<H>);

impl<H: HttpServer> Side for Server<H> {
    const END: SpanEnd = SpanEnd::Body;
    const FAILS_FROM: u16 = 500;
    const KIND: SpanKind = SpanKind::Server;
    const SEES_ERRORS: bool = H::SEES_ERRORS;

    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        H::instrument(tracer, inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        H::instrument_with(wish, tracer, inner)
    }

    fn target(path: &str) -> String {
        path.to_owned()
    }
}

/// The side of the one who asks.
#[derive(Debug)]
pub struct Client<H>(PhantomData<H>);

impl<H: HttpClient> Side for Client<H> {
    const END: SpanEnd = H::END;
    const FAILS_FROM: u16 = 400;
    const KIND: SpanKind = SpanKind::Client;
    const SEES_ERRORS: bool = H::SEES_ERRORS;

    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        H::instrument(tracer, inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        H::instrument_with(wish, tracer, inner)
    }

    fn target(path: &str) -> String {
        format!("http://shop.example:8080{path}")
    }
}

/// This side under test, around a service that answers with `handler`.
pub(crate) fn around<S, F, R>(handler: F) -> Stage
where
    S: Side,
    F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
{
    Stage::new(S::instrument, handler)
}

/// A request without a body, as it stands before this side over HTTP/1.1.
pub(crate) fn get<S: Side>(path: &str) -> Request<TestBody> {
    request::<S>("GET", path)
}

pub(crate) fn request<S: Side>(method: &str, path: &str) -> Request<TestBody> {
    let target = if method == "CONNECT" {
        "shop.example:8080".to_owned()
    } else {
        S::target(path)
    };
    bare_request(method, &target)
}

/// A request for exactly this target.
pub(crate) fn bare_request(method: &str, target: &str) -> Request<TestBody> {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "shop.example:8080")
        .body(TestBody::empty());
    match request {
        Ok(request) => request,
        Err(error) => panic!("{method} {target} is no request: {error}"),
    }
}

/// An answer with this status.
pub(crate) fn answer(code: u16, body: TestBody) -> Response<TestBody> {
    match Response::builder().status(code).body(body) {
        Ok(response) => response,
        Err(error) => panic!("{code} is no status: {error}"),
    }
}
