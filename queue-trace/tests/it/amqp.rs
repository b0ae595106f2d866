//! lapin, on two brokers: the one in this process, always, and RabbitMQ, where it answers.

mod consuming;
mod letters;
mod publishing;
mod requests;
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
    publishing {
        a_message_that_no_queue_takes_has_failed
        a_message_that_the_broker_refuses_has_failed
        an_exchange_that_is_not_there_fails_the_publication
        a_confirmation_that_nobody_awaits_ends_the_span_as_cancelled
        nothing_is_lost_or_doubled_when_nothing_is_recorded
    }
    consuming {
        publish_process_and_ack_are_one_trace
        a_get_is_a_receive_span_with_a_link_and_none_when_the_queue_is_empty
        a_delegate_runs_as_the_work_of_the_process_span
        a_delivery_of_a_consumer_without_acks_says_nothing_of_settlement
        a_panic_while_processing_fails_the_span
    }
    settling {
        how_a_delivery_was_settled_is_told_apart
        many_are_settled_at_once
        a_settlement_on_a_closed_channel_has_failed
    }
    letters {
        a_dead_letter_knows_its_first_trace_and_how_often_it_died
        a_message_that_is_sent_on_has_the_context_of_who_sends_it
    }
    requests {
        a_reply_is_sent_from_the_process_span_and_names_its_request
        a_relation_can_be_set_for_queues_of_requests
    }
}
