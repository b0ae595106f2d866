//! Local traces put together, judged and passed on. It knows no thread and no clock: whoever runs it says what time it is.

mod leave;
mod room;

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::SpanRecord;

use super::counts::Counts;
use super::decided::{Decided, Decision};
use super::forced::Forced;
use super::judge::Judge;
use super::local::{ById, Fate, Key, Local, is_certain, is_due, weight};
use super::ready::Ready;
use super::stamp::Stamp;
use super::window::{Candidate, Window};
use crate::sampling::Tail;

/// One more than the highest randomness.
const ALL: u64 = 1 << 56;

/// What waits, and what was decided.
#[derive(Debug)]
pub(crate) struct Stage {
    tail: Arc<Tail>,
    /// Some rule takes from what the head has kept.
    thins: bool,
    judge: Judge,
    open: HashMap<Key, Local, ById>,
    window: Option<Window>,
    decided: Decided,
    stamp: Stamp,
    /// Lists of traces that are decided, for those that come.
    lists: Vec<Vec<SpanRecord>>,
    ready: Ready,
    /// Bytes of all that waits, what is ready included.
    held: usize,
    /// The threshold that a lack of room has set.
    floor: u64,
    /// The one that the budget has set.
    budget: u64,
    /// The one below which nothing is recorded, for lack of time.
    gate: u64,
    looked_for_old: Duration,
    lowered_floor: Duration,
    forced: Arc<Forced>,
    counts: Arc<Counts>,
}

/// Why a trace is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// No rule wants it.
    Class,
    /// There are enough of this second.
    Limit,
    /// There is no room.
    Room,
}

impl Stage {
    pub(crate) fn new(tail: Arc<Tail>, counts: Arc<Counts>, forced: Arc<Forced>) -> Self {
        let mut stage = Self {
            thins: false,
            judge: Judge::new(Arc::clone(&tail)),
            open: HashMap::default(),
            window: None,
            decided: Decided::default(),
            stamp: Stamp::default(),
            lists: Vec::new(),
            ready: Ready::default(),
            held: 0,
            floor: 0,
            budget: 0,
            gate: 0,
            looked_for_old: Duration::ZERO,
            lowered_floor: Duration::ZERO,
            forced,
            counts,
            tail: Arc::clone(&tail),
        };
        stage.set_rules(tail, Duration::ZERO);
        stage
    }

    /// Goes on with other rules. What waits for the end of a second is decided by the old ones.
    pub(crate) fn set_rules(&mut self, tail: Arc<Tail>, now: Duration) {
        self.close_window(now);
        self.judge.set_rules(Arc::clone(&tail));
        self.thins = tail.thins();
        match (&mut self.window, tail.limit) {
            (Some(window), Some(limit)) => window.set_budget(limit),
            (window, limit) => *window = limit.map(Window::new),
        }
        self.tail = tail;
    }

    /// Keeps less of the local traces that are new: none below this threshold, unless the head has kept it.
    pub(crate) const fn set_budget(&mut self, threshold: u64) {
        self.budget = threshold;
    }

    /// The same for want of time: below it not even all was recorded.
    pub(crate) const fn set_gate(&mut self, threshold: u64) {
        self.gate = threshold;
    }

    pub(crate) fn wait(&self) -> Duration {
        self.tail.wait
    }

    /// Takes a span that has ended.
    pub(crate) fn take(&mut self, span: SpanRecord, now: Duration) {
        self.roll(now);
        let key = Key::of(&span);
        if let Entry::Occupied(mut open) = self.open.entry(key) {
            self.held += weight(&span);
            let local = open.get_mut();
            local.push(key, span);
            if is_due(local, &self.tail) {
                let local = open.remove();
                self.decide(key, local, now);
            }
        } else if let Some(candidate) = self.window.as_mut().and_then(|w| w.get_mut(key)) {
            self.held += weight(&span);
            candidate.local.push(key, span);
        } else {
            self.take_first(key, span, now);
        }
        self.make_room(now);
    }

