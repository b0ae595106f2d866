//! Between the pipeline's thread and the server lies the spool: batches go in, requests come out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::{SpanRecord, TraceId, semconv};

use super::encode;
use super::retry::Backoff;
use crate::counters::{Done, SpoolLoss};
use crate::cutoff;
use crate::exporter::Batch;
use crate::outlet::Settle;
use crate::quiet::Quiet;
use crate::shared::Shared;
use crate::spool::{Group, Rank, Slot, SpoolConfig, Store};

/// How long a span is in memory only. With a tail before it the thread of that may have rested as long before; and whoever wakes a thread by time on a machine
/// that does something else, too, is late by some milliseconds. All of it is less than the tenth of a second that is promised.
pub(super) const WRITE_DELAY: Duration = Duration::from_millis(25);

/// As a batch is complete: many servers of gRPC take no message over 4 MiB.
const GROUP_BYTES: usize = 2 << 20;

pub(super) struct Spooling {
    /// Until the pipeline's thread has opened it.
    closed: Option<(SpoolConfig, Slot)>,
    store: Option<Store>,
    /// Groups that were sent in vain, the oldest first.
    again: VecDeque<Group>,
    /// When spans began to wait for company.
    waiting_since: Option<Instant>,
    /// The server does not take anything: one request at a time finds out when it does, and when.
    failing: Option<(Backoff, Instant)>,
    /// Somebody waits for the records with lower numbers.
    wanted: Option<u64>,
    quiet: Quiet,
    /// The last batch could not be written.
    is_broken: bool,
}

impl Spooling {
    pub(super) fn new(config: SpoolConfig, slot: Slot) -> Self {
        Self {
            closed: Some((config, slot)),
            store: None,
            again: VecDeque::new(),
            waiting_since: None,
            failing: None,
            wanted: None,
            quiet: Quiet::default(),
            is_broken: false,
        }
    }

    /// Finds what was left, in the first call.
    fn store(&mut self, settle: &mut Settle<'_>) -> Option<&mut Store> {
        if let Some((config, slot)) = self.closed.take() {
            let store = Store::open(config, slot, settle);
            self.wanted = self.wanted.map(|_| store.next_number());
            self.store = Some(store);
        }
        self.store.as_mut()
    }

