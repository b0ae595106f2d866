use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::semconv::ctx_message_settlement as settlement;

/// What was settled on a channel without its delivery being asked: acknowledgements of many at once, or by tag.
///
/// Deliveries look here when they are dropped, for what was settled since they were handed over: what was before is of no concern, since after a recovery of
/// the channel the tags begin anew. Only the last few are known, where those that were settled one after the other in their order are one: they matter for as
/// long as a delivery is held.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many there were so far. It can be read without the lock.
    count: AtomicU64,
    ranges: Mutex<VecDeque<Range>>,
}

#[derive(Debug)]
struct Range {
    /// When it, or the first of it, was settled.
    number: u64,
    from: u64,
    to: u64,
    how: &'static str,
    /// Whether they were settled one by one, each at the next number.
    one_by_one: bool,
}

impl Range {
    /// When this one of it was settled.
    const fn number_of(&self, tag: u64) -> u64 {
        match self.one_by_one {
            true => self.number + (tag - self.from),
            false => self.number,
        }
    }
}

/// When a delivery was handed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(u64);

const MOST: usize = 64;

impl Settled {
    /// Now.
    pub(super) fn since(&self) -> Since {
        Since(self.0.count.load(Ordering::Acquire))
    }

    /// Remembers that `tag`, or all up to it, was settled. Tag 0 stands for all so far.
    pub(super) fn put(&self, tag: u64, multiple: bool, how: &'static str) {
        let (from, to) = match (multiple, tag) {
            (true, 0) => (0, u64::MAX),
            (true, tag) => (0, tag),
            (false, tag) => (tag, tag),
        };
        let mut ranges = self.lock();
        let number = self.0.count.fetch_add(1, Ordering::Release);
        if let Some(last) = ranges.back_mut()
            && last.one_by_one
            && !multiple
            && last.how == how
            && last.to.checked_add(1) == Some(tag)
        {
            last.to = tag;
            return;
        }
        if ranges.len() >= MOST {
            ranges.pop_front();
        }
        ranges.push_back(Range {
            number,
            from,
            to,
            how,
            one_by_one: !multiple,
        });
    }

    /// How `tag` was settled since it was handed over: the first time counts.
    pub(super) fn how(&self, tag: u64, since: Since) -> &'static str {
        let ranges = self.lock();
        let mut covering = ranges
            .iter()
            .filter(|range| (range.from..=range.to).contains(&tag));
        let range = covering.find(|range| range.number_of(tag) >= since.0);
        range.map_or(settlement::NONE, |range| range.how)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Range>> {
        let ranges = self.0.ranges.lock();
        ranges.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_settlement_that_covers_a_tag_counts() {
        let settled = Settled::default();
        let since = settled.since();
        settled.put(3, true, settlement::ACK);
        settled.put(5, false, settlement::REJECT);
        settled.put(6, true, settlement::REQUEUE);
        let how: Vec<_> = (1..=7).map(|tag| settled.how(tag, since)).collect();
        assert_eq!(
            how,
            ["ack", "ack", "ack", "requeue", "reject", "requeue", "none"]
        );
    }

    #[test]
    fn tag_zero_stands_for_all_that_were_handed_over() {
        let settled = Settled::default();
        let since = settled.since();
        settled.put(0, true, settlement::ACK);
        assert_eq!(settled.how(7, since), "ack");
        assert_eq!(settled.how(7, settled.since()), "none");
    }

    #[test]
    fn what_was_settled_before_a_delivery_came_is_of_no_concern() {
        let settled = Settled::default();
        settled.put(100, true, settlement::ACK);
        let recovered = settled.since();
        assert_eq!(settled.how(1, recovered), "none");
        settled.put(1, false, settlement::REJECT);
        assert_eq!(settled.how(1, recovered), "reject");
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let settled = Settled::default();
        let since = settled.since();
        for tag in 1..=1000 {
            settled.put(2 * tag, false, settlement::ACK);
        }
        assert_eq!(settled.lock().len(), MOST);
        assert_eq!(settled.how(2000, since), "ack");
    }

    #[test]
    fn however_many_are_settled_one_after_the_other_all_are_known() {
        let settled = Settled::default();
        let since = settled.since();
        for tag in 1..=1000 {
            settled.put(tag, false, settlement::ACK);
        }
        settled.put(1001, false, settlement::REJECT);
        for tag in 1..=1000 {
            assert_eq!(settled.how(tag, since), "ack");
        }
        assert_eq!(settled.how(1001, since), "reject");
        assert_eq!(settled.how(1002, since), "none");
    }

    #[test]
    fn those_of_a_row_that_were_settled_before_a_delivery_came_are_of_no_concern() {
        let settled = Settled::default();
        let before = settled.since();
        for tag in 1..=10 {
            settled.put(tag, false, settlement::ACK);
        }
        // The channel is recovered, and its tags begin anew; then one goes on where the row ended.
        let recovered = settled.since();
        settled.put(11, false, settlement::ACK);
        assert_eq!(settled.how(5, recovered), "none");
        assert_eq!(settled.how(10, recovered), "none");
        assert_eq!(settled.how(11, recovered), "ack");
        assert_eq!(settled.how(5, before), "ack");
    }
}
