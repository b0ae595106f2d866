//! Contracts that every instrumentation of gRPC has to keep, as suites of named tests.
//!
//! gRPC is HTTP/2 with its own status, so a harness is one of HTTP: it implements [`HttpServer`](crate::http::HttpServer) or
//! [`HttpClient`](crate::http::HttpClient) for a layer that traces calls.
//!
//! ```
//! # struct TraceLayer;
//! # impl TraceLayer {
//! #     fn new(_: Tracer) -> Self { Self }
//! #     fn layer(&self, inner: TestService) -> TestService { inner }
//! # }
//! use trace_testkit::http::{HttpServer, Instrumented, TestService};
//! use tracing_core_ctx::Tracer;
//!
//! struct Layer;
//!
//! impl HttpServer for Layer {
//!     fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
//!         Instrumented::new(TraceLayer::new(tracer).layer(inner))
//!     }
//! }
//!
//! // In a module of tests: one `#[test]` for each fact.
//! trace_testkit::grpc_server_suite!(Layer);
//! # fn main() {}
//! ```
//!
//! | topic | what it is about |
//! |---|---|
//! | [`status`] | which code a call ended with, and whether that is an error |
//! | [`end`] | when and how the span ends |
//! | [`method`] | name, kind and attributes |
//! | [`metadata`] | what of the metadata is recorded |
//! | [`http::context`](crate::http::context), [`http::transparency`](crate::http::transparency) | where the span is current; that nothing is changed |
//! | [`http::server::propagation`](crate::http::server::propagation), [`http::client::propagation`](crate::http::client::propagation) | whose trace it is |
//!
//! In a [`Wish`](crate::http::Wish) headers are metadata, and there are no routes.

pub mod end;
pub mod metadata;
pub mod method;
pub mod status;

use http::{HeaderMap, HeaderValue, Request, Response};
use tracing_core_ctx::SpanKind;
use tracing_core_ctx::semconv::rpc_grpc_status_code;

use crate::RecordedSpan;
use crate::http::conventions::assert_conventional;
use crate::http::{Side, TestBody};

/// The method that is called.
const METHOD: &str = "accept.greeter.v1.Greeter/SayHello";

/// A message of five bytes, with its prefix.
const HELLO: &[u8] = b"\0\0\0\0\x05hello";

/// A call of [`METHOD`].
fn call() -> Request<TestBody> {
    call_of(&format!("/{METHOD}"))
}

/// A call of whatever is at this path.
fn call_of(path: &str) -> Request<TestBody> {
    let request = Request::builder()
        .method("POST")
        .uri(format!("http://shop.example:8080{path}"))
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(TestBody::new().data(HELLO));
    match request {
        Ok(request) => request,
        Err(error) => panic!("{path} is no request: {error}"),
    }
}

/// The head of an answer.
fn head(body: TestBody) -> Response<TestBody> {
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}

/// An answer of so many messages, with its status in the trailers.
fn streamed(messages: usize, status: &str, message: Option<&'static str>) -> Response<TestBody> {
    let body = (0..messages).fold(TestBody::new(), |body, _| body.data(HELLO));
    head(body.trailers(status_headers(status, message)))
}

/// An answer that is nothing but its status.
fn trailers_only(status: &str, message: Option<&'static str>) -> Response<TestBody> {
    let mut response = head(TestBody::empty());
    response
        .headers_mut()
        .extend(status_headers(status, message));
    response
}

fn status_headers(status: &str, message: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    match HeaderValue::from_str(status) {
        Ok(status) => headers.insert("grpc-status", status),
        Err(error) => panic!("{status:?} is no header value: {error}"),
    };
    if let Some(message) = message {
        headers.insert("grpc-message", HeaderValue::from_static(message));
    }
    headers
}

