//! Lists that come again and again: a caller that sends nothing but its sampling threshold or its tenant sends the same with each trace. Such a list is
//! checked once for each thread, and shared.

use std::cell::Cell;

use super::{InvalidTraceState, TraceState};

thread_local! {
    static AGAIN: Again = const { Again::new() };
}

/// What a thread has read several times running.
struct Again {
    places: [Place; PLACES],
}

struct Place {
    /// Of what was read last.
    met: Cell<u32>,
    /// Taken out while it is in use.
    kept: Cell<TraceState>,
    /// How often it was handed out, until that is often.
    times: Cell<u32>,
}

/// Places of a thread: for callers that each send their own.
const PLACES: usize = 8;

/// How often a list is handed out before it becomes a [constant](super::constant).
const OFTEN: u32 = 256;

/// The longest list that is kept, in bytes.
const LONGEST: usize = 512;

/// The list of this header: the same as before, or read anew.
#[inline]
pub(super) fn list(header: &[u8]) -> Result<TraceState, InvalidTraceState> {
    let list = AGAIN.try_with(|again| again.list(header));
    // A thread that is being torn down keeps nothing.
    list.unwrap_or_else(|_| TraceState::read(header))
}

impl Again {
    const fn new() -> Self {
        Self {
            places: [const {
                Place {
                    met: Cell::new(0),
                    kept: Cell::new(TraceState::EMPTY),
                    times: Cell::new(0),
                }
            }; PLACES],
        }
    }

    #[inline]
    fn list(&self, header: &[u8]) -> Result<TraceState, InvalidTraceState> {
        let fingerprint = fingerprint(header);
        match self.places.get(fingerprint as usize % PLACES) {
            Some(place) if place.met.replace(fingerprint) == fingerprint => place.list(header),
            Some(_) | None => TraceState::read(header),
        }
    }
}

impl Place {
    /// The list of a header that was probably here before.
    #[inline]
    fn list(&self, header: &[u8]) -> Result<TraceState, InvalidTraceState> {
        let mut kept = self.kept.take();
        let list = if kept.as_bytes() == header {
            if self.times.get() < OFTEN {
                kept = self.count(kept);
            }
            Ok(kept.clone())
        } else {
            TraceState::read(header)
        };
        // Not what had to be put in order: it is not what was sent.
        if let Ok(list) = &list
            && !list.0.is_same(&kept.0)
            && list.as_bytes() == header
            && header.len() <= LONGEST
        {
            kept.clone_from(list);
            self.times.set(0);
        }
        self.kept.set(kept);
        list
    }

    /// What came often need not be counted any more.
    fn count(&self, kept: TraceState) -> TraceState {
        let times = self.times.get() + 1;
        self.times.set(times);
        if times == OFTEN {
            TraceState(kept.0.into_constant())
        } else {
            kept
        }
    }
}

/// Of its words and its end: what differs from trace to trace may be anywhere.
#[inline]
fn fingerprint(text: &[u8]) -> u32 {
    let mix = |state: u64, word: &[u8; 8]| (state ^ u64::from_le_bytes(*word)).wrapping_mul(MIX);
    let state = (text.as_chunks().0.iter()).fold(text.len() as u64, |state, word| {
        mix(state, word).rotate_left(32)
    });
    let last = text.last_chunk().unwrap_or(&[0; 8]);
    // The high bits are the mixed ones.
    (mix(state, last) >> 32) as u32
}

/// An odd number with as many ones as zeros: 2^64 by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(again: &Again, header: &str) -> Result<String, InvalidTraceState> {
        let list = again.list(header.as_bytes());
        list.map(|list| list.as_str().to_owned())
    }

    /// Longer than what is kept.
    fn long() -> String {
        let member = |key: &str| format!("{key}={}", "x".repeat(200));
        ["a", "b", "c"].map(member).join(",")
    }

    fn kept(again: &Again) -> Vec<String> {
        let kept = |place: &Place| {
            let kept = place.kept.take();
            place.kept.set(kept.clone());
            kept.as_str().to_owned()
        };
        let mut all: Vec<_> = again.places.iter().map(kept).collect();
        all.retain(|list| !list.is_empty());
        all
    }

    #[test]
    fn a_list_is_what_was_sent_however_often() {
        let again = Again::new();
        let long = long();
        // Two with one fingerprint, some alike in length and ends, some that are put in order, some that are none.
        assert_eq!(fingerprint(b"ot=th:8"), fingerprint(b"ot=th:c"));
        let headers = [
            "ot=th:8",
            "ot=th:c",
            "rojo=0123456789,congo=1",
            "rojo=0123 56789,congo=1",
            "a=1, b=2",
            "a=1,,b=2",
            "A=1",
            "a=1=2",
            &long,
            "",
        ];
        for which in [
            0, 0, 1, 0, 1, 1, 1, 2, 3, 2, 3, 3, 3, 2, 2, 2, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8,
            8, 8, 9, 9, 0,
        ] {
            let header = headers[which];
            let read = TraceState::read(header.as_bytes());
            assert_eq!(
                list(&again, header),
                read.map(|list| list.as_str().to_owned())
            );
        }
    }

    #[test]
    fn only_what_comes_twice_running_is_kept() {
        let again = Again::new();
        for span in 0..2000 {
            list(&again, &format!("rojo={span:016x}")).unwrap();
        }
        assert_eq!(kept(&again), [""; 0]);
        for _ in 0..2 {
            list(&again, "ot=th:8").unwrap();
            list(&again, "a=1, b=2").unwrap();
            list(&again, &long()).unwrap();
        }
        assert_eq!(kept(&again), ["ot=th:8"]);
    }

    #[test]
    fn a_list_that_came_often_is_the_same_and_one_that_took_its_place_is_counted_anew() {
        let again = Again::new();
        let (often, other) = (
            TraceState::read(b"ot=th:8").unwrap(),
            TraceState::read(b"ot=th:c").unwrap(),
        );
        for list in [&often, &other, &often] {
            for _ in 0..2 * OFTEN {
                assert_eq!(again.list(list.as_bytes()).as_ref(), Ok(list));
            }
        }
        let place = &again.places[fingerprint(b"ot=th:8") as usize % PLACES];
        assert_eq!(place.times.get(), OFTEN);
    }

    #[test]
    fn a_list_that_came_again_is_shared() {
        let [one, two] = [0; 2].map(|_| {
            let lists = [0; 3].map(|_| TraceState::from_header(b"ot=th:c").unwrap());
            lists[2].clone()
        });
        assert!(one.0.is_same(&two.0));
    }
}
