//! The suite for message queues against an instrumentation that is right, and against many that are wrong in one thing.

mod reference;

use std::future::Future;

use trace_testkit::http::run;
use trace_testkit::messaging::{consuming, producing, trust};
use tracing_core_ctx::Context;

use self::reference::{FAULT, Fault, Reference};
use crate::wrong::{self, found};

mod the_reference {
    use super::Reference;

    trace_testkit::messaging_suite!(Reference);
}

/// Whether the fact holds in spite of the fault.
fn holds<F: Future<Output = ()> + Send + 'static>(fault: Fault, fact: fn() -> F) -> bool {
    FAULT.set(fault);
    let held = wrong::holds(fault != Fault::None, || {
        // What a fault leaves attached goes with this scope.
        Context::new().scope(|| run(fact()));
    });
    FAULT.set(Fault::None);
    held
}

/// Asserts that some fault makes the fact fail. A fact that no fault can hurt proves nothing.
#[track_caller]
fn assert_can_fail<F: Future<Output = ()> + Send + 'static>(fact: fn() -> F) {
    assert!(holds(Fault::None, fact), "it fails without a fault");
    let found = Fault::ALL.iter().any(|fault| !holds(*fault, fact));
    assert!(found, "no fault makes it fail");
}

macro_rules! each_can_fail {
    ($topic:ident, $harness:ty; $($fact:ident)*) => {
        each_can_fail! { @each $topic [$harness] $($fact)* }
    };
    (@each $topic:ident $harness:tt $($fact:ident)*) => {
        $(each_can_fail! { @one $topic $harness $fact })*
    };
    (@one $topic:ident [$harness:ty] $fact:ident) => {
        #[test]
        fn $fact() {
            assert_can_fail(trace_testkit::messaging::$topic::$fact::<$harness>);
        }
    };
}

mod every_fact_can_fail {
    use super::{Reference, assert_can_fail};

    trace_testkit::messaging_facts! { [each_can_fail] Reference }
}

type R = Reference;

