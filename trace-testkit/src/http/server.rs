//! What an instrumentation of HTTP servers has to do: the facts, by topic.
//!
//! | topic | what it is about |
//! |---|---|
//! | [`propagation`] | whose trace a request belongs to |
//! | [`attributes`] | name, kind, attributes and status |
//! | [`headers`] | what of the headers is recorded |
//! | [`context`] | where the span is current: in the body too |
//! | [`http::context`](super::context), [`end`](super::end), [`outcome`](super::outcome), [`transparency`](super::transparency), [`walk`](super::walk) | what both sides have to do |

pub mod attributes;
pub mod context;
pub mod headers;
pub mod propagation;

use std::future::Future;

use http::{Request, Response};
use tracing_core_ctx::Tracer;

use super::call::Stage;
use super::side::{Server, around, bare_request};
use super::{BoxError, Instrumented, TestBody, TestService, Wish};

/// An instrumentation of HTTP servers, for [`http_server_suite!`](crate::http_server_suite).
///
/// It is set up with its defaults and continues the traces of its callers.
pub trait HttpServer {
    /// Whether errors of the inner service reach the instrumentation as errors. False where a framework in between turns them into responses. Default: yes.
    const SEES_ERRORS: bool = true;

    /// Puts the instrumentation around `inner`, recording with `tracer`.
    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented;

    /// The same with a setting that some facts need. Default: `None`, there is no such setting; these facts then hold by default.
    #[must_use]
    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        let _ = (wish, tracer, inner);
        None
    }
}

/// A server under test that answers with `handler`.
fn serve<H, F, R>(handler: F) -> Stage
where
    H: HttpServer,
    F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
{
    around::<Server<H>, _, _>(handler)
}

/// A request as it comes in over HTTP/1.1.
fn get(target: &str) -> Request<TestBody> {
    bare_request("GET", target)
}

/// Tests an instrumentation of HTTP servers: one `#[test]` for each fact of [`http::server`](crate::http::server).
///
/// The argument is a type that implements [`HttpServer`](crate::http::HttpServer). Use the macro in a module of its own for each type.
#[macro_export]
macro_rules! http_server_suite {
    ($harness:ty) => {
        $crate::http_facts_of_servers! { [$crate::http_facts] $harness }
    };
}

/// All facts about servers, topic by topic, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_servers {
    ([$($then:tt)*] $harness:ty) => {
        $crate::http_facts_of_both_sides! { [$($then)*] $crate::http::Server<$harness> }
        $crate::http_facts_of_server_propagation! { [$($then)*] $harness }
        $($then)*! { server::context, $harness;
            the_span_is_current_in_every_poll_of_the_body
            the_span_is_current_when_the_body_is_dropped
        }
        $($then)*! { server::attributes, $harness;
            required_attributes_are_there
            the_sampler_sees_what_the_start_knows
            every_method_and_status_is_described_by_the_conventions
            an_unknown_method_is_other
            methods_are_compared_with_their_case
            the_path_is_never_the_name_or_the_route
            a_known_route_is_in_the_name
            what_does_not_apply_is_absent
            the_query_is_recorded_with_its_secrets_redacted
            the_host_is_read_without_its_port
            forwarded_headers_are_not_believed_by_default
            the_protocol_version_is_a_bare_number
        }
        $($then)*! { server::headers, $harness;
            no_header_is_captured_by_default
            listed_headers_are_captured_as_lists
            credentials_are_never_captured
            hostile_headers_do_not_hurt_the_request
        }
    };
}

/// Whose trace it is, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_server_propagation {
    ([$($then:tt)*] $harness:ty) => {
        $($then)*! { server::propagation, $harness;
            the_callers_trace_is_continued_with_a_remote_parent
            a_request_without_context_starts_a_trace
            a_malformed_traceparent_starts_a_new_trace
            two_traceparents_start_a_new_trace
            a_higher_version_is_read_as_far_as_it_is_known
            tracestate_without_traceparent_is_dropped
            all_tracestate_headers_are_combined
            a_broken_tracestate_does_not_break_the_trace
            an_unsampled_caller_is_not_recorded_and_travels_on
            the_random_flag_is_kept
            baggage_is_current_in_the_handler
            a_span_started_in_the_handler_is_a_child
            an_ambient_span_is_no_parent
            the_handler_sees_the_callers_headers
            a_caller_who_is_not_trusted_is_linked_and_not_followed
            a_sampled_flag_that_is_not_believed_does_not_decide
        }
    };
}