    /// Writes a batch, errors and what was kept for a reason first. How many spans could not be written, and the message of them, is handed back.
    pub(super) fn write<'a>(
        &mut self,
        batch: &Batch<'a>,
        settle: &mut Settle<'_>,
    ) -> Option<(usize, Vec<u8>)> {
        let mut refused: Option<(usize, Vec<u8>)> = None;
        for (rank, spans) in ranked(batch) {
            let payload = encode(batch.resource(), spans.iter().copied());
            let written = self
                .store(settle)
                .is_some_and(|store| store.append(rank, spans.len(), &payload, settle).is_ok());
            if !written {
                let (number, message) = refused.get_or_insert_default();
                *number += spans.len();
                // One message with the fields of both.
                message.extend(payload);
            }
        }
        self.is_broken = refused.is_some();
        refused
    }

    /// Whether the last batch could not be written: the next one may have to go from memory as well.
    pub(super) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// What is to be sent now, if anything is.
    pub(super) fn next(
        &mut self,
        shared: &Shared,
        schedule_delay: Duration,
        under_way: usize,
        settle: &mut Settle<'_>,
    ) -> Option<Group> {
        if shared.cutoff.has_passed() {
            return None;
        }
        if let Some((_, at)) = self.failing
            && (under_way > 0 || self.wanted.is_none() && at > Instant::now())
        {
            return None;
        }
        while let Some(group) = self.again.pop_front() {
            if group.expires > Instant::now() {
                return Some(group);
            }
            settle(Done::SpoolLost {
                spans: group.spans,
                why: SpoolLoss::Expired,
            });
            self.store(settle)?.settle(&group);
        }
        let max_spans = shared.queue.bounds().batch_spans;
        let hurry = self.has_wanted();
        let since = self.waiting_since;
        let store = self.store(settle)?;
        let unread = store.unread();
        let due = hurry
            || unread >= max_spans
            || since.is_some_and(|since| since.elapsed() >= schedule_delay);
        if unread == 0 || !due {
            self.waiting_since = (unread > 0).then(|| since.unwrap_or_else(Instant::now));
            return None;
        }
        let group = store.next(max_spans, GROUP_BYTES, settle);
        self.waiting_since = None;
        group
    }

    /// When there may be something to do.
    pub(super) fn next_look(&self, schedule_delay: Duration) -> Instant {
        let since = self.waiting_since;
        let company = since.and_then(|since| since.checked_add(schedule_delay));
        let again = self.failing.as_ref().map(|(_, at)| *at);
        let least = cutoff::after(WRITE_DELAY);
        [company, again]
            .into_iter()
            .flatten()
            .min()
            .map_or_else(|| cutoff::after(Duration::from_secs(1)), |at| at.max(least))
    }

    /// The server has taken the group, or never will.
    pub(super) fn settled(&mut self, group: &Group) {
        self.failing = None;
        if let Some(store) = &mut self.store {
            store.settle(group);
        }
    }

    /// The server may take the group at another time, not before `not_before` and after a pause.
    pub(super) fn put_off(&mut self, group: Group, not_before: Option<Instant>, first: Backoff) {
        let mut backoff = self.failing.take().map_or(first, |(backoff, _)| backoff);
        let at = cutoff::after(backoff.wait());
        self.failing = Some((backoff, not_before.map_or(at, |least| at.max(least))));
        self.wanted = None;
        let place = self
            .again
            .partition_point(|known| known.number < group.number);
        self.again.insert(place, group);
    }

    /// Somebody waits for all that is here now, but not for what comes later.
    pub(super) fn hurry(&mut self) {
        self.wanted = Some(self.store.as_ref().map_or(u64::MAX, Store::next_number));
    }

    /// Whether somebody waits for this group.
    pub(super) fn wants(&self, group: &Group) -> bool {
        self.wanted.is_some_and(|end| group.number < end)
    }

    /// Somebody waits for what lies here.
    pub(super) fn is_wanted(&self, shared: &Shared) -> bool {
        !shared.cutoff.has_passed() && self.has_wanted()
    }

    fn has_wanted(&self) -> bool {
        let again = self.again.front().map(|group| group.number);
        let unread = self.store.as_ref().and_then(Store::next_unread);
        let is_wanted = |end| {
            // Nobody knows yet what an earlier process left.
            self.closed.is_some() || again.into_iter().chain(unread).any(|number| number < end)
        };
        self.wanted.is_some_and(is_wanted)
    }

    /// Does what is due by time, and tells what went wrong.
    pub(super) fn keep_up(&mut self, shared: &Arc<Shared>, settle: &mut Settle<'_>) {
        if self.closed.is_none() && !self.has_wanted() {
            self.wanted = None;
        }
        let Some(store) = self.store(settle) else {
            return;
        };
        store.expire(settle);
        store.keep_up();
        let counters = &shared.counters.exports;
        counters.spool_errors.add(std::mem::take(&mut store.errors));
        counters.spool_cut.add(std::mem::take(&mut store.cut));
        let error = store.last_error.take();
        if let Some(error) = error
            && self.quiet.may_tell()
        {
            diagnostics::report(Level::Error, format_args!("the spool: {error}"));
        }
    }

    /// Tells how large the spool is.
    pub(super) fn measure(&self, shared: &Shared) {
        let store = self.store.as_ref();
        let (bytes, room) = store.map_or((0, 0), |store| (store.bytes(), store.max_bytes()));
        let counters = &shared.counters.exports;
        counters.spool_bytes.store(bytes, Ordering::Relaxed);
        counters.spool_room.store(room, Ordering::Relaxed);
    }

    pub(super) fn close(&mut self, shared: &Arc<Shared>, settle: &mut Settle<'_>) {
        if let Some(store) = &mut self.store {
            store.close();
        }
        self.keep_up(shared, settle);
        self.measure(shared);
    }
}

/// Whether somebody will look for it more than for others: it has failed, or it was kept for another reason than chance.
fn is_special(span: &SpanRecord) -> bool {
    let reason = || span.attributes().get(semconv::CTX_SAMPLING_REASON.name());
    let is_reason = |reason: ValueRef<'_>| reason.as_str() != Some("probability");
    span.has_failed() || reason().is_some_and(is_reason)
}

/// The spans of a batch, those of special traces first.
fn ranked<'a>(batch: &Batch<'a>) -> impl Iterator<Item = (Rank, Vec<&'a SpanRecord>)> {
    let mut special: Vec<TraceId> = batch
        .spans()
        .filter(|span| is_special(span))
        .map(|span| span.span_context().trace_id())
        .collect();
    special.sort_unstable();
    special.dedup();
    let (first, rest): (Vec<_>, Vec<_>) = batch.spans().partition(|span| {
        let trace = span.span_context().trace_id();
        special.binary_search(&trace).is_ok()
    });
    [(Rank::First, first), (Rank::Rest, rest)]
        .into_iter()
        .filter(|(_, spans)| !spans.is_empty())
}
