//! What an instrumentation of HTTP clients has to do: the facts, by topic.
//!
//! | topic | what it is about |
//! |---|---|
//! | [`propagation`] | what is sent along |
//! | [`attributes`] | name, kind, attributes and status |
//! | [`headers`] | what of the headers is recorded |
//! | [`http::context`](super::context), [`end`](super::end), [`outcome`](super::outcome), [`transparency`](super::transparency), [`walk`](super::walk) | what both sides have to do |

pub mod attributes;
pub mod headers;
pub mod propagation;

use std::future::Future;

use http::{Request, Response};
use tracing_core_ctx::Tracer;

use super::call::Stage;
use super::side::{Client, around, get as get_of_side};
use super::{BoxError, Instrumented, TestBody, TestService, Wish};

/// An instrumentation of HTTP clients, for [`http_client_suite!`](crate::http_client_suite).
///
/// It is set up with its defaults and sends its context to everybody.
pub trait HttpClient {
    /// When its spans end.
    const END: SpanEnd;

    /// Whether errors of the inner service reach the instrumentation as errors. Default: yes.
    const SEES_ERRORS: bool = true;

    /// Puts the instrumentation around `inner`, which plays the connection, recording with `tracer`.
    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented;

    /// The same with a setting that some facts need. Default: `None`, there is no such setting; these facts then hold by default.
    #[must_use]
    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        let _ = (wish, tracer, inner);
        None
    }

    /// Tells the instrumentation that this request is sent for the `count`th time again. Default: false, it cannot be told.
    fn mark_resend(request: &mut Request<TestBody>, count: u32) -> bool {
        let _ = (request, count);
        false
    }
}

/// When the spans of a client end. The conventions allow both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "HTTP has no third point")]
pub enum SpanEnd {
    /// When the body of the response was read or dropped.
    Body,
    /// When the head of the response was read.
    Head,
}

/// A client under test, in front of a peer that answers with `handler`.
fn connect<H, F, R>(handler: F) -> Stage
where
    H: HttpClient,
    F: Fn(Request<TestBody>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Response<TestBody>, BoxError>> + Send + 'static,
{
    around::<Client<H>, _, _>(handler)
}

/// A request to `http://shop.example:8080`.
fn get<H: HttpClient>(path: &str) -> Request<TestBody> {
    get_of_side::<Client<H>>(path)
}

/// Tests an instrumentation of HTTP clients: one `#[test]` for each fact of [`http::client`](crate::http::client).
///
/// The argument is a type that implements [`HttpClient`]. Use the macro in a module of its own for each type.
#[macro_export]
macro_rules! http_client_suite {
    ($harness:ty) => {
        $crate::http_facts_of_clients! { [$crate::http_facts] $harness }
    };
}

/// All facts about clients, topic by topic, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_clients {
    ([$($then:tt)*] $harness:ty) => {
        $crate::http_facts_of_both_sides! { [$($then)*] $crate::http::Client<$harness> }
        $crate::http_facts_of_client_propagation! { [$($then)*] $harness }
        $($then)*! { client::attributes, $harness;
            required_attributes_are_there
            the_sampler_sees_what_the_start_knows
            every_method_and_status_is_described_by_the_conventions
            an_unknown_method_is_other
            the_path_is_never_the_name
            a_known_template_is_in_the_name
            what_does_not_apply_is_absent
            the_url_is_recorded_without_credentials_and_the_request_keeps_them
            secrets_in_the_query_are_redacted
            the_port_is_said_even_when_it_is_the_default
            an_origin_form_target_is_completed_from_the_host_header
            the_protocol_version_is_that_of_the_answer
            resends_are_counted_from_the_second_attempt_on
        }
        $($then)*! { client::headers, $harness;
            no_header_is_captured_by_default
            listed_headers_are_captured_as_lists
            credentials_are_never_captured
        }
    };
}

/// Whose trace it is, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_client_propagation {
    ([$($then:tt)*] $harness:ty) => {
        $($then)*! { client::propagation, $harness;
            the_span_is_sent_along
            stale_headers_are_replaced
            the_current_span_is_the_parent
            a_call_without_a_parent_starts_a_trace
            calls_from_one_place_are_siblings
            the_parent_is_the_span_that_was_current_in_call
            an_unsampled_parent_is_not_recorded_and_is_sent_along
            the_tracestate_of_the_parent_is_sent_along
            the_random_flag_is_sent_along
            baggage_is_sent_along
            unprintable_baggage_does_not_hurt_the_request
            telemetrys_own_calls_are_not_recorded
            hosts_that_are_not_listed_are_told_nothing
        }
    };
}
