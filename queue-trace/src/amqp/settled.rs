use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::semconv::ctx_message_settlement as settlement;

/// What was settled on a channel without its delivery being asked: acknowledgements of many at once, or by tag.
///
/// Deliveries look here when they are dropped. Only the last few are known: they matter for as long as a delivery is held.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ranges: VecDeque<Range>,
    /// The newest tag that was handed over.
    newest: u64,
}

#[derive(Debug)]
struct Range {
    from: u64,
    to: u64,
    how: &'static str,
}

const MOST: usize = 64;

impl Settled {
    /// Takes note of a delivery that is handed over.
    pub(super) fn hand_over(&self, tag: u64) {
        let mut state = self.lock();
        state.newest = state.newest.max(tag);
    }

    /// Remembers that `tag`, or all up to it, was settled. Tag 0 stands for all so far.
    pub(super) fn put(&self, tag: u64, multiple: bool, how: &'static str) {
        let mut state = self.lock();
        let to = if tag == 0 && multiple {
            state.newest
        } else {
            tag
        };
        let from = if multiple { 0 } else { tag };
        if state.ranges.len() >= MOST {
            state.ranges.pop_front();
        }
        state.ranges.push_back(Range { from, to, how });
    }

    /// How `tag` was settled: the first time counts.
    pub(super) fn how(&self, tag: u64) -> &'static str {
        let state = self.lock();
        let mut ranges = state.ranges.iter();
        let range = ranges.find(|range| (range.from..=range.to).contains(&tag));
        range.map_or(settlement::NONE, |range| range.how)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_settlement_that_covers_a_tag_counts() {
        let settled = Settled::default();
        settled.put(3, true, settlement::ACK);
        settled.put(5, false, settlement::REJECT);
        settled.put(6, true, settlement::REQUEUE);
        let how: Vec<_> = (1..=7).map(|tag| settled.how(tag)).collect();
        assert_eq!(
            how,
            ["ack", "ack", "ack", "requeue", "reject", "requeue", "none"]
        );
    }

    #[test]
    fn tag_zero_stands_for_all_that_were_handed_over() {
        let settled = Settled::default();
        settled.hand_over(7);
        settled.put(0, true, settlement::ACK);
        assert_eq!(settled.how(7), "ack");
        assert_eq!(settled.how(8), "none");
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let settled = Settled::default();
        for tag in 1..=1000 {
            settled.put(tag, false, settlement::ACK);
        }
        assert_eq!(settled.lock().ranges.len(), MOST);
        assert_eq!(settled.how(1000), "ack");
    }
}
