//! What was decided of late, for the spans that come after the decision.
//!
//! ```text
//!   local trace  ->  mark of 64 bits  ->  set: 16 marks | 16 fates | 16 reasons      kept, or cut: a new one takes the place of the oldest of these
//!                                              16 marks                              dropped: the same among themselves
//! ```
//!
//! Those that are kept are few, and what comes late of them is wanted. So they are not forgotten for the many that are dropped.
//!
//! Every local trace is looked for here once and written down once, among many thousands: what that costs is memory that is far away. So all about
//! a trace lies side by side, and to forget one touches no other place.

use std::borrow::Cow;

use super::local::{Fate, Key};

/// So many decisions are remembered of those to keep, and as many of those to drop. Of the last half of each hardly one is missing, whatever sets they fall
/// into.
const MOST: usize = 32 * 1024;

/// Decisions of a set.
const SET: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Decided {
    sets: Vec<Set>,
    /// All that a decision can have, which are a few texts of the rules.
    reasons: Vec<Cow<'static, str>>,
}

/// What was decided about a local trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) fate: Fate,
    pub(super) reason: Option<Cow<'static, str>>,
    /// What comes now is the rest of a trace that was cut: it can still be kept for what it turns out to be.
    pub(super) is_open: bool,
}

#[derive(Clone, Debug)]
#[repr(align(64))]
struct Set {
    marks: [u64; SET],
    fates: [u64; SET],
    reasons: [u16; SET],
    /// The place of the oldest.
    oldest: usize,
    /// Of those that are dropped, and of which nothing is kept later either.
    dropped: [u64; SET],
    oldest_dropped: usize,
}

// A fate as a number: the weight, which has 57 bits, and above it what kind of fate it is.
const KEPT: u64 = 1 << 63;
const KNOWN: u64 = 1 << 62;
const OPEN: u64 = 1 << 61;
const WEIGHT: u64 = (1 << 60) - 1;

const NO_REASON: u16 = u16::MAX;

impl Decided {
    pub(super) fn get(&self, key: Key) -> Option<Decision> {
        let mark = key.mark();
        let set = self.sets.get(number_of_set(mark))?;
        let Some(place) = find(&set.marks, mark) else {
            return find(&set.dropped, mark).map(|_| Decision::DROPPED);
        };
        let fate = set.fates[place];
        Some(Decision {
            fate: match fate & (KEPT | KNOWN) {
                0 => Fate::Dropped,
                KEPT => Fate::Kept(None),
                _ => Fate::Kept(Some(fate & WEIGHT)),
            },
            reason: self.reasons.get(usize::from(set.reasons[place])).cloned(),
            is_open: fate & OPEN != 0,
        })
    }

    pub(super) fn remember(&mut self, key: Key, decision: Decision) {
        let reason = decision
            .reason
            .map_or(NO_REASON, |reason| self.note(reason));
        if self.sets.is_empty() {
            self.sets = vec![Set::EMPTY; MOST / SET];
        }
        let mark = key.mark();
        let Some(set) = self.sets.get_mut(number_of_set(mark)) else {
            return;
        };
        if decision.fate == Fate::Dropped && !decision.is_open {
            if let Some(place) = find(&set.marks, mark) {
                set.marks[place] = NOBODY;
            }
            let place = find(&set.dropped, mark);
            let place = place.unwrap_or_else(|| next(&mut set.oldest_dropped));
            set.dropped[place] = mark;
            return;
        }
        let place = find(&set.marks, mark).unwrap_or_else(|| next(&mut set.oldest));
        set.marks[place] = mark;
        set.reasons[place] = reason;
        set.fates[place] = match decision.fate {
            Fate::Dropped => 0,
            Fate::Kept(None) => KEPT,
            Fate::Kept(Some(weight)) => KEPT | KNOWN | weight & WEIGHT,
        } | if decision.is_open { OPEN } else { 0 };
    }

    /// The number of a reason.
    fn note(&mut self, reason: Cow<'static, str>) -> u16 {
        if let Some(known) = self.reasons.iter().position(|known| *known == reason) {
            return u16::try_from(known).unwrap_or(NO_REASON);
        }
        let number = u16::try_from(self.reasons.len()).unwrap_or(NO_REASON);
        if number == NO_REASON {
            // Rules have changed again and again, and named new reasons each time. Nothing that is remembered is from their beginning.
            *self = Self::default();
            return self.note(reason);
        }
        self.reasons.push(reason);
        number
    }
}

