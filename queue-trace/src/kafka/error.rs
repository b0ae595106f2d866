use std::borrow::Cow;

use rdkafka::error::KafkaError;
use tracing_core_ctx::semconv;

/// The name of an error as Kafka writes it: `UNKNOWN_TOPIC_OR_PARTITION`.
pub(super) fn error_type(error: &KafkaError) -> Cow<'static, str> {
    match error {
        KafkaError::Canceled => "CANCELED".into(),
        KafkaError::PartitionEOF(_) => "PARTITION_EOF".into(),
        _ => match error.rdkafka_error_code() {
            Some(code) => screaming(&format!("{code:?}")).into(),
            None => semconv::error_type::OTHER.into(),
        },
    }
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
    use rdkafka::types::RDKafkaErrorCode;

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
