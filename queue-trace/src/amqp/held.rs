use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lapin::message::Delivery;
use lapin::types::{DeliveryTag, ShortString};
use tracing_core_ctx::Context;

use super::routes::Way;
use super::source::Source;

/// The deliveries of a channel that are held and wait to be settled, of those of which somebody wants to know: for what settles them by their tags.
///
/// There are no more than deliveries are held.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether there were deliveries that are not here, or left unsettled, so that nobody knows how many one settlement covers.
    is_partial: AtomicBool,
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    by_tag: BTreeMap<DeliveryTag, Entry>,
    last: u64,
    /// How those were settled whose tags others have now: after a recovery of the channel they begin anew.
    replaced: BTreeMap<u64, &'static str>,
}

/// One of them, told from others that had its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

/// What is known of one.
#[derive(Debug)]
struct Entry {
    number: u64,
    how: Option<&'static str>,
    from: Whence,
}

/// Where a delivery is processed, and what it has come from.
#[derive(Clone, Debug)]
pub(super) struct Whence {
    pub(super) processing: Context,
    pub(super) source: Arc<Source>,
    place: Place,
}

/// By what way it came: a place among the routes of its source, or the names, where there was no room.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Route(usize),
    Names(Box<(ShortString, ShortString)>),
}

impl Whence {
    #[inline]
    pub(super) fn new(delivery: &Delivery, processing: &Context, source: &Arc<Source>) -> Self {
        let place = match source.position(delivery) {
            Some(position) => Place::Route(position),
            None => {
                let names = (delivery.exchange.clone(), delivery.routing_key.clone());
                Place::Names(Box::new(names))
            }
        };
        Self {
            processing: processing.clone(),
            source: Arc::clone(source),
            place,
        }
    }

    pub(super) fn way(&self) -> Way<'_> {
        let (exchange, routing_key) = match &self.place {
            Place::Route(position) => self.source.routes.names(*position).unwrap_or_default(),
            Place::Names(names) => (names.0.as_str(), names.1.as_str()),
        };
        self.source.way(exchange, routing_key)
    }

    fn is_same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.place == other.place
    }
}

/// What one settlement covers.
#[derive(Debug)]
pub(super) struct Covered {
    /// The last of them.
    pub(super) last: Whence,
    /// Whether all came the same way.
    pub(super) is_one_place: bool,
}

/// The tags that a settlement covers. Tag 0 stands for all so far.
fn range(tag: DeliveryTag, multiple: bool) -> std::ops::RangeInclusive<DeliveryTag> {
    match (multiple, tag) {
        (true, 0) => 0..=DeliveryTag::MAX,
        (true, tag) => 0..=tag,
        (false, tag) => tag..=tag,
    }
}

impl Held {
    /// Takes one in that waits to be settled.
    pub(super) fn insert(&self, tag: DeliveryTag, from: Whence) -> Number {
        let mut all = self.lock();
        all.last += 1;
        let number = all.last;
        let entry = Entry {
            number,
            how: None,
            from,
        };
        let before = all.by_tag.insert(tag, entry);
        if let Some(before) = &before
            && let Some(how) = before.how
        {
            all.replaced.insert(before.number, how);
        }
        // What it held goes without the lock.
        drop(all);
        drop(before);
        Number(number)
    }

    /// There is one that is not taken in.
    #[inline]
    pub(super) fn pass(&self) {
        let is_partial = &self.0.is_partial;
        if !is_partial.load(Ordering::Relaxed) {
            is_partial.store(true, Ordering::Relaxed);
        }
    }

    /// Lets one go, and says how it was settled, if it was by its tag.
    pub(super) fn remove(&self, tag: DeliveryTag, number: Number) -> Option<&'static str> {
        let mut all = self.lock();
        let is_it = |entry: &Entry| entry.number == number.0;
        if all.by_tag.get(&tag).is_some_and(is_it) {
            let entry = all.by_tag.remove(&tag);
            drop(all);
            entry?.how
        } else {
            all.replaced.remove(&number.0)
        }
    }

    /// What a settlement will cover that is not settled yet.
    pub(super) fn covered(&self, tag: DeliveryTag, multiple: bool) -> Option<Covered> {
        let all = self.lock();
        let covered = all.by_tag.range(range(tag, multiple)).rev();
        let mut covered = covered
            .map(|(_, entry)| entry)
            .filter(|entry| entry.how.is_none());
        let last = covered.next()?.from.clone();
        let is_one_place = covered.all(|entry| entry.from.is_same_place(&last));
        Some(Covered { last, is_one_place })
    }

    /// Remembers that `tag`, or all up to it, was settled; the first time counts. How many that were, if anybody knows.
    pub(super) fn settle(
        &self,
        tag: DeliveryTag,
        multiple: bool,
        how: &'static str,
    ) -> Option<usize> {
        let mut all = self.lock();
        let covered = all.by_tag.range_mut(range(tag, multiple));
        let mut count = 0;
        for (_, entry) in covered {
            if entry.how.is_none() {
                entry.how = Some(how);
                count += 1;
            }
        }
        let is_known = multiple && !self.0.is_partial.load(Ordering::Relaxed);
        is_known.then_some(count)
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