impl Decision {
    const DROPPED: Self = Self {
        fate: Fate::Dropped,
        reason: None,
        is_open: false,
    };
}

/// No mark is this.
const NOBODY: u64 = 0;

impl Set {
    const EMPTY: Self = Self {
        marks: [NOBODY; SET],
        fates: [0; SET],
        reasons: [NO_REASON; SET],
        oldest: 0,
        dropped: [NOBODY; SET],
        oldest_dropped: 0,
    };
}

fn find(marks: &[u64; SET], mark: u64) -> Option<usize> {
    marks.iter().position(|known| *known == mark)
}

/// Where the oldest is, which is forgotten.
const fn next(oldest: &mut usize) -> usize {
    let place = *oldest % SET;
    *oldest = place + 1;
    place
}

fn number_of_set(mark: u64) -> usize {
    const SETS: u64 = (MOST / SET) as u64;
    usize::try_from(mark % SETS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::{SpanId, TraceId};

    use super::*;

    fn key(number: u64) -> Key {
        let trace = TraceId::from_u128(number.into()).unwrap();
        Key::new(trace, SpanId::from_u64(number).unwrap())
    }

    #[test]
    fn what_was_decided_is_found_as_it_was() {
        let mut decided = Decided::default();
        let fates = [
            Fate::Dropped,
            Fate::Kept(None),
            Fate::Kept(Some(0)),
            Fate::Kept(Some(1 << 56)),
        ];
        let reasons = [None, Some("error".into()), Some("slow".to_owned().into())];
        let all: Vec<Decision> = (0..24)
            .map(|number| Decision {
                fate: fates[number % 4],
                reason: reasons[number % 3].clone(),
                is_open: number % 8 < 4,
            })
            .map(|decision| match decision.fate {
                Fate::Dropped if !decision.is_open => Decision::DROPPED,
                _ => decision,
            })
            .collect();
        for (number, decision) in (1..).zip(&all) {
            assert_eq!(decided.get(key(number)), None);
            // The last word counts.
            decided.remember(key(number), all[0].clone());
            decided.remember(key(number), decision.clone());
        }
        for (number, decision) in (1..).zip(&all) {
            assert_eq!(decided.get(key(number)).as_ref(), Some(decision));
        }
    }

    #[test]
    fn of_the_last_half_of_what_fits_hardly_one_is_forgotten_and_the_rest_is() {
        let mut decided = Decided::default();
        let decision = Decision {
            fate: Fate::Kept(Some(7)),
            reason: None,
            is_open: false,
        };
        let last = 10 * MOST as u64;
        for number in 1..=last {
            decided.remember(key(number), decision.clone());
        }
        let half = MOST as u64 / 2;
        let known = |numbers: std::ops::RangeInclusive<u64>| {
            numbers
                .filter(|number| decided.get(key(*number)).is_some())
                .count()
        };
        let kept = known(last - half + 1..=last);
        assert!(kept >= MOST / 2 - MOST / 100, "{kept}");
        assert_eq!(known(1..=last - 4 * MOST as u64), 0);
    }

    #[test]
    fn what_was_kept_is_not_forgotten_for_what_is_dropped() {
        let mut decided = Decided::default();
        let kept = Decision {
            fate: Fate::Kept(Some(7)),
            reason: Some("error".into()),
            is_open: false,
        };
        decided.remember(key(1), kept.clone());
        for number in 2..=1_000_000 {
            decided.remember(key(number), Decision::DROPPED);
        }
        assert_eq!(decided.get(key(1)), Some(kept.clone()));
        assert_eq!(decided.get(key(1_000_000)), Some(Decision::DROPPED));
        // What was open and is dropped in the end is dropped.
        let open = Decision {
            is_open: true,
            ..kept
        };
        decided.remember(key(3), open);
        decided.remember(key(3), Decision::DROPPED);
        assert_eq!(decided.get(key(3)), Some(Decision::DROPPED));
    }

    #[test]
    fn new_reasons_without_end_are_bounded() {
        let mut decided = Decided::default();
        for number in 1..=70_000 {
            let decision = Decision {
                fate: Fate::Kept(Some(7)),
                reason: Some(number.to_string().into()),
                is_open: false,
            };
            decided.remember(key(number), decision.clone());
            assert_eq!(decided.get(key(number)), Some(decision));
        }
        assert!(decided.reasons.len() <= usize::from(NO_REASON));
    }
}
