//! Values that are sent again and again: one request often has several made, and some vendors write the same in every trace.

use std::cell::Cell;

use http::HeaderValue;

thread_local! {
    static LAST: Last = const { Last::new() };
}

/// The value that a thread has sent several times running.
struct Last {
    /// Of what was sent last.
    met: Cell<u64>,
    /// Taken out while it is in use.
    kept: Cell<Option<HeaderValue>>,
}

/// The longest value that is kept, in bytes.
const LONGEST: usize = 512;

/// The header's value with this text, if it can stand in one: the same as the last time, or a new one.
#[inline]
pub(super) fn value(text: &[u8]) -> Option<HeaderValue> {
    let value = LAST.try_with(|last| last.value(text));
    // A thread that is being torn down keeps nothing.
    value.unwrap_or_else(|_| HeaderValue::from_bytes(text).ok())
}

impl Last {
    const fn new() -> Self {
        Self {
            met: Cell::new(0),
            kept: Cell::new(None),
        }
    }

    #[inline]
    fn value(&self, text: &[u8]) -> Option<HeaderValue> {
        let kept = self.kept.take();
        let value = match &kept {
            Some(kept) if kept.as_bytes() == text => Some(kept.clone()),
            Some(_) | None => return self.value_anew(kept, text),
        };
        self.kept.set(kept);
        value
    }

    #[inline(never)]
    fn value_anew(&self, mut kept: Option<HeaderValue>, text: &[u8]) -> Option<HeaderValue> {
        let value = HeaderValue::from_bytes(text).ok();
        let fingerprint = fingerprint(text);
        // What comes once is not kept: to share a value takes memory.
        if self.met.replace(fingerprint) == fingerprint && text.len() <= LONGEST {
            kept.clone_from(&value);
        }
        self.kept.set(kept);
        value
    }
}

/// Of its length and its ends.
fn fingerprint(text: &[u8]) -> u64 {
    let end = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = end(text.first_chunk()).rotate_left(1) ^ end(text.last_chunk());
    ends ^ (text.len() as u64).rotate_right(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_was_asked_for_however_often() {
        let last = Last::new();
        let long = "x".repeat(LONGEST + 1);
        // Some alike in length and ends.
        let texts = [
            "a=1",
            "rojo=0123456789,congo=1",
            "rojo=0123 56789,congo=1",
            &long,
            "",
        ];
        for which in [0, 0, 1, 2, 1, 2, 2, 2, 1, 1, 1, 3, 3, 3, 4, 4, 4, 0] {
            let text = texts[which].as_bytes();
            assert_eq!(last.value(text).unwrap(), text);
        }
        for _ in 0..3 {
            assert_eq!(last.value(b"line\nbreak"), None);
        }
        assert_eq!(last.value(b"a=1").unwrap(), "a=1");
    }

    #[test]
    fn only_what_comes_twice_running_is_kept() {
        let last = Last::new();
        for (text, kept) in [
            ("rojo=00f067aa", None),
            ("congo=t61rcWk", None),
            ("rojo=00f067aa", None),
            ("rojo=00f067aa", Some("rojo=00f067aa")),
            ("congo=t61rcWk", Some("rojo=00f067aa")),
            ("congo=t61rcWk", Some("congo=t61rcWk")),
        ] {
            last.value(text.as_bytes()).unwrap();
            let now = last.kept.take();
            assert_eq!(
                now.as_ref().map(HeaderValue::as_bytes),
                kept.map(str::as_bytes)
            );
            last.kept.set(now);
        }
    }
}
