//! Every fault of the layer is found, and every fact can fail.

use std::cell::Cell;
use std::future::Future;

use http::Request;
use trace_testkit::http::{
    Client, HttpClient, HttpServer, Instrumented, Server, SpanEnd, TestBody, TestService, Wish,
    client, context, end, outcome, run, server, transparency, walk,
};
use tracing_core_ctx::{SpanKind, Tracer};

use crate::reference::{Fault, Layer, Reference};
use crate::wrong::{self, found};

thread_local! {
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

/// The reference with the fault that the test chose.
struct Wrong;

impl Wrong {
    fn layer(tracer: Tracer, kind: SpanKind) -> Layer {
        Layer::new(tracer, kind).with_fault(FAULT.get())
    }
}

impl HttpServer for Wrong {
    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        Self::layer(tracer, SpanKind::Server).around(inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        Some(
            Self::layer(tracer, SpanKind::Server)
                .with_wish(wish)
                .around(inner),
        )
    }
}

impl HttpClient for Wrong {
    const END: SpanEnd = SpanEnd::Body;

    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        Self::layer(tracer, SpanKind::Client).around(inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        Some(
            Self::layer(tracer, SpanKind::Client)
                .with_wish(wish)
                .around(inner),
        )
    }

    fn mark_resend(request: &mut Request<TestBody>, count: u32) -> bool {
        Reference::mark_resend(request, count)
    }
}

/// Whether the fact holds in spite of the fault.
fn holds<F: Future<Output = ()>>(fault: Fault, fact: fn() -> F) -> bool {
    FAULT.set(fault);
    let held = wrong::holds(fault != Fault::None, || run(fact()));
    FAULT.set(Fault::None);
    held
}

/// Asserts that some fault makes the fact fail, and not only one that makes all facts fail. A fact that no fault can hurt proves nothing.
#[track_caller]
fn assert_can_fail<F: Future<Output = ()>>(fact: fn() -> F) {
    assert!(holds(Fault::None, fact), "it fails without a fault");
    let found = Fault::ALL.iter().any(|fault| {
        !matches!(
            fault,
            Fault::EmptyAttributes | Fault::LeaksContext | Fault::Two
        ) && !holds(*fault, fact)
    });
    assert!(found, "no fault makes it fail");
}

macro_rules! each_can_fail {
    ($($topic:ident)::+, $side:ty; $($fact:ident)*) => {
        each_can_fail! { @each [$($topic)::+] [$side] $($fact)* }
    };
    (@each $topic:tt $side:tt $($fact:ident)*) => {
        $(each_can_fail! { @one $topic $side $fact })*
    };
    (@one [$($topic:ident)::+] [$side:ty] $fact:ident) => {
        #[test]
        fn $fact() {
            assert_can_fail(trace_testkit::http::$($topic)::+::$fact::<$side>);
        }
    };
}

mod every_fact_about_servers_can_fail {
    use super::{Wrong, assert_can_fail};

    trace_testkit::http_facts_of_servers! { [each_can_fail] Wrong }
}

mod every_fact_about_clients_can_fail {
    use super::{Wrong, assert_can_fail};

    trace_testkit::http_facts_of_clients! { [each_can_fail] Wrong }
}

type S = Server<Wrong>;
type C = Client<Wrong>;

found! {
    AppendsHeaders => headers_appended_and_not_replaced [
        client::propagation::stale_headers_are_replaced::<Wrong>,
    ]
    BelievesAmbientSpan => a_parent_from_where_the_server_runs [
        server::propagation::an_ambient_span_is_no_parent::<Wrong>,
    ]
    CancelIsError => a_cancellation_as_an_error [
        outcome::dropped_before_the_head_is_cancelled_without_a_status_code::<S>,
        outcome::dropped_before_the_first_poll_is_cancelled::<S>,
        outcome::dropped_in_the_body_is_cancelled_with_its_status_code::<C>,
        walk::random_exchanges_give_one_span_each::<S>,
    ]
    CapturesHeaders => headers_recorded_unasked [
        server::headers::no_header_is_captured_by_default::<Wrong>,
        client::headers::no_header_is_captured_by_default::<Wrong>,
    ]
    CapturesListedCredentials => listed_credentials [
        server::headers::credentials_are_never_captured::<Wrong>,
        client::headers::credentials_are_never_captured::<Wrong>,
    ]
    ClearsRandomFlag => a_flag_that_is_lost_on_the_way [
        client::propagation::the_random_flag_is_sent_along::<Wrong>,
    ]
    ClonesAfterReady => readiness_of_another_clone [
        transparency::readiness_is_asked_of_the_instance_that_is_called::<S>,
    ]
    CodeIsText => a_status_code_as_text [
        server::attributes::required_attributes_are_there::<Wrong>,
        client::attributes::required_attributes_are_there::<Wrong>,
    ]
    DropsTrailers => trailers_that_are_gone [
        end::trailers_end_the_span_and_pass_unchanged::<S>,
    ]
    EmptyAttributes => attributes_that_are_empty_and_not_absent [
        server::attributes::what_does_not_apply_is_absent::<Wrong>,
        client::attributes::resends_are_counted_from_the_second_attempt_on::<Wrong>,
    ]
    EndsAtDropOfBody => an_end_when_the_body_is_dropped [
        end::the_end_is_when_the_last_frame_came_and_not_when_the_body_was_dropped::<S>,
        end::the_span_ends_where_it_should::<S>,
        outcome::dropped_in_the_body_is_cancelled_with_its_status_code::<S>,
    ]
    EndsAtHead => a_span_that_ends_at_the_head [
        end::the_span_ends_where_it_should::<S>,
        end::the_end_is_when_the_last_frame_came_and_not_when_the_body_was_dropped::<S>,
        outcome::dropped_in_the_body_is_cancelled_with_its_status_code::<S>,
        outcome::a_body_that_breaks_is_an_error::<S>,
        walk::random_exchanges_give_one_span_each::<S>,
    ]
    EndsWithLastContext => a_span_that_lives_as_long_as_its_context [
        end::a_context_kept_elsewhere_does_not_keep_the_span_open::<S>,
        end::a_context_kept_elsewhere_does_not_keep_the_span_open::<C>,
    ]
    FirstHeaderOnly => only_the_first_header_of_a_name [
        server::propagation::all_tracestate_headers_are_combined::<Wrong>,
        server::propagation::two_traceparents_start_a_new_trace::<Wrong>,
        server::propagation::baggage_is_current_in_the_handler::<Wrong>,
    ]
    IgnoresContentLength => a_known_length_that_is_ignored [
        end::content_length_reached_is_complete_though_never_polled_to_the_end::<S>,
        end::an_exact_size_reached_is_complete_though_never_polled_to_the_end::<S>,
    ]
    IgnoresCurrent => a_call_that_is_below_nothing [
        client::propagation::the_current_span_is_the_parent::<Wrong>,
        client::propagation::calls_from_one_place_are_siblings::<Wrong>,
    ]
    IgnoresHead => bodies_that_are_never_sent [
        end::an_answer_to_head_ends_at_the_head::<S>,
        end::a_204_and_a_304_end_at_the_head::<S>,
    ]
    IgnoresRoute => a_name_without_the_route [
        server::attributes::a_known_route_is_in_the_name::<Wrong>,
        client::attributes::a_known_template_is_in_the_name::<Wrong>,
    ]
    IgnoresTrust => trust_in_everybody [
        server::propagation::a_caller_who_is_not_trusted_is_linked_and_not_followed::<Wrong>,
        server::propagation::a_sampled_flag_that_is_not_believed_does_not_decide::<Wrong>,
        client::propagation::hosts_that_are_not_listed_are_told_nothing::<Wrong>,
    ]
    IgnoresUpgrade => an_upgrade_that_is_not_seen [
        end::an_upgrade_ends_at_the_head::<S>,
        end::connect_that_succeeds_ends_at_the_head::<S>,
    ]
    InventsParent => a_parent_that_nobody_sent [
        server::propagation::a_request_without_context_starts_a_trace::<Wrong>,
        server::propagation::a_malformed_traceparent_starts_a_new_trace::<Wrong>,
    ]
    LeaksContext => a_context_that_is_left_behind_for_good [
        context::nothing_is_current_outside::<S>,
        context::interleaved_requests_keep_their_contexts::<S>,
        walk::random_exchanges_give_one_span_each::<S>,
    ]
    LeaksUntilDrop => a_context_that_is_left_between_polls [
        context::nothing_is_current_outside::<S>,
        context::nothing_is_current_outside::<C>,
        context::the_callers_context_is_current_again_outside::<S>,
        context::a_panic_leaves_nothing_current::<S>,
    ]
    LenientParser => headers_read_as_numbers [
        server::propagation::a_malformed_traceparent_starts_a_new_trace::<Wrong>,
        server::propagation::a_broken_tracestate_does_not_break_the_trace::<Wrong>,
        server::propagation::tracestate_without_traceparent_is_dropped::<Wrong>,
        server::propagation::the_random_flag_is_kept::<Wrong>,
    ]
    LosesEnd => is_end_stream_that_is_not_forwarded [
        transparency::size_hint_and_end_are_forwarded_exactly::<S>,
    ]
    LosesErrors => errors_that_become_others [
        transparency::errors_pass_unchanged::<S>,
    ]
    LosesExtensions => extensions_that_are_gone [
        transparency::the_inner_service_sees_the_request_unchanged::<S>,
        transparency::the_caller_sees_the_answer_unchanged::<S>,
    ]
    LosesSizeHint => a_size_hint_that_is_not_forwarded [
        transparency::size_hint_and_end_are_forwarded_exactly::<S>,
    ]
    MarksSuccessOk => a_success_marked_ok [
        server::attributes::every_method_and_status_is_described_by_the_conventions::<Wrong>,
        end::the_span_ends_where_it_should::<C>,
    ]
    MessageIsErrorType => a_message_as_error_type [
        outcome::a_service_that_fails_is_an_error::<S>,
        outcome::a_body_that_breaks_is_an_error::<S>,
    ]
    NotCurrentInBody => no_context_in_the_body [
        server::context::the_span_is_current_in_every_poll_of_the_body::<Wrong>,
    ]
    NotCurrentInBodyDrop => no_context_in_the_drop_of_the_body [
        server::context::the_span_is_current_when_the_body_is_dropped::<Wrong>,
    ]
    NotCurrentInCall => no_context_in_call [
        context::the_span_is_current_in_call::<S>,
        context::the_span_is_current_in_call::<C>,
    ]
    NotCurrentInDrop => no_context_in_drop [
        context::the_span_is_current_when_the_future_is_dropped::<S>,
    ]
    NotCurrentInPoll => no_context_in_poll [
        context::the_span_is_current_in_every_poll::<S>,
        context::interleaved_requests_keep_their_contexts::<S>,
        server::propagation::a_span_started_in_the_handler_is_a_child::<Wrong>,
    ]
    PanicsAreCancellations => a_panic_as_a_cancellation [
        outcome::a_panic_caught_outside_is_no_cancellation::<S>,
        walk::random_exchanges_give_one_span_each::<S>,
    ]
    PanicsUnseen => panics_that_are_not_looked_for [
        outcome::a_panic_in_call_is_an_error::<S>,
        outcome::a_panic_in_the_inner_service_is_an_error::<S>,
        outcome::a_panic_in_the_body_is_an_error::<S>,
    ]
    ParentIsLocal => a_caller_that_is_not_remote [
        server::propagation::the_callers_trace_is_continued_with_a_remote_parent::<Wrong>,
    ]
    PathIsName => a_path_as_name [
        server::attributes::the_path_is_never_the_name_or_the_route::<Wrong>,
        client::attributes::the_path_is_never_the_name::<Wrong>,
    ]
    PortInAddress => an_address_with_its_port [
        server::attributes::the_host_is_read_without_its_port::<Wrong>,
        client::attributes::the_port_is_said_even_when_it_is_the_default::<Wrong>,
    ]
    RawMethod => a_method_as_it_came [
        server::attributes::an_unknown_method_is_other::<Wrong>,
        server::attributes::methods_are_compared_with_their_case::<Wrong>,
        client::attributes::an_unknown_method_is_other::<Wrong>,
    ]
    RecordsTelemetry => telemetry_that_traces_itself [
        client::propagation::telemetrys_own_calls_are_not_recorded::<Wrong>,
    ]
    RecordsUnsampled => unsampled_traces_recorded_as_new_ones [
        server::propagation::an_unsampled_caller_is_not_recorded_and_travels_on::<Wrong>,
        client::propagation::an_unsampled_parent_is_not_recorded_and_is_sent_along::<Wrong>,
    ]
    SaysReady => readiness_that_is_not_passed_on [
        transparency::readiness_is_passed_on::<S>,
        outcome::readiness_that_fails_is_no_exchange::<S>,
    ]
    ScopeAcrossPolls => a_scope_that_takes_off_only_itself [
        context::a_scope_that_is_leaked_inside_does_not_outlive_the_poll::<S>,
    ]
    SeesNoBodyError => a_body_that_breaks_unseen [
        outcome::a_body_that_breaks_is_an_error::<S>,
    ]
    SendsParent => the_parent_sent_in_place_of_the_span [
        client::propagation::the_span_is_sent_along::<Wrong>,
    ]
    SendsTraceparentOnly => a_context_sent_in_part [
        client::propagation::the_tracestate_of_the_parent_is_sent_along::<Wrong>,
        client::propagation::baggage_is_sent_along::<Wrong>,
    ]
    ServerFailsOn4xx => a_4xx_as_a_failure_of_the_server [
        server::attributes::every_method_and_status_is_described_by_the_conventions::<Wrong>,
    ]
    StartsInPoll => a_start_in_the_first_poll [
        end::the_span_starts_with_the_call_and_not_with_the_first_poll::<S>,
        client::propagation::the_parent_is_the_span_that_was_current_in_call::<Wrong>,
    ]
    TakesHeaders => headers_taken_from_the_handler [
        server::propagation::the_handler_sees_the_callers_headers::<Wrong>,
    ]
    TellsSamplersNothing => attributes_set_after_the_sampler_was_asked [
        server::attributes::the_sampler_sees_what_the_start_knows::<Wrong>,
        client::attributes::the_sampler_sees_what_the_start_knows::<Wrong>,
    ]
    TellsSecrets => secrets_in_urls [
        server::attributes::the_query_is_recorded_with_its_secrets_redacted::<Wrong>,
        client::attributes::secrets_in_the_query_are_redacted::<Wrong>,
        client::attributes::the_url_is_recorded_without_credentials_and_the_request_keeps_them::<Wrong>,
    ]
    TrustsForwarded => forwarded_headers_that_are_believed [
        server::attributes::forwarded_headers_are_not_believed_by_default::<Wrong>,
    ]
    Two => two_spans_for_one_exchange [
        walk::random_exchanges_give_one_span_each::<S>,
        walk::random_exchanges_give_one_span_each::<C>,
    ]
    VersionHasName => a_version_with_a_zero_too_many [
        server::attributes::the_protocol_version_is_a_bare_number::<Wrong>,
        client::attributes::the_protocol_version_is_that_of_the_answer::<Wrong>,
    ]
    VersionZeroOnly => a_parser_for_one_version [
        server::propagation::a_higher_version_is_read_as_far_as_it_is_known::<Wrong>,
    ]
    WaitsForNone => a_wait_for_a_poll_that_never_comes [
        end::an_empty_body_ends_at_the_head_though_it_is_never_polled::<S>,
        end::a_body_that_knows_its_end_ends_with_its_last_frame::<S>,
    ]
}
