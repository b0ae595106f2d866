//! A text buffer that stays with its thread, so that writing a header of no fixed length allocates nothing either.

use std::cell::Cell;

/// A buffer that grew beyond this is not kept.
const KEPT: usize = 8192;

thread_local! {
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

/// Lends `write` an empty buffer. It may call foreign code: whoever asks meanwhile gets a buffer of its own.
pub(super) fn with(write: impl FnOnce(&mut String)) {
    // A thread that is being torn down has none left, and takes a new one.
    let mut text = BUFFER.try_with(Cell::take).unwrap_or_default();
    text.clear();
    write(&mut text);
    if text.capacity() <= KEPT {
        let _ = BUFFER.try_with(|buffer| buffer.set(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_empty_and_keeps_its_memory() {
        with(|text| text.push_str(&"x".repeat(100)));
        with(|text| {
            assert!(text.is_empty());
            assert!(text.capacity() >= 100);
        });
    }

    #[test]
    fn the_buffer_can_be_asked_for_while_it_is_used() {
        with(|outer| {
            outer.push('a');
            with(|inner| assert!(inner.is_empty()));
            assert_eq!(outer, "a");
        });
    }

    #[test]
    fn a_huge_buffer_is_given_back() {
        with(|text| text.reserve(KEPT + 1));
        with(|text| assert!(text.capacity() <= KEPT));
    }
}
