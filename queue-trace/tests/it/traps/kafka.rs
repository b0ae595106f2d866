//! Traps of Kafka.
//!
//! # Headers
//!
//! | trap | test |
//! |---|---|
//! | a name that is not UTF-8 panics in whoever looks for a context | `kafka::foreign::a_header_name_that_is_not_utf8_does_not_kill_the_consumer` |
//! | such names by the thousand keep a consumer busy | `kafka::foreign::names_that_are_not_utf8_do_not_keep_a_consumer_busy`, `kafka::headers::names_that_are_not_utf8_cost_a_few_panics_and_not_one_each` |
//! | a second `traceparent` is appended to the stale one | `kafka::facts::a_context_in_a_record_is_respected_or_replaced`, `kafka::headers::a_context_replaces_all_that_stood_there_and_others_keep_their_order` |
//! | the first of two contexts is read, or both joined | `kafka::foreign::of_two_contexts_the_last_counts` |
//! | a null in the last place hides the context | `kafka::foreign::a_null_or_overlong_value_does_not_hide_the_context_before_it` |
//! | headers are a map: repeated names are lost, and their order | `kafka::headers::a_context_replaces_all_that_stood_there_and_others_keep_their_order` |
//! | null values and binary values are lost when headers are rebuilt | `kafka::foreign::headers_that_cannot_be_read_are_kept_when_a_message_is_sent_on` |
//! | values are taken for UTF-8, and panic | `kafka::foreign::what_is_no_context_starts_a_new_trace` |
//! | huge values and thousands of headers | `kafka::foreign::what_is_no_context_starts_a_new_trace`, `kafka::foreign::thousands_of_headers_are_looked_through` |
//! | values arrive in quotes, names in capitals | `kafka::foreign::a_value_in_quotes_and_a_name_in_capitals_are_read` |
//! | the trace flags `03` are refused | `kafka::foreign::the_flags_of_the_second_level_are_understood` |
//! | binary contexts of one vendor | `kafka::foreign::what_is_no_context_starts_a_new_trace` |
//! | inserting moves the headers, so nothing can be injected in place | `kafka::headers::of_none_there_stay_none_unless_something_is_written` |
//! | a record that comes back has our header in it, and a retry has two | `kafka::a_full_queue_fails_at_once_and_a_retry_has_one_context`, `callbacks::a_full_queue_gives_the_record_back_as_it_was`, `faults::what_cannot_be_sent_at_all_has_failed_at_once_and_comes_back_as_it_was` |
//! | the context of one span is in every record of a batch | `forwarding::each_record_of_many_has_a_context_of_its_own` |
//! | a context that the user put there is overwritten | `kafka::facts::a_context_in_a_record_is_respected_or_replaced`, `forwarding::a_relay_that_copies_headers_sends_one_context` |
//! | the exported span has another id than the one that was sent | `forwarding::the_span_that_is_recorded_is_the_one_that_was_sent` |
//! | baggage that cannot stand in a header panics | `forwarding::baggage_that_cannot_stand_in_a_header_hurts_nobody` |
//! | unsampled, or without anybody listening, is untraced | `forwarding::whoever_is_not_traced_still_hands_the_context_on` |
//! | contexts and baggage go to partners too | `strangers::a_topic_that_is_not_listed_sees_no_context_and_the_span_says_so`, `strangers::of_the_baggage_only_what_is_listed_leaves_also_where_nothing_is_recorded` |
//! | anybody can force recording, or tie his spans to ours | `kafka::foreign::a_forged_context_is_believed_as_far_as_one_says`, `kafka::foreign::a_forged_flag_does_not_force_recording` |
//!
//! # Producers
//!
//! | trap | test |
//! |---|---|
//! | the span ends when the record is queued | `kafka::facts::send_poll_process_and_commit_are_one_trace`, `callbacks::the_callback_runs_in_the_span_with_its_own_value` |
//! | failed deliveries are not seen | `kafka::a_record_that_is_refused_has_failed_with_the_name_of_the_error`, `faults::a_broker_that_dies_with_sends_in_flight_fails_them_when_their_time_is_up` |
//! | a full queue is not seen, or waited for in several spans | `kafka::a_full_queue_fails_at_once_and_a_retry_has_one_context`, `faults::a_full_queue_is_waited_for_in_one_span_with_one_context` |
//! | what the client tries again is several spans | `faults::what_the_client_tries_again_by_itself_is_one_span` |
//! | a broker that comes back gets records twice, or in another order | `faults::a_broker_that_comes_back_gets_each_record_once_in_one_span` |
//! | a future that is dropped leaves its span open, or has failed | `kafka::a_report_that_nobody_awaits_ends_the_span_as_cancelled`, `faults::a_send_that_is_dropped_is_cancelled_and_one_that_never_ran_is_nothing` |
//! | purged records | `kafka::what_is_purged_has_failed`, `callbacks::what_is_purged_ends_its_span_when_the_producer_is_polled` |
//! | a producer that is dropped takes its spans with it | `faults::a_producer_that_goes_away_ends_what_is_open`, `faults::a_long_queue_leaves_no_span_open_when_its_producer_goes_away`, `callbacks::a_producer_that_is_dropped_leaves_no_span_open` |
//! | the user's callback runs in another context, or without his own value | `callbacks::the_callback_runs_in_the_span_with_its_own_value` |
//! | the user's callback panics | `faults::a_delivery_callback_that_panics_ends_the_span` |
//! | an aborted transaction looks like a success | `transactions::an_abort_is_told_by_the_transaction_and_not_by_what_was_delivered` |
//! | the test cluster shows aborted messages to those who read what is committed | `transactions::an_abort_is_told_by_the_transaction_and_not_by_what_was_delivered` |
//! | an abort blocks, and fails, unless another thread polls | `transactions::an_abort_with_a_base_producer_needs_another_thread_that_polls`, `transactions::an_abort_with_a_threaded_producer_purges_what_is_not_sent` |
//! | a transaction is forgotten | `transactions::a_transaction_that_is_dropped_is_cancelled_and_one_that_fails_has_failed` |
//!
//! # Consumers
//!
//! | trap | test |
//! |---|---|
//! | names of attributes, kinds and types of before | `kafka::facts::send_poll_process_and_commit_are_one_trace`, `error::errors_have_the_names_that_kafka_gives_them` |
//! | the span has ended before the message is processed | `kafka::facts::send_poll_process_and_commit_are_one_trace` |
//! | a guard across an `.await` leaks into other messages | `consumers::messages_that_are_processed_at_once_keep_their_contexts`, `consumers::a_consumer_is_shared_between_tasks` |
//! | the span ends with the next poll, or never | `kafka::facts::a_span_outlives_its_message`, `kafka::facts::processing_that_is_dropped_or_panics_is_told_apart` |
//! | what is current is the parent, the producer is lost | `start::tests::a_message_follows_from_its_producer`, `start::tests::under_an_active_span_a_message_is_linked_and_no_child_of_its_producer` |
//! | links only, where a reply is waited for | `forwarding::a_reply_is_a_child_of_the_request_it_answers` |
//! | empty polls are spans | `consumers::an_empty_poll_is_no_span`, `kafka::facts::a_batch_does_not_wait_for_ever` |
//! | messages that wait in the client are spans | `consumers::messages_that_wait_in_the_client_have_no_span` |
//! | a receive span starts before its message was sent | `kafka::facts::send_poll_process_and_commit_are_one_trace` |
//! | the end of a partition is a failure | `consumers::the_end_of_a_partition_is_passed_on_and_no_span` |
//! | batches belong to their first message | `kafka::facts::a_batch_is_one_span_with_a_link_to_each_message`, `consumers::a_batch_of_several_topics_says_of_each_link_where_it_was` |
//! | links without end | `consumers::a_batch_over_the_limit_drops_links_and_counts_them` |
//! | a batch in a `select!` loses messages | `consumers::a_batch_that_is_not_awaited_to_its_end_loses_nothing` |
//! | split partitions, blocking polls and iterators are not traced | `consumers::split_partitions_are_traced_like_the_whole`, `consumers::split_partitions_of_a_consumer_that_blocks_are_traced_too`, `consumers::a_consumer_that_blocks_hands_over_the_same_spans` |
//! | an empty payload is a tombstone | `kafka::facts::a_tombstone_is_told_from_an_empty_payload` |
//! | keys are recorded unasked, or as garbage | `consumers::a_key_is_recorded_on_request_where_it_is_text` |
//! | time in queue from the clock of the broker, or of whoever is fast | `consumers::time_in_queue_and_lag_are_told_where_they_are_known`, `message::time_in_queue_needs_a_producer_that_said_when` |
//! | panics in the work are not seen | `kafka::facts::processing_that_is_dropped_or_panics_is_told_apart`, `faults::a_consumer_whose_work_panics_goes_on_with_the_next_message` |
//! | the message is needed on another thread | `kafka::facts::a_span_outlives_its_message` |
//! | each retry starts a trace, and adds a header | `forwarding::retries_and_dead_letters_keep_the_first_trace_by_link`, `kafka::facts::a_dead_letter_is_sent_from_its_process_span_without_the_old_context` |
//!
//! # Groups and commits
//!
//! | trap | test |
//! |---|---|
//! | an automatic commit that fails is seen nowhere | `groups::an_automatic_commit_that_fails_is_a_failed_span_of_its_own` |
//! | partitions that are lost look like those that are given back | `groups::partitions_that_are_lost_are_told_from_those_that_are_given_back` |
//! | automatic commits make traces of their own | `consumers::automatic_commits_have_no_span` |
//! | an explicit commit after the work is a trace of its own | `consumers::a_commit_is_a_child_of_the_process_span_also_when_that_has_ended`, `settling::a_commit_is_below_the_process_span_whatever_span_is_active_when_that_has_ended`, `settling::what_is_settled_outside_any_work_has_no_span_unless_it_fails` |
//! | offsets that are stored are not seen | `consumers::offsets_are_stored_and_committed_in_spans_of_what_they_name` |
//! | the offset is stored before the message is processed | `consumers::automatic_commits_have_no_span` |
//! | a message that is not settled keeps its span open | `groups::a_message_that_is_never_settled_comes_again` |
//! | a commit that comes too late fails the processing | `groups::a_rebalance_in_the_middle_of_a_batch_leaves_the_batch_whole`, `kafka::a_commit_that_fails_has_failed` |
//! | a rebalance tears batches | `groups::a_rebalance_in_the_middle_of_a_batch_leaves_the_batch_whole` |
//! | the first of a group waits for others, seconds long | `groups::members_share_the_partitions_and_no_message_is_lost_or_seen_twice` |
//! | rebalances belong to whoever polls | `groups::members_share_the_partitions_and_no_message_is_lost_or_seen_twice` |
//! | the user's own hooks are not called any more | `groups::a_context_of_the_users_own_is_called_as_before` |
//! | what is only the inner client's is out of reach | `kafka::facts::the_inner_clients_stay_within_reach` |
//!
//! # Load
//!
//! | trap | test |
//! |---|---|
//! | messages are lost, doubled or reordered, spans pile up | `load::many_messages_arrive_once_in_order_and_leave_no_span_open`, `load::what_is_not_recorded_arrives_as_well` |

#[test]
fn every_trap_has_its_test() {
    let traps = super::check(include_str!("kafka.rs"));
    assert!(traps >= 60, "{traps}");
}
