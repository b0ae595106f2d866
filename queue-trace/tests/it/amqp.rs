//! lapin, on two brokers: the one in this process, always, and RabbitMQ, where it answers.

mod broker;
mod consuming;
mod faults;
mod headers;
mod letters;
mod load;
mod places;
mod publishing;
mod requests;
mod services;
mod settling;
mod stage;

/// A test for each fact on each broker. The name of a test says which.
macro_rules! on_each_broker {
    ($($topic:ident { $($fact:ident)* })*) => {
        mod in_process {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
                async fn $fact() {
                    let fact = crate::amqp::$topic::$fact;
                    crate::amqp::stage::in_process(stringify!($fact), fact).await;
                })*
            })*
        }
        mod rabbitmq {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
                async fn $fact() {
                    let fact = crate::amqp::$topic::$fact;
                    crate::amqp::stage::rabbitmq(stringify!($fact), fact).await;
                })*
            })*
        }
    };
}

on_each_broker! {
    broker {
        a_queue_has_the_name_that_it_is_given_or_gets_one
        a_queue_of_one_connection_is_locked_for_others_and_gone_with_it
        a_queue_that_deletes_itself_goes_with_its_last_consumer
        a_queue_is_purged_and_deleted_with_what_is_in_it
        a_consumer_of_a_queue_that_is_deleted_is_told
        exchanges_route_by_key_pattern_headers_or_to_all
        a_binding_that_is_taken_away_routes_no_more
        a_consumer_holds_no_more_than_it_may
        consumers_of_one_channel_share_a_limit
        consumers_take_turns
        what_is_put_back_comes_again_in_its_order
        what_a_closed_channel_held_comes_again
        what_a_lost_connection_held_comes_again
        all_that_was_handed_over_is_settled_by_tag_zero
        a_message_whose_time_is_over_is_a_dead_letter
        of_too_many_messages_the_first_is_a_dead_letter
        deaths_are_counted_for_each_queue_and_reason
        every_kind_of_header_arrives_as_it_was_sent
        a_short_string_among_the_headers_closes_the_connection
        large_and_empty_bodies_arrive_whole
        every_publication_of_many_is_confirmed
        a_returned_message_is_whole
        replies_come_directly
        who_stops_to_wait_for_replies_may_begin_again
        a_reply_to_nobody_closes_the_channel
        a_stream_is_read_from_where_one_likes_and_stays
        what_is_wrong_closes_the_channel_with_its_code
        recovery_brings_back_what_was_not_settled
    }
    publishing {
        a_message_that_no_queue_takes_has_failed
        a_message_that_the_broker_refuses_has_failed
        an_exchange_that_is_not_there_fails_the_publication
        a_confirmation_that_is_given_up_ends_the_span_as_cancelled
        publications_that_are_confirmed_together_end_with_their_answers
        nothing_is_lost_or_doubled_when_nothing_is_recorded
    }
    consuming {
        publish_process_and_ack_are_one_trace
        a_get_is_a_receive_span_with_a_link_and_none_when_the_queue_is_empty
        a_delegate_runs_as_the_work_of_the_process_span
        a_delivery_of_a_consumer_without_acks_says_nothing_of_settlement
        a_panic_while_processing_fails_the_span
        a_delegate_that_panics_fails_its_span_and_the_next_is_handled
        deliveries_that_are_never_settled_end_when_they_are_dropped
        a_delivery_that_waits_among_the_prefetched_ones_has_no_span
        work_at_the_same_time_keeps_its_contexts
        a_delivery_that_came_by_another_way_is_processed_alike
        work_that_panics_has_failed
        work_that_is_given_up_is_cancelled_and_may_be_done_again
        work_may_settle_the_delivery_itself
        work_that_has_the_delivery_is_cancelled_or_panics_with_it
    }
    settling {
        how_a_delivery_was_settled_is_told_apart
        many_are_settled_at_once
        a_settlement_on_a_closed_channel_has_failed
        deliveries_are_settled_by_their_tags_in_any_order
        a_settlement_by_tag_is_below_the_process_span_and_says_where
        a_settlement_by_tag_starts_no_trace_of_its_own
        what_the_acker_has_settled_is_not_said_to_be_unsettled
    }
    letters {
        a_dead_letter_knows_its_first_trace_and_how_often_it_died
        a_message_that_is_sent_on_has_the_context_of_who_sends_it
    }
    services {
        a_delivery_is_handled_by_a_service_in_its_span
        a_service_that_fails_has_failed_the_span_however_it_settled
        of_two_layers_the_settlement_is_told_all_the_same
    }
    headers {
        long_strings_and_byte_arrays_are_read_as_contexts
        what_is_no_context_starts_a_trace_and_hurts_nobody
        a_thousand_headers_are_looked_through
        a_value_in_quotes_and_a_name_in_capitals_are_read
        the_flags_of_the_second_level_are_understood
        what_a_stranger_forged_is_believed_as_far_as_one_says
        a_context_is_written_once_as_a_long_string
        baggage_of_the_users_own_travels_beside_the_context
        a_message_without_headers_gets_a_table_only_if_there_is_something_to_write
    }
    places {
        a_destination_is_exchange_key_and_queue
        a_message_to_many_queues_is_processed_once_in_each
        a_queue_that_the_broker_named_names_no_span
        a_queue_without_name_is_the_last_that_was_declared
        a_queue_that_nobody_saw_declared_names_no_span
        a_queue_that_goes_with_its_users_names_no_span
        a_name_with_parameters_has_its_template_in_the_names_of_spans
        a_request_that_is_answered_directly_is_one_trace
        each_reading_of_a_stream_is_linked_to_its_publication
    }
    load {
        ten_thousand_messages_come_once_in_their_order_and_leave_no_span_open
    }
    requests {
        a_reply_is_sent_from_the_process_span_and_names_its_request
        a_reply_with_the_properties_of_its_request_has_a_context_of_its_own
        a_context_of_its_own_in_a_reply_is_respected
        a_relation_can_be_set_for_queues_of_requests
    }
}
