use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::digits::Digits;

/// Where messages lie, as far as they lie together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Together<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Option<i32>,
    pub(super) offset: Option<i64>,
}

impl<'a> Together<'a> {
    /// Where what a list names does. Of offsets it names those that are next.
    pub(super) fn of(list: &'a [TopicPartitionListElem<'_>]) -> Self {
        match list {
            [only] => Self {
                topic: only.topic(),
                partition: Some(only.partition()),
                offset: None,
            },
            [first, rest @ ..] if rest.iter().all(|each| each.topic() == first.topic()) => Self {
                topic: first.topic(),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    pub(super) fn partition(&self) -> Option<Digits> {
        self.partition.and_then(Digits::of)
    }
}