    /// Takes a span of which nothing waits.
    fn take_first(&mut self, key: Key, span: SpanRecord, now: Duration) {
        let floor = self.floor.max(self.budget).max(self.gate);
        let list = self.lists.pop().unwrap_or_default();
        let mut local = Local::new(list, &span, now, floor);
        let is_forced = || self.forced.has(span.span_context().trace_id());
        local.is_forced = self.thins && local.head.is_kept() && is_forced();
        if let Some(decision) = self.decided.get(key) {
            if !decision.is_open {
                self.reuse(local.spans);
                return self.follow(span, decision.fate, decision.reason.as_ref());
            }
            local.past = Some(decision.fate);
        }
        if local.randomness < floor && !self.is_certain(&local) {
            self.reuse(local.spans);
            self.counts.dropped(1);
            self.counts.overloaded.add(1);
            return self.remember(key, Fate::Dropped, None, false);
        }
        local.push(key, span);
        self.held += local.bytes;
        if is_due(&local, &self.tail) {
            self.decide(key, local, now);
        } else {
            self.open.insert(key, local);
        }
    }

    /// A span that comes after the decision goes the same way.
    fn follow(&mut self, mut span: SpanRecord, fate: Fate, reason: Option<&Cow<'static, str>>) {
        self.counts.late.add(1);
        match fate {
            Fate::Dropped => self.counts.dropped(1),
            Fate::Kept(weight) => {
                self.stamp.put(&mut span, weight, reason, false);
                self.pass_on(span);
            }
        }
    }

    /// Keeps the memory of a list, as long as there are few.
    fn reuse(&mut self, list: Vec<SpanRecord>) {
        const LISTS: usize = 64;
        const LONGEST: usize = 64;

        debug_assert!(list.is_empty(), "its spans are elsewhere");
        if self.lists.len() < LISTS && (1..=LONGEST).contains(&list.capacity()) {
            self.lists.push(list);
        }
    }

    fn is_certain(&self, local: &Local) -> bool {
        is_certain(local, self.thins)
    }

    /// Asks the rules. A trace whose root has not ended is cut: the rest of it comes later.
    fn decide(&mut self, key: Key, mut local: Local, now: Duration) {
        local.floor = local.floor.max(self.backlog());
        let is_certain = self.is_certain(&local);
        let is_counted = local.past.is_some_and(Fate::is_kept);
        let is_cut = !local.root_has_ended;
        let (randomness, floor) = (local.randomness, local.floor);
        let verdict = self.judge.judge(key, &local, now);
        let is_wanted =
            verdict.head.is_kept() || verdict.class.is_some_and(|class| randomness >= class.0);
        let otherwise = match is_wanted && randomness < floor {
            true => Reason::Room,
            false => Reason::Class,
        };
        let head = match local.past {
            Some(past) if past.is_kept() || !local.is_forced => past,
            _ if is_certain => verdict.head,
            _ => verdict.head.and(floor, randomness),
        };
        let class = verdict
            .class
            .map(|(threshold, reason)| (threshold.max(floor), reason.clone()))
            .filter(|class| head.is_kept() || randomness >= class.0);
        if is_cut {
            self.counts.cut.add(1);
        }
        let Some(window) = &mut self.window else {
            return self.settle(key, local, head, class, otherwise);
        };
        let mut gone = Vec::new();
        if head.is_kept() && !is_counted {
            gone = window.count_certain();
        }
        match class {
            // Who cannot wait takes the threshold of the last second.
            Some((threshold, reason)) if is_cut => {
                let threshold = threshold.max(window.last());
                let fits = randomness >= threshold && window.has_room();
                if fits && !head.is_kept() {
                    gone.append(&mut window.count_certain());
                }
                let class = (fits || head.is_kept()).then_some((threshold, reason));
                self.settle(key, local, head, class, Reason::Limit);
            }
            Some((threshold, reason)) if head.or(threshold, randomness) != head => {
                let candidate = Candidate {
                    local,
                    head,
                    class: threshold,
                    reason,
                };
                gone.append(&mut window.push(key, candidate, head.is_kept()));
            }
            class => self.settle(key, local, head, class, otherwise),
        }
        self.drop_all(gone, Reason::Limit);
    }

