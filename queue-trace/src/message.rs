use tracing_core_ctx::attribute::{AttributeKey, AttributeValue, Attributes};
use tracing_core_ctx::semconv;
use tracing_core_ctx::span::{SpanTemplate, SpanWriter};

/// What is known about one message. It goes on the span; in a batch, on the link to that message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Its id, as the system knows it.
    pub id: Option<&'a str>,
    /// What ties it to a conversation: its correlation id.
    pub conversation_id: Option<&'a str>,
    /// The partition.
    pub partition: Option<&'a str>,
    /// The offset in the partition (Kafka).
    pub offset: Option<i64>,
    /// The key (Kafka). Recorded if it is UTF-8.
    pub key: Option<&'a [u8]>,
    /// Whether the payload is null (Kafka).
    pub is_tombstone: bool,
    /// The routing key (RabbitMQ).
    pub routing_key: Option<&'a str>,
    /// The delivery tag (RabbitMQ).
    pub delivery_tag: Option<i64>,
    /// Bytes of the body.
    pub body_size: Option<usize>,
    /// Whether it was delivered before.
    pub is_redelivered: bool,
    /// How often it was dead-lettered before.
    pub deaths: Option<i64>,
    /// How many messages of its partition are behind it (Kafka).
    pub lag: Option<i64>,
    /// Milliseconds from when it was sent to when it was handed to the consumer.
    pub queue_time: Option<i64>,
}

impl Message<'_> {
    /// Writes all that is known, where nothing of it stands yet.
    ///
    /// Inlined: nearly all of it is known not to be where a message is put together.
    #[inline(always)]
    pub(crate) fn describe(&self, to: &mut impl Describe) {
        to.put_opt(
            semconv::MESSAGING_MESSAGE_ID,
            self.id.filter(|id| !id.is_empty()).map(cut),
        );
        to.put_opt(
            semconv::MESSAGING_MESSAGE_CONVERSATION_ID,
            self.conversation_id.filter(|id| !id.is_empty()).map(cut),
        );
        to.put_opt(semconv::MESSAGING_DESTINATION_PARTITION_ID, self.partition);
        to.put_opt(semconv::KAFKA_OFFSET, self.offset);
        let key = self.key.and_then(|key| std::str::from_utf8(key).ok());
        to.put_opt(semconv::KAFKA_MESSAGE_KEY, key.map(cut));
        let tombstone = self.is_tombstone.then_some(true);
        to.put_opt(semconv::KAFKA_MESSAGE_TOMBSTONE, tombstone);
        to.put_opt(
            semconv::RABBITMQ_DESTINATION_ROUTING_KEY,
            self.routing_key.filter(|key| !key.is_empty()),
        );
        to.put_opt(semconv::RABBITMQ_MESSAGE_DELIVERY_TAG, self.delivery_tag);
        let size = self.body_size.and_then(|size| i64::try_from(size).ok());
        to.put_opt(semconv::MESSAGING_MESSAGE_BODY_SIZE, size);
        let redelivered = self.is_redelivered.then_some(true);
        to.put_opt(semconv::CTX_MESSAGE_REDELIVERED, redelivered);
        to.put_opt(semconv::CTX_MESSAGE_DEATHS, self.deaths);
        to.put_opt(semconv::CTX_MESSAGE_LAG, self.lag);
        to.put_opt(semconv::CTX_MESSAGE_QUEUE_TIME, self.queue_time);
    }

    /// The same as the attributes of a link.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        self.describe(&mut attributes);
        attributes
    }
}

/// The longest id or key that is recorded, in bytes: others write them.
const MAX_TEXT: usize = 1024;

/// The beginning of a text, cut at a character.
fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A span or a link, each of whose attributes is set once.
pub(crate) trait Describe {
    fn put<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>);

    #[inline(always)]
    fn put_opt<K: AttributeKey>(&mut self, key: K, value: Option<impl AttributeValue<K::Type>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }
}

impl Describe for SpanWriter<'_> {
    #[inline(always)]
    fn put<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.set_new(key, value);
    }
}

impl Describe for SpanTemplate {
    fn put<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.set(key, value);
    }
}

impl Describe for Attributes {
    fn put<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.set(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_or_not_true_is_not_said() {
        assert!(Message::default().attributes().is_empty());
        let empty = Message {
            id: Some(""),
            conversation_id: Some(""),
            routing_key: Some(""),
            ..Message::default()
        };
        assert!(empty.attributes().is_empty());
    }

    #[test]
    fn a_key_without_a_text_form_is_left_out() {
        let message = |key| Message {
            key: Some(key),
            ..Message::default()
        };
        assert!(message(&[0xff, 0xfe]).attributes().is_empty());
        assert_eq!(message(b"customer-7").attributes().len(), 1);
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let wide = "ü".repeat(MAX_TEXT);
        assert_eq!(cut(&format!("a{wide}")).len(), MAX_TEXT - 1);
    }
}
