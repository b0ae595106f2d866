//! At most so many traces in a second, chosen when the second is over: those of the highest randomness.
//!
//! The threshold is then just above the randomness of the best one that had to go. Seen from a trace that was kept, that is a threshold which the
//! others have set: the trace would have been dropped below it and kept above it, whatever else. So it is its weight, without bias
//! (bottom-k sampling).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use super::local::{ById, Fate, Key, Local};

/// The traces of one second that a rule wants.
#[derive(Debug)]
pub(super) struct Window {
    budget: usize,
    /// In whole seconds.
    number: u64,
    waiting: HashMap<Key, Candidate, ById>,
    /// Those that can still be dropped, the lowest randomness first.
    order: BinaryHeap<Reverse<(u64, Key)>>,
    /// What has left or must leave in this second whatever comes.
    certain: usize,
    /// The highest randomness of those that were dropped.
    dropped: Option<u64>,
    /// The threshold that the last second has come to.
    last: u64,
}

/// A trace that waits for the end of its second.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) local: Local,
    /// What keeps it beside its rule.
    pub(super) head: Fate,
    /// From which randomness on its rule keeps it.
    pub(super) class: u64,
    pub(super) reason: Cow<'static, str>,
}

impl Window {
    pub(super) fn new(budget: u32) -> Self {
        Self {
            budget: usize::try_from(budget).unwrap_or(usize::MAX),
            number: 0,
            waiting: HashMap::default(),
            order: BinaryHeap::new(),
            certain: 0,
            dropped: None,
            last: 0,
        }
    }

    pub(super) const fn set_budget(&mut self, budget: u32) {
        self.budget = budget as usize;
    }

    /// Whether this second is over.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        now.as_secs() != self.number
    }

    /// The trace, if it waits here.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Candidate> {
        self.waiting.get_mut(&key)
    }

    /// A trace leaves that cannot be dropped: there is room for one less of the others. Gives those that must go.
    pub(super) fn count_certain(&mut self) -> Vec<(Key, Candidate)> {
        self.certain += 1;
        self.shrink()
    }

    /// Whether one more can leave that nobody has counted.
    pub(super) const fn has_room(&self) -> bool {
        self.certain < self.budget
    }

    /// The threshold of the last second: the best guess for who cannot wait.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Lets a trace wait; `is_certain` if it leaves in any case. Gives those that must go for it.
    pub(super) fn push(
        &mut self,
        key: Key,
        candidate: Candidate,
        is_certain: bool,
    ) -> Vec<(Key, Candidate)> {
        if !is_certain {
            self.order.push(Reverse((candidate.local.randomness, key)));
        }
        self.waiting.insert(key, candidate);
        self.shrink()
    }

    fn shrink(&mut self) -> Vec<(Key, Candidate)> {
        let room = self.budget.saturating_sub(self.certain);
        let mut gone = Vec::new();
        while self.order.len() > room
            && let Some(Reverse((randomness, key))) = self.order.pop()
        {
            self.dropped = self.dropped.max(Some(randomness));
            gone.extend(self.waiting.remove_entry(&key));
        }
        gone
    }

    /// All that wait, those dropped that lie on the threshold with one that has gone, and the threshold. What was kept is counted on the
    /// second that goes on, or it is a new second.
    pub(super) fn close(&mut self, now: Duration) -> Closed {
        let threshold = self.dropped.map_or(0, |dropped| dropped + 1);
        let mut dropped = Vec::new();
        // Two local traces of one trace have one randomness: neither is better.
        while let Some(Reverse((randomness, key))) = self.order.peek().copied()
            && randomness < threshold
        {
            self.order.pop();
            dropped.extend(self.waiting.remove_entry(&key));
        }
        let kept: Vec<_> = self.waiting.drain().collect();
        if self.is_over(now) {
            self.number = now.as_secs();
            self.certain = 0;
        } else {
            self.certain += self.order.len();
        }
        self.order.clear();
        self.dropped = None;
        self.last = threshold;
        Closed {
            kept,
            dropped,
            threshold,
        }
    }

    /// Takes out those that `is_bad`, without counting them as dropped by the budget.
    pub(super) fn take_out(
        &mut self,
        mut is_bad: impl FnMut(&Local) -> bool,
    ) -> Vec<(Key, Candidate)> {
        let bad: Vec<Key> = self
            .waiting
            .iter()
            .filter(|(_, candidate)| is_bad(&candidate.local))
            .map(|(key, _)| *key)
            .collect();
        let gone: Vec<_> = bad
            .iter()
            .filter_map(|key| self.waiting.remove_entry(key))
            .collect();
        let waiting = &self.waiting;
        self.order
            .retain(|Reverse((_, key))| waiting.contains_key(key));
        gone
    }

    pub(super) fn locals(&mut self) -> impl Iterator<Item = &mut Local> {
        self.waiting
            .values_mut()
            .map(|candidate| &mut candidate.local)
    }
}

/// What came of a second.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) kept: Vec<(Key, Candidate)>,
    pub(super) dropped: Vec<(Key, Candidate)>,
    /// From which randomness on traces were kept.
    pub(super) threshold: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(u32::MAX)
    }
}
