/// A test for each named fact of a topic.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts {
    ($($topic:ident)::+, $side:ty; $($fact:ident)*) => {
        $crate::http_facts! { @each [$($topic)::+] [$side] $($fact)* }
    };
    (@each $topic:tt $side:tt $($fact:ident)*) => {
        $($crate::http_facts! { @one $topic $side $fact })*
    };
    (@one [$($topic:ident)::+] [$side:ty] $fact:ident) => {
        #[test]
        fn $fact() {
            $crate::http::run($crate::http::$($topic)::+::$fact::<$side>());
        }
    };
}

/// The facts that hold on both sides, topic by topic, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_both_sides {
    ([$($then:tt)*] $side:ty) => {
        $crate::http_facts_of_context_and_transparency! { [$($then)*] $side }
        $($then)*! { end, $side;
            the_span_ends_where_it_should
            the_span_starts_with_the_call_and_not_with_the_first_poll
            the_end_is_when_the_last_frame_came_and_not_when_the_body_was_dropped
            an_empty_body_ends_at_the_head_though_it_is_never_polled
            an_answer_to_head_ends_at_the_head
            a_204_and_a_304_end_at_the_head
            a_body_that_knows_its_end_ends_with_its_last_frame
            content_length_reached_is_complete_though_never_polled_to_the_end
            an_exact_size_reached_is_complete_though_never_polled_to_the_end
            trailers_end_the_span_and_pass_unchanged
            an_upgrade_ends_at_the_head
            connect_that_succeeds_ends_at_the_head
            connect_that_is_refused_is_an_ordinary_exchange
            polling_on_after_the_end_is_harmless
            a_context_kept_elsewhere_does_not_keep_the_span_open
        }
        $($then)*! { outcome, $side;
            dropped_before_the_head_is_cancelled_without_a_status_code
            dropped_before_the_first_poll_is_cancelled
            dropped_in_the_body_is_cancelled_with_its_status_code
            a_body_that_is_never_read_is_cancelled
            a_dropped_answer_to_a_failed_request_is_still_an_error
            a_body_that_breaks_is_an_error
            a_service_that_fails_is_an_error
            a_panic_in_call_is_an_error
            a_panic_in_the_inner_service_is_an_error
            a_panic_caught_outside_is_no_cancellation
            a_panic_in_the_body_is_an_error
            readiness_that_fails_is_no_exchange
        }
        $($then)*! { walk, $side;
            random_exchanges_give_one_span_each
        }
    };
}

/// The facts that hold for whatever is carried over HTTP, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! http_facts_of_context_and_transparency {
    ([$($then:tt)*] $side:ty) => {
        $($then)*! { context, $side;
            the_span_is_current_in_call
            the_span_is_current_in_every_poll
            the_span_is_current_when_the_future_is_dropped
            nothing_is_current_outside
            the_callers_context_is_current_again_outside
            interleaved_requests_keep_their_contexts
            a_scope_that_is_leaked_inside_does_not_outlive_the_poll
            a_panic_leaves_nothing_current
            the_future_may_be_polled_on_another_thread
            the_inner_service_may_describe_the_span
        }
        $($then)*! { transparency, $side;
            the_inner_service_sees_the_request_unchanged
            the_caller_sees_the_answer_unchanged
            size_hint_and_end_are_forwarded_exactly
            a_pending_body_wakes_its_reader
            errors_pass_unchanged
            readiness_is_asked_of_the_instance_that_is_called
            readiness_is_passed_on
            a_clone_in_another_task_is_traced_alike
        }
    };
}
