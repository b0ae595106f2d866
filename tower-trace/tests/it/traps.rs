//! What other instrumentations of HTTP get wrong and what their users complain about, each a test.
//!
//! `suite` is the contract suite of `trace-testkit`, which runs once for each way to put a layer on; `core` is `tracing-core-ctx`.
//! The other names are modules of these tests and of the crate, or `benchmarks`.
//!
//! # Attributes
//!
//! | trap | test |
//! |---|---|
//! | a version is `2.0` | `sockets::http2_is_version_2_and_its_host_is_the_authority`, `suite::the_protocol_version_is_a_bare_number` |
//! | the scheme of a target without one is empty | `settings::what_is_not_there_is_absent_and_never_empty` |
//! | the scheme is only known from `Forwarded` | `suite::required_attributes_are_there` |
//! | an unmatched route is an empty text, or the path | `axum::an_unmatched_path_is_named_by_its_method_alone`, `suite::the_path_is_never_the_name_or_the_route` |
//! | an unknown method is a name, and nothing says what it was | `suite::an_unknown_method_is_other` |
//! | `get` is `GET`; `QUERY` is unknown | `method::methods_are_compared_with_case` |
//! | what is absent is an empty text | `suite::what_does_not_apply_is_absent` |
//! | the client's address is never recorded | `axum::connect_info_tells_the_peer` |
//! | the switch for forwarded headers does nothing | `settings::forwarded_headers_count_only_when_a_proxy_is_configured` |
//! | forwarded headers are believed unasked | `suite::forwarded_headers_are_not_believed_by_default` |
//! | errors have no `error.type`; the description repeats the code | `server_matrix::every_server_span_says_exactly_what_the_conventions_want` |
//! | ports and status codes are texts | `server_matrix::every_server_span_says_exactly_what_the_conventions_want` |
//! | successes and 4xx of servers are `Ok` | `server_matrix::every_server_span_says_exactly_what_the_conventions_want` |
//! | a 4xx is no error on a client | `client_matrix::every_client_span_says_exactly_what_the_conventions_want` |
//! | attributes of no convention (`error.message`, `span.type`, `http.client.address`) | `server_matrix::every_server_span_says_exactly_what_the_conventions_want` |
//! | no kind, no status | `client_matrix::every_client_span_says_exactly_what_the_conventions_want` |
//! | names of before 2023, and no way to have both | `settings::legacy_names_come_beside_the_new_ones_on_request` |
//! | `[` is the address of `Host: [::1]:8080` | `heads::a_host_in_brackets_is_split_behind_them`, `authority::host_and_port_are_told_apart` |
//! | `server.address` holds the port too | `suite::the_host_is_read_without_its_port` |
//! | only `Host` is read, which HTTP/2 does not have | `sockets::http2_is_version_2_and_its_host_is_the_authority` |
//! | headers are recorded unasked, all of them, as single texts | `suite::no_header_is_captured_by_default`, `suite::listed_headers_are_captured_as_lists` |
//! | headers that grant access are recorded | `suite::credentials_are_never_captured` |
//! | captured headers hold URLs with secrets | `settings::urls_in_captured_headers_lose_their_secrets` |
//! | URLs are recorded with user and password | `suite::the_url_is_recorded_without_credentials_and_the_request_keeps_them` |
//! | URLs are recorded with their signatures, or not at all | `suite::secrets_in_the_query_are_redacted`, `suite::the_query_is_recorded_with_its_secrets_redacted` |
//! | the user's list of secrets replaces the known ones | `settings::query_keys_of_the_user_extend_the_seven` |
//! | the path is in the name of the span | `suite::the_path_is_never_the_name`, `bad_input::texts_of_strangers_are_cut_and_the_request_sees_them_whole` |
//! | made-up paths make names without end | `names::too_many_different_names_become_one_and_are_counted` |
//! | attributes that were not declared before vanish | `settings::hooks_describe_the_span_and_their_panics_hurt_nobody` |
//! | `error.type` is a message | `failure::a_message_is_never_a_name` |
//! | an I/O error hides what it wraps | `failure::network_errors_have_short_names_boxed_or_not` |
//!
//! # Routes
//!
//! | trap | test |
//! |---|---|
//! | the route of a nested router is not the whole one | `axum::the_matched_route_names_the_span_also_in_nested_routers`, `axum::a_layer_on_a_nested_router_records_the_whole_path` |
//! | around the router there is no route yet | `axum::around_the_finished_router_the_name_is_corrected_late` |
//! | a fallback has none | `axum::a_fallback_is_traced_and_has_no_route` |
//! | `route_layer` skips the fallback | `axum::a_route_layer_sees_matched_requests_only` |
//! | axum's layers stand in reverse order | `axum::layers_added_before_run_in_the_span_and_layers_added_after_do_not`, `axum::a_layer_that_is_added_before_the_routes_sees_none_of_them` |
//! | a route is an empty text | `names::an_empty_route_is_none` |
//! | `CONNECT` and `OPTIONS *` are matched like paths | `names::a_target_that_is_no_path_is_named_by_its_method` |
//!
//! # Propagation and trust
//!
//! | trap | test |
//! |---|---|
//! | the caller's trace is not continued; the callee's is another | `suite::the_callers_trace_is_continued_with_a_remote_parent`, `sockets::plain_hyper_server_and_client_make_one_trace` |
//! | the parent comes after the span, and is lost | `suite::the_span_is_current_in_call`, `suite::an_ambient_span_is_no_parent` |
//! | the exported span has another id than the one that was sent | `suite::the_span_is_sent_along` |
//! | only the first `tracestate` is read | `suite::all_tracestate_headers_are_combined` |
//! | the first of two `traceparent` is taken | `suite::two_traceparents_start_a_new_trace`, `bad_input::two_traceparents_are_none_and_are_counted` |
//! | ids of 31 digits, a `+` among them, `-01-` at the end are accepted | `core::traceparent_trace_id_too_short`, `core::a_sign_is_no_digit`, `core::a_trailing_dash_is_for_higher_versions` |
//! | other versions than 00 are refused | `suite::a_higher_version_is_read_as_far_as_it_is_known` |
//! | an empty `tracestate` is sent | `clients::stale_headers_are_replaced_and_baggage_can_hold_anything` |
//! | the random flag is cleared | `suite::the_random_flag_is_kept`, `suite::the_random_flag_is_sent_along` |
//! | `tracestate` without end | `bad_input::header_bombs_are_survived_in_bounded_memory` |
//! | a second `traceparent` is appended to the stale one | `suite::stale_headers_are_replaced` |
//! | baggage that cannot stand in a header panics | `suite::unprintable_baggage_does_not_hurt_the_request` |
//! | without a global propagator nothing happens, silently | `heads::a_plain_tracer_carries_contexts_through` |
//! | B3 callers are strangers | `heads::a_caller_that_speaks_b3_is_continued_where_b3_is_spoken` |
//! | a filter or a level hides the span, and the context with it | `settings::filtered_requests_record_nothing_and_still_pass_the_callers_context_on`, `clients::a_filtered_request_hands_the_current_context_on` |
//! | unsampled is untraced | `suite::an_unsampled_caller_is_not_recorded_and_travels_on`, `suite::an_unsampled_parent_is_not_recorded_and_is_sent_along` |
//! | samplers are asked before anything is known | `suite::the_sampler_sees_what_the_start_knows` |
//! | anybody can force recording, or hide from it | `trust::a_flag_that_is_not_believed_neither_forces_nor_hides`, `trust::a_stranger_gets_a_new_trace_with_a_link` |
//! | who is not traced is believed | `trust::a_request_that_is_not_traced_gets_an_untrusted_caller_nowhere` |
//! | strangers' baggage is taken over | `trust::only_a_trusted_callers_baggage_reaches_the_handler` |
//! | contexts and baggage go to partners | `clients::contexts_go_to_listed_hosts_only`, `clients::only_listed_baggage_leaves`, `clients::a_context_that_a_proxy_copied_from_its_caller_does_not_leave_either` |
//! | exporting traces itself | `suite::telemetrys_own_calls_are_not_recorded`, `clients::suppressed_work_is_neither_recorded_nor_announced` |
//!
//! # When a span starts and ends
//!
//! | trap | test |
//! |---|---|
//! | it starts when it is first entered | `suite::the_span_starts_with_the_call_and_not_with_the_first_poll` |
//! | it ends with the head, and streams are cut off | `suite::the_span_ends_where_it_should`, `connections::an_event_stream_is_covered_until_its_reader_hangs_up` |
//! | it ends when it was last entered | `suite::the_end_is_when_the_last_frame_came_and_not_when_the_body_was_dropped` |
//! | it ends when a task forgets the context, 90 seconds later | `suite::a_context_kept_elsewhere_does_not_keep_the_span_open`, `sockets::a_pooled_connection_does_not_keep_a_span_open` |
//! | a connection's task belongs to the first request's trace | `connections::the_task_of_a_pooled_connection_is_in_no_trace` |
//! | the next request of a connection belongs to the one before | `connections::requests_on_one_connection_are_spans_of_their_own`, `connections::requests_in_one_packet_are_spans_of_their_own` |
//! | the end is never seen, because the length is known | `sockets::a_known_length_keeps_its_content_length_and_the_span_is_complete`, `suite::content_length_reached_is_complete_though_never_polled_to_the_end` |
//! | the end is never seen, because the body says that it is over | `suite::a_body_that_knows_its_end_ends_with_its_last_frame` |
//! | the end is seen by the reader, and not by us | `drops::a_body_that_is_over_after_its_last_frame_is_complete_when_its_reader_has_seen_that`, `drops::a_body_that_was_read_before_its_reader_panicked_is_complete` |
//! | the end is never seen, because trailers come | `sockets::a_streamed_body_is_covered_to_its_last_chunk_and_trailers_arrive`, `suite::trailers_end_the_span_and_pass_unchanged` |
//! | bodies that are never polled: `HEAD`, 204, 304, empty ones | `sockets::a_head_request_is_complete_though_its_body_is_never_polled`, `sockets::an_empty_body_of_a_204_is_complete`, `connections::a_304_is_complete_whatever_its_handler_made_of_a_body`, `suite::an_empty_body_ends_at_the_head_though_it_is_never_polled` |
//! | a length that is announced, and no body | `connections::an_answer_to_head_and_a_304_are_complete_with_a_content_length` |
//! | interim responses | `connections::an_interim_response_is_not_the_response`, `connections::a_body_that_waits_for_100_continue_arrives_in_one_span` |
//! | a lost size hint makes the answer chunked | `suite::size_hint_and_end_are_forwarded_exactly`, `sockets::a_known_length_keeps_its_content_length_and_the_span_is_complete` |
//! | upgrades keep the span open, or lose the connection | `upgrades::both_sides_of_a_101_have_the_connection_and_no_open_span`, `sockets::an_upgraded_connection_works_and_its_span_ended_with_the_101` |
//! | so do tunnels | `upgrades::both_sides_of_a_tunnel_have_the_connection_and_no_open_span` |
//! | so do WebSockets over HTTP/2 | `upgrades::both_sides_of_an_extended_connect_have_the_stream_and_no_open_span` |
//! | what could have been an upgrade is taken for one | `upgrades::an_upgrade_that_is_refused_is_an_ordinary_exchange`, `suite::connect_that_is_refused_is_an_ordinary_exchange` |
//! | client spans cannot end with the head | `clients::a_span_can_end_at_the_head` |
//!
//! # How it ends
//!
//! | trap | test |
//! |---|---|
//! | a client that goes away is not seen at all | `sockets::a_peer_that_vanishes_cancels_the_span_and_is_no_error`, `suite::dropped_before_the_head_is_cancelled_without_a_status_code` |
//! | nor is one that goes away in the body | `connections::an_event_stream_is_covered_until_its_reader_hangs_up`, `connections::a_stream_that_http2_resets_is_cancelled_and_its_connection_lives_on` |
//! | a cancelled request is an error | `suite::dropped_in_the_body_is_cancelled_with_its_status_code`, `layers::a_timeout_below_us_is_an_error_and_one_above_us_a_cancellation` |
//! | a cancelled request is counted as running for ever | `suite::random_exchanges_give_one_span_each` |
//! | a panic is taken for a cancellation | `suite::a_panic_in_the_inner_service_is_an_error`, `suite::a_panic_caught_outside_is_no_cancellation`, `sockets::a_handler_that_panics_is_an_error_and_the_server_lives_on` |
//! | a 200 is a success, whatever comes after it | `heads::a_200_whose_body_breaks_is_no_success`, `connections::a_body_that_breaks_on_its_way_is_an_error_on_both_sides` |
//! | a body that breaks after a 5xx is not seen | `heads::a_body_that_breaks_after_an_error_status_is_still_seen` |
//! | a service that fails has no span | `suite::a_service_that_fails_is_an_error`, `connections::a_server_that_hangs_up_before_it_answers_is_an_error_of_the_client` |
//! | errors are changed on their way | `suite::errors_pass_unchanged`, `bad_input::an_error_that_cannot_be_printed_reaches_the_caller` |
//! | a callback in a destructor panics, and the process is gone | `drops::a_sink_that_panics_while_a_panic_unwinds_does_not_end_the_process`, `settings::hooks_describe_the_span_and_their_panics_hurt_nobody` |
//! | destructors that panic | `drops::a_handler_whose_remains_panic_has_panicked`, `drops::a_body_whose_remains_panic_has_panicked` |
//!
//! # Contexts
//!
//! | trap | test |
//! |---|---|
//! | a guard across an `.await` leaks into other requests | `suite::interleaved_requests_keep_their_contexts`, `suite::a_scope_that_is_leaked_inside_does_not_outlive_the_poll` |
//! | nothing is current in `call` | `suite::the_span_is_current_in_call` |
//! | nothing is current in the body | `suite::the_span_is_current_in_every_poll_of_the_body`, `drops::a_body_that_is_read_and_dropped_on_another_thread_runs_in_its_span` |
//! | nothing is current in destructors | `suite::the_span_is_current_when_the_future_is_dropped`, `suite::the_span_is_current_when_the_body_is_dropped` |
//! | what runs outside is in the trace | `suite::nothing_is_current_outside`, `suite::a_panic_leaves_nothing_current` |
//! | the handler cannot describe its span | `suite::the_inner_service_may_describe_the_span`, `axum::the_handler_describes_the_server_span_and_starts_children` |
//!
//! # Layers
//!
//! | trap | test |
//! |---|---|
//! | `Buffer` calls in a task of its own | `clients::a_context_in_the_extensions_survives_a_hop_to_another_task`, `layers::below_a_buffer_the_span_is_current_in_every_poll_and_in_call_it_is_not`, `layers::above_a_buffer_the_caller_is_still_the_parent` |
//! | a clone is called that was not made ready | `suite::readiness_is_asked_of_the_instance_that_is_called` |
//! | readiness is hidden, or waiting is part of the request | `suite::readiness_is_passed_on`, `layers::waiting_for_a_free_place_is_not_hidden_and_no_part_of_the_span` |
//! | shed requests | `layers::a_request_that_is_shed_below_us_is_an_error_and_above_us_no_request` |
//! | somebody catches the panic | `layers::a_panic_is_seen_as_one_unless_somebody_below_us_made_an_answer_of_it` |
//! | bodies are wrapped and replaced | `layers::a_body_that_another_layer_replaces_cancels_the_span_and_one_that_it_wraps_does_not` |
//! | retries are one span, or not told apart | `clients::every_retry_is_a_sibling_span_that_knows_its_number`, `clients::an_attempt_counts_though_nobody_recorded_it` |
//! | redirects below us | `reqwest::redirects_that_reqwest_follows_are_one_span_with_the_url_that_was_asked_for` |
//! | a request that is not traced writes on the span around it | `reqwest::a_request_that_is_not_traced_leaves_the_span_around_it_alone` |
//! | futures are boxed | `types::futures_and_bodies_are_few_bytes_larger_than_what_they_wrap`, `types::nothing_has_to_be_send` |
//! | two layers, whose order decides whether it works | `layers::a_server_and_a_client_layer_in_one_stack_are_parent_and_child` |
//! | two layers on one request | `layers::two_layers_on_one_request_are_two_spans_below_its_caller_unless_the_outer_one_leaves_it` |
//! | a layer cannot be named in a struct | `settings::a_configured_layer_has_a_name_and_can_be_kept_in_a_struct` |
//!
//! # Cost
//!
//! | trap | test |
//! |---|---|
//! | attributes are built before anybody knows whether they are wanted | `benchmarks::an_unsampled_request_with_tracestate_allocates_nothing`, `settings::hooks_are_not_called_when_nothing_records` |
//! | a layer costs where nothing is recorded at all | `benchmarks::a_request_that_the_sampler_drops_allocates_nothing`, `benchmarks::a_request_without_a_sink_allocates_nothing` |
//! | a long stream keeps every event | `core::events_over_the_limit_are_dropped_newest_first` |
//! | heads fill the memory | `bad_input::header_bombs_are_survived_in_bounded_memory`, `bad_input::texts_of_strangers_are_cut_and_the_request_sees_them_whole` |

use trace_testkit::traps::TrapTable;

mod connections;
mod drops;
mod heads;
mod layers;
mod upgrades;

/// A table that nobody checks is a wish.
#[test]
fn every_trap_has_its_test() {
    let traps = TrapTable::of_crate(env!("CARGO_MANIFEST_DIR"))
        .place("suite", "../trace-testkit/src/http")
        .place("core", "../tracing-core-ctx/src")
        .place("benchmarks", "../benchmarks/tests")
        .check(include_str!("traps.rs"));
    assert!(traps >= 100, "{traps}");
}
