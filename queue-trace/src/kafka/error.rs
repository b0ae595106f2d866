use std::borrow::Cow;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tracing_core_ctx::semconv;

/// The name of an error as Kafka writes it, such as `UNKNOWN_TOPIC_OR_PARTITION`; of one of librdkafka's own, as Kafka would.
pub(super) fn error_type(error: &KafkaError) -> Cow<'static, str> {
    match error {
        KafkaError::Canceled => "CANCELED".into(),
        KafkaError::PartitionEOF(_) => "PARTITION_EOF".into(),
        _ => match error.rdkafka_error_code() {
            Some(code) => match name_of_its_own(code) {
                Some(name) => name.into(),
                None => screaming(&format!("{code:?}")).into(),
            },
            None => semconv::error_type::OTHER.into(),
        },
    }
}

/// The brokers' name of an error that rdkafka calls otherwise.
const fn name_of_its_own(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    Some(match code {
        Code::InvalidMessage => "CORRUPT_MESSAGE",
        Code::InvalidMessageSize => "INVALID_FETCH_SIZE",
        Code::NotLeaderForPartition => "NOT_LEADER_OR_FOLLOWER",
        Code::MessageSizeTooLarge => "MESSAGE_TOO_LARGE",
        Code::InvalidTopic => "INVALID_TOPIC_EXCEPTION",
        Code::MessageBatchTooLarge => "RECORD_LIST_TOO_LARGE",
        Code::InvalidTransactionalState => "INVALID_TXN_STATE",
        Code::UnsupportedSASLMechanism => "UNSUPPORTED_SASL_MECHANISM",
        Code::IllegalSASLState => "ILLEGAL_SASL_STATE",
        _ => return None,
    })
}

/// `QueueFull` as `QUEUE_FULL`.
fn screaming(name: &str) -> String {
    let mut screaming = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            screaming.push('_');
        }
        after_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        screaming.push(letter.to_ascii_uppercase());
    }
    screaming
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_names_that_kafka_gives_them() {
        for (code, name) in [
            (RDKafkaErrorCode::QueueFull, "QUEUE_FULL"),
            (RDKafkaErrorCode::MessageTimedOut, "MESSAGE_TIMED_OUT"),
            (
                RDKafkaErrorCode::UnknownTopicOrPartition,
                "UNKNOWN_TOPIC_OR_PARTITION",
            ),
            (RDKafkaErrorCode::PurgeQueue, "PURGE_QUEUE"),
            (RDKafkaErrorCode::MessageSizeTooLarge, "MESSAGE_TOO_LARGE"),
            (
                RDKafkaErrorCode::NotLeaderForPartition,
                "NOT_LEADER_OR_FOLLOWER",
            ),
            (
                RDKafkaErrorCode::UnsupportedSASLMechanism,
                "UNSUPPORTED_SASL_MECHANISM",
            ),
        ] {
            assert_eq!(error_type(&KafkaError::MessageProduction(code)), name);
        }
        assert_eq!(error_type(&KafkaError::Canceled), "CANCELED");
        assert_eq!(
            error_type(&KafkaError::Subscription(String::new())),
            "_OTHER"
        );
    }
}