found! {
    AlwaysAChild => a_child_of_the_producer_below_another_span [
        consuming::under_an_active_span_a_message_is_linked_and_no_child_of_its_producer::<R>,
    ]
    AppendsHeaders => headers_appended_and_not_replaced [
        producing::a_context_that_is_there_is_replaced_on_request::<R>,
        producing::a_context_that_is_there_is_respected_and_linked::<R>,
    ]
    BelievesNoFlags => an_unsampled_producer_that_is_not_believed [
        trust::a_forged_flag_can_hide_from_recording_unless_it_is_not_believed::<R>,
    ]
    ClearsHeaders => headers_taken_away_before_the_work [
        consuming::the_message_comes_as_it_was_sent::<R>,
    ]
    DropsBinaryHeaders => headers_lost_for_their_bytes [
        producing::other_headers_travel_untouched::<R>,
    ]
    EndsBeforeTheWork => a_span_that_does_not_cover_the_work [
        consuming::the_work_may_describe_the_span::<R>,
    ]
    FailsWhatIsGivenUp => a_failure_of_what_nobody_waited_for [
        producing::a_send_that_is_given_up_has_not_failed::<R>,
    ]
    ForgetsBaggageOfMessages => baggage_lost_on_arrival [
        consuming::the_baggage_of_the_message_is_current_in_the_work::<R>,
    ]
    ForgetsToSendBaggage => baggage_that_stays_behind [
        producing::baggage_travels_whatever_is_in_it::<R>,
    ]
    IgnoresTheActiveSpan => a_send_span_without_its_parent [
        producing::the_send_span_is_a_child_of_the_active_one::<R>,
        producing::an_unsampled_parent_is_not_recorded_and_travels_on::<R>,
    ]
    IgnoresWishes => settings_without_effect [
        producing::a_context_that_is_there_is_replaced_on_request::<R>,
        consuming::linked_only_is_a_trace_of_its_own::<R>,
        consuming::a_child_only_has_no_link::<R>,
        trust::a_forged_flag_can_hide_from_recording_unless_it_is_not_believed::<R>,
        trust::strangers_are_linked_and_not_followed::<R>,
        trust::a_strangers_baggage_is_dropped::<R>,
    ]
    InventsParents => parents_that_nobody_sent [
        consuming::a_message_without_context_starts_a_trace::<R>,
        consuming::what_is_no_context_starts_a_trace::<R>,
    ]
    LeaksWhenProcessing => a_context_left_on_the_thread_of_the_work [
        consuming::the_span_is_current_in_the_work_and_nowhere_else::<R>,
    ]
    LeaksWhenSending => a_context_left_on_the_thread_of_the_sender [
        producing::nothing_is_current_after_sending::<R>,
    ]
    LinksNothing => links_that_are_missing [
        producing::a_context_that_is_there_is_respected_and_linked::<R>,
        consuming::a_consumer_follows_from_its_producer::<R>,
        consuming::linked_only_is_a_trace_of_its_own::<R>,
        trust::strangers_are_linked_and_not_followed::<R>,
    ]
    MalformedIsAFailure => a_failure_over_what_a_stranger_wrote [
        consuming::what_is_no_context_starts_a_trace::<R>,
    ]
    NamesTheDestinationAlone => names_without_their_operation [
        producing::the_send_span_says_what_the_conventions_want::<R>,
        consuming::the_process_span_says_what_the_conventions_want::<R>,
    ]
    NeverRespects => a_context_that_was_made_elsewhere_and_is_lost [
        producing::a_context_that_is_there_is_respected_and_linked::<R>,
    ]
    NotCurrentInTheWork => work_outside_of_its_span [
        consuming::the_span_is_current_in_the_work_and_nowhere_else::<R>,
        consuming::the_baggage_of_the_message_is_current_in_the_work::<R>,
        consuming::the_work_may_describe_the_span::<R>,
    ]
    ProcessIsInternal => a_process_span_of_another_kind [
        consuming::the_process_span_says_what_the_conventions_want::<R>,
    ]
    PullsAsAChild => a_pull_below_the_producer [
        consuming::pulling_is_linked_to_the_producer_and_no_child_of_it::<R>,
    ]
    ReadsTheFirst => the_context_that_was_there_first [
        consuming::of_two_contexts_the_last_counts::<R>,
    ]
    ReversesMessages => messages_out_of_order [
        consuming::messages_in_a_row_are_spans_of_their_own::<R>,
    ]
    SendIsInternal => a_send_span_of_another_kind [
        producing::the_send_span_says_what_the_conventions_want::<R>,
        producing::a_context_that_is_there_is_respected_and_linked::<R>,
    ]
    SendsItsParent => a_context_that_is_not_that_of_the_send_span [
        producing::the_context_of_the_send_span_travels::<R>,
    ]
    SendsOnlyWhatIsRecorded => a_decision_that_does_not_travel [
        producing::an_unsampled_parent_is_not_recorded_and_travels_on::<R>,
    ]
    SettlesElsewhere => an_ack_in_a_trace_of_its_own [
        consuming::settling_is_below_the_process_span::<R>,
    ]
    SortsHeaders => headers_in_another_order [
        producing::other_headers_travel_untouched::<R>,
    ]
    StartsWhatWaits => spans_of_what_nobody_has_asked_for [
        consuming::what_waits_in_the_queue_has_no_span::<R>,
    ]
    StrangersBaggage => the_baggage_of_strangers [
        trust::a_strangers_baggage_is_dropped::<R>,
    ]
    StrictFlags => flags_of_another_level [
        consuming::the_flags_of_the_second_level_are_understood::<R>,
    ]
    StrictNames => names_in_capitals [
        consuming::a_value_in_quotes_and_a_name_in_capitals_are_read::<R>,
    ]
    SwallowsPanics => panics_that_nobody_sees [
        consuming::a_panic_in_the_work_fails_the_span::<R>,
    ]
    TakesQuotesForGood => values_in_quotes [
        consuming::a_value_in_quotes_and_a_name_in_capitals_are_read::<R>,
    ]
}