    /// Does what was decided.
    fn settle(
        &mut self,
        key: Key,
        mut local: Local,
        head: Fate,
        class: Option<(u64, Cow<'static, str>)>,
        otherwise: Reason,
    ) {
        let (fate, reason) = match class {
            Some((threshold, reason)) => (head.or(threshold, local.randomness), Some(reason)),
            None => (head, None),
        };
        self.held -= local.bytes;
        let is_partial = !local.head.is_kept();
        let is_cut = !local.root_has_ended;
        match fate {
            Fate::Dropped => {
                self.counts.dropped(local.spans.len());
                local.spans.clear();
            }
            Fate::Kept(weight) => {
                self.counts.kept.add(1);
                for mut span in local.spans.drain(..) {
                    let is_partial = is_partial && key.is_root(&span);
                    self.stamp
                        .put(&mut span, weight, reason.as_ref(), is_partial);
                    self.pass_on(span);
                }
            }
        }
        self.reuse(local.spans);
        match otherwise {
            Reason::Limit if !fate.is_kept() => self.counts.limited.add(1),
            Reason::Room if !fate.is_kept() => self.counts.overloaded.add(1),
            _ if !fate.is_kept() => self.counts.unwanted.add(1),
            _ => {}
        }
        let is_open = is_cut && (fate.is_kept() || otherwise == Reason::Class);
        self.remember(key, fate, reason, is_open);
    }

    fn remember(&mut self, key: Key, fate: Fate, reason: Option<Cow<'static, str>>, is_open: bool) {
        let decision = Decision {
            fate,
            reason,
            is_open,
        };
        self.decided.remember(key, decision);
    }

    fn drop_all(&mut self, gone: Vec<(Key, Candidate)>, reason: Reason) {
        for (key, candidate) in gone {
            self.settle(key, candidate.local, Fate::Dropped, None, reason);
        }
    }

    /// Ends a second that is over.
    fn roll(&mut self, now: Duration) {
        if self.window.as_ref().is_some_and(|w| w.is_over(now)) {
            self.close_window(now);
        }
    }

    fn close_window(&mut self, now: Duration) {
        let Some(window) = &mut self.window else {
            return;
        };
        let closed = window.close(now);
        for (key, candidate) in closed.kept {
            let Candidate {
                local,
                head,
                class,
                reason,
            } = candidate;
            let threshold = class.max(local.floor).max(closed.threshold);
            // The floor may have risen while it waited.
            let head = match is_certain(&local, self.thins) {
                true => head,
                false => head.and(local.floor, local.randomness),
            };
            self.settle(key, local, head, Some((threshold, reason)), Reason::Class);
        }
        self.drop_all(closed.dropped, Reason::Limit);
    }

    /// Decides what has waited too long, and ends a second that is over. To be called a few times a second.
    pub(crate) fn tick(&mut self, now: Duration) {
        const SECOND: Duration = Duration::from_secs(1);

        self.roll(now);
        if now.saturating_sub(self.looked_for_old) >= self.tail.wait / 8 {
            self.looked_for_old = now;
            let wait = self.tail.wait;
            self.decide_early(now, |local| now.saturating_sub(local.since) >= wait);
        }
        if now.saturating_sub(self.lowered_floor) >= SECOND {
            self.lowered_floor = now;
            if self.held < self.tail.bytes / 2 {
                // Twice as many.
                self.floor = (2 * self.floor).saturating_sub(ALL);
            }
        }
        self.counts.set_waiting_bytes(self.held);
    }

    /// Decides all whose root has ended.
    pub(crate) fn flush(&mut self, now: Duration) {
        self.close_window(now);
    }

    /// Decides all.
    pub(crate) fn finish(&mut self, now: Duration) {
        self.decide_early(now, |_| true);
        self.close_window(now);
    }

    fn decide_early(&mut self, now: Duration, is_due: impl Fn(&Local) -> bool) {
        let due = self.open.iter().filter(|(_, local)| is_due(local));
        let due: Vec<Key> = due.map(|(key, _)| *key).collect();
        for key in due {
            if let Some(local) = self.open.remove(&key) {
                self.decide(key, local, now);
            }
        }
    }

    /// Bytes of all that waits.
    #[cfg(test)]
    pub(crate) const fn held(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests;
