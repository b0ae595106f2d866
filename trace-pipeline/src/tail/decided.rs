//! What was decided of late, for the spans that come after the decision.

use std::collections::{HashMap, VecDeque};

use super::local::{ById, Fate, Key};

/// So many decisions are remembered, the last ones.
const MOST: usize = 32 * 1024;

#[derive(Debug, Default)]
pub(super) struct Decided {
    entries: HashMap<Key, Decision, ById>,
    order: VecDeque<Key>,
}

/// What was decided about a local trace.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) fate: Fate,
    pub(super) reason: Option<Box<str>>,
    /// What comes now is the rest of a trace that was cut: it can still be kept for what it turns out to be.
    pub(super) is_open: bool,
}

impl Decided {
    pub(super) fn get(&self, key: Key) -> Option<&Decision> {
        self.entries.get(&key)
    }

    pub(super) fn remember(&mut self, key: Key, decision: Decision) {
        if self.entries.insert(key, decision).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}
