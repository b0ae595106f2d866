use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rdkafka::statistics::Statistics;

/// How many messages partitions have, as librdkafka's statistics tell: for the attribute `ctx.message.lag` of spans, or metrics of your own.
///
/// It is as old as the last statistics (`statistics.interval.ms`). The client context hands them in:
///
/// ```
/// use queue_trace::kafka::Lag;
/// use rdkafka::ClientContext;
/// use rdkafka::consumer::ConsumerContext;
/// use rdkafka::statistics::Statistics;
///
/// struct Mine {
///     lag: Lag,
/// }
///
/// impl ClientContext for Mine {
///     fn stats(&self, statistics: Statistics) {
///         self.lag.update(&statistics);
///     }
/// }
///
/// impl ConsumerContext for Mine {}
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lag(Arc<RwLock<HighWatermarks>>);

/// By topic and partition: the offset that the next message will have.
type HighWatermarks = HashMap<String, HashMap<i32, i64>>;

impl Lag {
    /// Of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what the statistics say, in place of what earlier ones said.
    pub fn update(&self, statistics: &Statistics) {
        let topics = statistics.topics.iter().map(|(name, topic)| {
            let known = topic.partitions.iter().filter(|(_, at)| at.hi_offset >= 0);
            let partitions = known.map(|(partition, at)| (*partition, at.hi_offset));
            (name.clone(), partitions.collect())
        });
        let topics = topics.collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = topics;
    }

    /// How many messages are behind the one at `offset`. `None` if nothing is known of the partition.
    #[must_use]
    pub fn behind(&self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let next = *topics.get(topic)?.get(&partition)?;
        // A message may be newer than the statistics.
        Some(next.saturating_sub(offset).saturating_sub(1).max(0))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{Partition, Topic};

    use super::*;

    fn statistics(high: i64) -> Statistics {
        let partition = Partition {
            hi_offset: high,
            ..Partition::default()
        };
        let topic = Topic {
            partitions: HashMap::from([(3, partition)]),
            ..Topic::default()
        };
        Statistics {
            topics: HashMap::from([("orders".to_owned(), topic)]),
            ..Statistics::default()
        }
    }

    #[test]
    fn what_is_behind_a_message_is_counted_from_the_last_statistics() {
        let lag = Lag::new();
        assert_eq!(lag.behind("orders", 3, 0), None);
        lag.update(&statistics(10));
        assert_eq!(lag.behind("orders", 3, 0), Some(9));
        assert_eq!(lag.behind("orders", 3, 9), Some(0));
        assert_eq!(lag.behind("orders", 3, 42), Some(0));
        assert_eq!(lag.behind("orders", 3, i64::MIN), Some(i64::MAX - 1));
        assert_eq!(lag.behind("orders", 4, 0), None);
        assert_eq!(lag.behind("bills", 3, 0), None);
        // What librdkafka says of a partition it has not asked for.
        lag.update(&statistics(-1001));
        assert_eq!(lag.behind("orders", 3, 0), None);
    }
}
