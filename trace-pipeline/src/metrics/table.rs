//! Time series by their labels, up to a number.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use super::labels::{Label, Labels};

/// Finds what belongs to labels that are only lent: what is known already costs no allocation.
#[derive(Debug)]
pub(super) struct Table<T> {
    hasher: RandomState,
    entries: RwLock<HashMap<u64, Vec<Arc<Entry<T>>>>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) labels: Labels,
    pub(super) value: T,
}

impl<T> Entry<T> {
    pub(super) const fn new(labels: Labels, value: T) -> Self {
        Self { labels, value }
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: RwLock::default(),
        }
    }
}

impl<T: Default> Table<T> {
    /// What belongs to these labels. What is not there yet is made, if `admit` says that there is room for one more.
    pub(super) fn get(
        &self,
        labels: &[Label<'_>],
        admit: impl FnOnce() -> bool,
    ) -> Option<Arc<Entry<T>>> {
        let hash = self.hasher.hash_one(labels);
        let find = |entries: &HashMap<u64, Vec<Arc<Entry<T>>>>| {
            let with_hash = entries.get(&hash)?;
            with_hash
                .iter()
                .find(|entry| entry.labels.are(labels))
                .cloned()
        };
        let known = find(&self.entries.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_some() {
            return known;
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster.
        if let Some(known) = find(&entries) {
            return Some(known);
        }
        if !admit() {
            return None;
        }
        let entry = Arc::new(Entry::new(Labels::of(labels), T::default()));
        entries.entry(hash).or_default().push(Arc::clone(&entry));
        Some(entry)
    }
}

impl<T> Table<T> {
    /// All that there are now, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Entry<T>>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().flatten().cloned().collect()
    }
}