/// Whether this side fails by this code: the table of the conventions.
fn is_error<S: Side>(code: &str) -> bool {
    use rpc_grpc_status_code as codes;

    match S::KIND {
        SpanKind::Client => code != codes::OK,
        _ => [
            codes::UNKNOWN,
            codes::DEADLINE_EXCEEDED,
            codes::UNIMPLEMENTED,
            codes::INTERNAL,
            codes::UNAVAILABLE,
            codes::DATA_LOSS,
        ]
        .contains(&code),
    }
}

/// Asserts that the call ended with this code, and is an error exactly where the table says so.
#[track_caller]
fn assert_status<S: Side>(span: &RecordedSpan, code: &str) {
    assert_eq!(span.str("rpc.status_code"), code);
    if is_error::<S>(code) {
        span.assert_failed(code);
    } else {
        span.assert_unset();
    }
    assert_conventional(span);
}

/// Tests an instrumentation of gRPC servers: one `#[test]` for each fact of [`grpc`](crate::grpc).
///
/// The argument is a type that implements [`HttpServer`](crate::http::HttpServer). Use the macro in a module of its own for each type.
#[macro_export]
macro_rules! grpc_server_suite {
    ($harness:ty) => {
        $crate::grpc_facts_of_both_sides! { [$crate::http_facts] [$crate::grpc_facts] $crate::http::Server<$harness> }
        $crate::http_facts_of_server_propagation! { [$crate::http_facts] $harness }
    };
}

/// Tests an instrumentation of gRPC clients: one `#[test]` for each fact of [`grpc`](crate::grpc).
///
/// The argument is a type that implements [`HttpClient`](crate::http::HttpClient). Use the macro in a module of its own for each type.
#[macro_export]
macro_rules! grpc_client_suite {
    ($harness:ty) => {
        $crate::grpc_facts_of_both_sides! { [$crate::http_facts] [$crate::grpc_facts] $crate::http::Client<$harness> }
        $crate::http_facts_of_client_propagation! { [$crate::http_facts] $harness }
    };
}

/// A test for each named fact of a topic.
#[doc(hidden)]
#[macro_export]
macro_rules! grpc_facts {
    ($topic:ident, $side:ty; $($fact:ident)*) => {
        $crate::grpc_facts! { @each $topic [$side] $($fact)* }
    };
    (@each $topic:ident $side:tt $($fact:ident)*) => {
        $($crate::grpc_facts! { @one $topic $side $fact })*
    };
    (@one $topic:ident [$side:ty] $fact:ident) => {
        #[test]
        fn $fact() {
            $crate::http::run($crate::grpc::$topic::$fact::<$side>());
        }
    };
}

/// The facts that hold on both sides, topic by topic, for the macros in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! grpc_facts_of_both_sides {
    ([$($http:tt)*] [$($grpc:tt)*] $side:ty) => {
        $crate::http_facts_of_context_and_transparency! { [$($http)*] $side }
        $($grpc)*! { status, $side;
            every_code_is_recorded_by_its_name_and_fails_where_the_table_says
            the_message_is_the_description_and_nothing_else
            a_status_that_cannot_be_read_is_unknown
            a_missing_status_is_mapped_from_that_of_http
            a_refusal_in_http_is_known_though_its_page_is_not_read
            the_status_of_the_head_counts_before_that_of_the_trailers
        }
        $($grpc)*! { end, $side;
            the_span_ends_with_the_trailers
            the_length_is_not_the_end
            an_answer_of_a_status_alone_ends_at_the_head
            dropped_before_the_head_is_cancelled
            dropped_in_the_stream_is_cancelled
            dropped_after_the_deadline_is_deadline_exceeded
            dropped_after_the_status_is_no_cancellation
            a_stream_that_breaks_has_a_code
            a_service_that_fails_has_a_code
            a_panic_is_an_error
        }
        $($grpc)*! { method, $side;
            required_attributes_are_there
            the_sampler_sees_what_the_start_knows
            what_is_no_method_is_other
        }
        $($grpc)*! { metadata, $side;
            no_metadata_is_captured_by_default
            listed_metadata_is_captured_where_it_came
            credentials_are_never_captured
        }
    };
}
