//! Traps of AMQP. Those of `amqp` run on the broker in this process and on RabbitMQ, but for `amqp::faults`.
//!
//! # Headers
//!
//! | trap | test |
//! |---|---|
//! | a context in a short string closes the connection, 541 | `amqp::broker::errors::a_short_string_among_the_headers_closes_the_connection`, `amqp::headers::a_context_is_written_once_as_a_long_string` |
//! | a context in a byte array kills consumers of other languages, or is lost there | `amqp::headers::a_context_is_written_once_as_a_long_string` |
//! | only long strings are read, or only byte arrays | `amqp::headers::long_strings_and_byte_arrays_are_read_as_contexts`, `src::amqp::headers::long_strings_short_strings_and_byte_arrays_are_read` |
//! | a message without headers has no table | `amqp::headers::a_message_without_headers_gets_a_table_only_if_there_is_something_to_write` |
//! | the user's table is thrown away, null and numeric values with it | `amqp::headers::a_context_is_written_once_as_a_long_string`, `amqp::broker::messages::every_kind_of_header_arrives_as_it_was_sent` |
//! | a second context is written beside the stale one | `amqp::headers::a_context_is_written_once_as_a_long_string`, `src::amqp::headers::a_context_is_written_as_a_long_string_in_place_of_any_other` |
//! | a context that the user put there is overwritten | `start::tests::a_context_in_a_message_is_respected` |
//! | values are taken for UTF-8, or for strings at all, and panic | `amqp::headers::what_is_no_context_starts_a_trace_and_hurts_nobody` |
//! | huge values and thousands of headers | `amqp::headers::what_is_no_context_starts_a_trace_and_hurts_nobody`, `amqp::headers::a_thousand_headers_are_looked_through` |
//! | values arrive in quotes, names in capitals | `amqp::headers::a_value_in_quotes_and_a_name_in_capitals_are_read` |
//! | the trace flags `03` are refused | `amqp::headers::the_flags_of_the_second_level_are_understood` |
//! | baggage that cannot stand in a header panics | `amqp::headers::a_context_is_written_once_as_a_long_string` |
//! | unsampled, or without anybody listening, is untraced | `amqp::publishing::nothing_is_lost_or_doubled_when_nothing_is_recorded`, `start::tests::what_is_not_recorded_travels_all_the_same` |
//! | anybody can force recording, hide from it, or tie his spans to ours | `amqp::headers::what_a_stranger_forged_is_believed_as_far_as_one_says`, `start::tests::a_flag_that_is_not_believed_does_not_force_recording` |
//! | numbers in `x-death` are believed, and overflow | `amqp::headers::what_a_stranger_forged_is_believed_as_far_as_one_says`, `src::amqp::facts::deaths_are_those_in_all_queues` |
//! | names of destinations are put together before anybody knows whether they are recorded | `src::amqp::name::destinations_have_the_form_of_the_conventions` |
//!
//! # Producers
//!
//! | trap | test |
//! |---|---|
//! | confirms are ignored: the span ends with the frame | `amqp::publishing::a_message_that_the_broker_refuses_has_failed`, `amqp::consuming::publish_process_and_ack_are_one_trace` |
//! | a message that comes back is a success: its confirmation is an ack | `amqp::publishing::a_message_that_no_queue_takes_has_failed`, `amqp::broker::messages::a_returned_message_is_whole` |
//! | an exchange that is not there is only known at the confirmation | `amqp::publishing::an_exchange_that_is_not_there_fails_the_publication` |
//! | a confirmation that is dropped leaves its span open, or is lost to `wait_for_confirms` | `amqp::publishing::a_confirmation_that_is_given_up_ends_the_span_as_cancelled` |
//! | what is confirmed together is never heard of, and what came back neither | `amqp::publishing::publications_that_are_confirmed_together_end_with_their_answers` |
//! | several publications are confirmed at once | `amqp::broker::messages::every_publication_of_many_is_confirmed`, `amqp::load::ten_thousand_messages_come_once_in_their_order_and_leave_no_span_open` |
//! | a broker that dies owes confirmations for ever | `amqp::faults::confirmations_that_a_dead_broker_owes_fail_their_spans` |
//! | tracing loses, doubles or reorders messages | `amqp::load::ten_thousand_messages_come_once_in_their_order_and_leave_no_span_open`, `amqp::faults::a_broker_that_dies_under_load_loses_as_much_with_tracing_as_without` |
//! | the exported span has another id than the one that was sent | `amqp::headers::a_context_is_written_once_as_a_long_string` |
//! | names and types of attributes of before | `amqp::consuming::publish_process_and_ack_are_one_trace` |
//! | made-up names of queues are in the names of spans | `amqp::places::a_queue_that_the_broker_named_names_no_span`, `amqp::places::a_request_that_is_answered_directly_is_one_trace` |
//! | the destination is the exchange alone, or the queue | `amqp::places::a_destination_is_exchange_key_and_queue` |
//!
//! # Consumers
//!
//! | trap | test |
//! |---|---|
//! | the span has ended before the message is processed | `amqp::consuming::publish_process_and_ack_are_one_trace`, `amqp::consuming::a_delegate_runs_as_the_work_of_the_process_span` |
//! | consumers that are streams have no span of processing | `amqp::consuming::publish_process_and_ack_are_one_trace` |
//! | a guard across an `.await` leaks into other messages | `amqp::consuming::work_at_the_same_time_keeps_its_contexts` |
//! | messages that wait in the client are spans | `amqp::consuming::a_delivery_that_waits_among_the_prefetched_ones_has_no_span` |
//! | an empty `basic.get` is a span | `amqp::consuming::a_get_is_a_receive_span_with_a_link_and_none_when_the_queue_is_empty` |
//! | what is current is the parent, the producer is lost | `start::tests::under_an_active_span_a_message_is_linked_and_no_child_of_its_producer` |
//! | a delegate that panics takes its span with it | `amqp::consuming::a_delegate_that_panics_fails_its_span_and_the_next_is_handled`, `amqp::consuming::a_panic_while_processing_fails_the_span` |
//! | a message that is never settled keeps its span open, for a minute or for ever | `amqp::consuming::deliveries_that_are_never_settled_end_when_they_are_dropped` |
//! | the outcome of a message is not told, or every nack is an error | `amqp::settling::how_a_delivery_was_settled_is_told_apart`, `amqp::services::a_service_that_fails_has_failed_the_span_however_it_settled` |
//! | an ack of many leaves earlier ackers usable, and their spans in the dark | `amqp::settling::many_are_settled_at_once`, `amqp::held::tests::the_first_settlement_that_covers_a_tag_counts` |
//! | tag 0 stands for all | `amqp::broker::settling::all_that_was_handed_over_is_settled_by_tag_zero`, `amqp::held::tests::tag_zero_stands_for_all_that_were_handed_over` |
//! | an ack on a closed channel is `Ok(false)`, and no error | `amqp::settling::a_settlement_on_a_closed_channel_has_failed` |
//! | after a recovery the tags begin anew | `amqp::faults::after_a_recovery_deliveries_are_told_apart_from_those_before_it`, `amqp::held::tests::after_a_recovery_a_tag_is_that_of_another_delivery` |
//! | consumers without acknowledgement settle nothing | `amqp::consuming::a_delivery_of_a_consumer_without_acks_says_nothing_of_settlement` |
//! | redeliveries look like the first | `amqp::settling::how_a_delivery_was_settled_is_told_apart` |
//! | a stream hands the same message out again and again | `amqp::places::each_reading_of_a_stream_is_linked_to_its_publication` |
//! | one message, many queues | `amqp::places::a_message_to_many_queues_is_processed_once_in_each` |
//! | what is acknowledged is remembered without end, or only the last few | `amqp::held::tests::however_many_are_settled_in_whichever_order_all_are_known`, `amqp::settling::deliveries_are_settled_by_their_tags_in_any_order` |
//! | an ack by tag is a trace of its own, of nothing | `amqp::settling::a_settlement_by_tag_is_below_the_process_span_and_says_where`, `amqp::settling::a_settlement_by_tag_starts_no_trace_of_its_own` |
//! | what the acker itself has settled is said to be unsettled | `amqp::settling::what_the_acker_has_settled_is_not_said_to_be_unsettled` |
//! | work that panics or is dropped leaves no word of it if the delivery lives on | `amqp::consuming::work_that_panics_has_failed`, `amqp::consuming::work_that_is_given_up_is_cancelled_and_may_be_done_again` |
//! | a handler cannot settle what it handles, or outlives it | `amqp::consuming::work_may_settle_the_delivery_itself`, `amqp::consuming::work_that_has_the_delivery_is_cancelled_or_panics_with_it` |
//! | a queue without name is anybody's | `amqp::places::a_queue_without_name_is_the_last_that_was_declared`, `amqp::places::a_queue_that_nobody_saw_declared_names_no_span` |
//! | queues that clients make for themselves are in the names of spans | `amqp::places::a_queue_that_goes_with_its_users_names_no_span` |
//! | the time in the queue is negative | `src::amqp::facts::a_message_from_the_future_has_no_time_in_queue` |
//!
//! # Replies and dead letters
//!
//! | trap | test |
//! |---|---|
//! | a reply has no context, or that of nobody | `amqp::requests::a_reply_is_sent_from_the_process_span_and_names_its_request`, `amqp::places::a_request_that_is_answered_directly_is_one_trace` |
//! | a reply with the properties of its request keeps their context | `amqp::requests::a_reply_with_the_properties_of_its_request_has_a_context_of_its_own` |
//! | links only, where a reply is waited for | `amqp::requests::a_relation_can_be_set_for_queues_of_requests` |
//! | a dead letter starts a new trace | `amqp::letters::a_dead_letter_knows_its_first_trace_and_how_often_it_died` |
//! | deaths are counted for each queue and reason apart | `amqp::broker::dying::deaths_are_counted_for_each_queue_and_reason`, `src::amqp::facts::deaths_are_those_in_all_queues` |
//! | `x-death` is published again | `amqp::letters::a_message_that_is_sent_on_has_the_context_of_who_sends_it` |
//! | every retry adds a context | `amqp::letters::a_message_that_is_sent_on_has_the_context_of_who_sends_it` |

#[test]
fn every_trap_has_its_test() {
    let traps = super::check(include_str!("amqp.rs"));
    assert!(traps >= 50, "{traps}");
}
