//! Which headers the messages have that were sent, asked of the broker: the producer does not tell.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::{Instant, timeout_at};

use super::client::Said;
use super::{client, is_passing, print_all};
use crate::Result;
use crate::options::Options;
use crate::output::TraceHeaders;

/// Prints the headers of the messages at `places`, partitions and offsets, in that order.
pub(super) async fn read(
    options: &Options,
    headers: &TraceHeaders,
    places: Vec<(i32, i64)>,
) -> Result {
    let topic = &options.destination;
    let mut missing: BTreeSet<(i32, i64)> = places.iter().copied().collect();
    let mut partitions = TopicPartitionList::new();
    let mut last = None;
    // They are in their order, so the first of a partition is its smallest.
    for (partition, offset) in missing.iter().copied() {
        if offset < 0 {
            return Err(format!("the broker did not say where in {topic} the messages are").into());
        }
        if last != Some(partition) {
            partitions.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        last = Some(partition);
    }
    let said = Said::default();
    let consumer: StreamConsumer<Said> = client::config(options)
        .set("group.id", "queue-peer-read-back")
        .set("enable.auto.commit", "false")
        .create_with_context(said.clone())?;
    consumer.assign(&partitions)?;

    let mut found: BTreeMap<(i32, i64), OwnedMessage> = BTreeMap::new();
    let end = Instant::now() + options.limit;
    while !missing.is_empty() {
        match timeout_at(end, consumer.recv()).await {
            Ok(Ok(message)) => {
                let place = (message.partition(), message.offset());
                if missing.remove(&place) {
                    found.insert(place, message.detach());
                }
            }
            Ok(Err(error)) if is_passing(&error) => said.keep(error.to_string()),
            Ok(Err(error)) => return Err(said.about(&error).into()),
            Err(_) => {
                let count = missing.len();
                let lost = format!("{count} messages were sent and are not in {topic}");
                return Err(said.about(&lost).into());
            }
        }
    }
    for place in places {
        if let Some(all) = found.get(&place).and_then(OwnedMessage::headers) {
            print_all(headers, all);
        }
    }
    Ok(())
}
