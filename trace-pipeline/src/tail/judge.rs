//! What the rules say about a local trace.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::{SpanRecord, semconv};

use super::latency::Latency;
use super::local::{Fate, Key, Local, Spread};
use super::rare::Seen;
use crate::sampling::{Keep, Tail, When};

/// Asks the rules, and learns what is usual.
#[derive(Debug)]
pub(super) struct Judge {
    tail: Arc<Tail>,
    latency: Latency,
    seen: Seen,
    /// Some rule wants to know what is slow, or what is rare.
    learns_latency: bool,
    rare_within: Option<Duration>,
}

/// What the rules say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict<'a> {
    /// What the head's decision has become.
    pub(super) head: Fate,
    /// From which randomness on a rule keeps it, and why.
    pub(super) class: Option<(u64, &'a Cow<'static, str>)>,
}

/// What rules look at.
struct Case<'a> {
    local: &'a Local,
    root: Option<&'a SpanRecord>,
    duration: Duration,
    is_slow_route: &'a mut dyn FnMut(f64) -> bool,
    is_rare: bool,
}

impl Judge {
    pub(super) fn new(tail: Arc<Tail>) -> Self {
        let mut judge = Self {
            tail: Arc::clone(&tail),
            latency: Latency::default(),
            seen: Seen::default(),
            learns_latency: false,
            rare_within: None,
        };
        judge.set_rules(tail);
        judge
    }

    /// Goes on with other rules and with what it has learnt.
    pub(super) fn set_rules(&mut self, tail: Arc<Tail>) {
        let slowest = |keep: &Keep| matches!(keep.when, When::Slowest(_));
        self.learns_latency = tail.keep.iter().any(slowest);
        self.rare_within = tail.keep.iter().find_map(|keep| match keep.when {
            When::Rare(period) => Some(period),
            _ => None,
        });
        self.tail = tail;
    }

    pub(super) fn judge(&mut self, key: Key, local: &Local, now: Duration) -> Verdict<'_> {
        let root = local.root(key);
        let route = root.map_or(0, |root| hash(root.name()));
        let is_rare = match (self.rare_within, root) {
            (Some(period), Some(root)) => self.seen.is_rare(combination(root), period, now),
            _ => false,
        };
        let duration = match root {
            Some(root) => root.end().since(root.start()),
            // It lasts at least since its first span has come.
            None => span_of(local).max(now.saturating_sub(local.since)),
        };
        let latency = &mut self.latency;
        let mut case = Case {
            local,
            root,
            duration,
            is_slow_route: &mut |share| root.is_some() && latency.is_slow(route, share, duration),
            is_rare,
        };
        let mut head = local.head;
        let mut class: Option<(u64, &Cow<'static, str>)> = None;
        for keep in &self.tail.keep {
            let threshold = keep.threshold.map(Threshold::to_bits);
            if keep.of_head {
                if !local.is_forced {
                    head = threshold.map_or(Fate::Dropped, |t| head.and(t, local.randomness));
                }
                continue;
            }
            let Some(threshold) = threshold else {
                continue;
            };
            if class.is_none_or(|best| threshold < best.0) && case.is(&keep.when) {
                class = Some((threshold, &keep.reason));
            }
        }
        if self.learns_latency && root.is_some() {
            self.latency.see(route, duration);
        }
        Verdict { head, class }
    }
}

impl Case<'_> {
    fn is(&mut self, when: &When) -> bool {
        let mut spans = self.local.spans.iter();
        match when {
            When::Always => true,
            When::Attribute(key, value) => {
                let value = value.as_ref();
                spans.any(|span| span.attributes().get(key) == Some(value))
            }
            When::Endpoint(pattern) => self.root.is_some_and(|root| {
                let said = |key| root.attributes().get(key).and_then(ValueRef::as_str);
                let route = said(semconv::HTTP_ROUTE.name());
                let path = said(semconv::URL_PATH.name());
                let texts = [route, path, Some(root.name())];
                texts
                    .into_iter()
                    .flatten()
                    .any(|text| pattern.matches(text))
            }),
            When::Error => spans.any(SpanRecord::has_failed),
            When::Rare(_) => self.is_rare,
            When::SlowerThan(limit) => self.duration >= *limit,
            When::Slowest(share) => (self.is_slow_route)(*share),
        }
    }
}

/// From the first start to the last end that is known.
fn span_of(local: &Local) -> Duration {
    let start = local.spans.iter().map(SpanRecord::start).min();
    let end = local.spans.iter().map(SpanRecord::end).max();
    match (start, end) {
        (Some(start), Some(end)) => end.since(start),
        _ => Duration::ZERO,
    }
}

/// Route, status and error type.
fn combination(root: &SpanRecord) -> u64 {
    const STATUS: [&str; 3] = [
        semconv::HTTP_RESPONSE_STATUS_CODE.name(),
        semconv::RPC_STATUS_CODE.name(),
        // Of those who follow earlier conventions.
        semconv::legacy::RPC_RESPONSE_STATUS_CODE.name(),
    ];

    let mut hasher = DefaultHasher::new();
    root.name().hash(&mut hasher);
    for key in STATUS {
        match root.attributes().get(key) {
            Some(ValueRef::I64(code)) => code.hash(&mut hasher),
            Some(ValueRef::Str(code)) => code.hash(&mut hasher),
            _ => {}
        }
    }
    let error = root.attributes().get(semconv::ERROR_TYPE.name());
    error.and_then(ValueRef::as_str).hash(&mut hasher);
    hasher.finish()
}

/// Eight bytes at a time: it is asked for every trace, and two routes that are taken for one share a percentile, no more.
fn hash(text: &str) -> u64 {
    let mut hasher = Spread::default();
    let (words, rest) = text.as_bytes().as_chunks();
    for word in words {
        hasher.write_u64(u64::from_le_bytes(*word));
    }
    rest.iter().for_each(|byte| hasher.write_u8(*byte));
    hasher.finish()
}
