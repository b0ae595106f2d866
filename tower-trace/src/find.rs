//! Where in a text one of a few bytes is, eight bytes at a time: every URL is searched for its marks.

/// The lowest and the highest bit of each byte of a word.
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// Where the first of the `wanted` bytes is from `start` on; the length of the text where there is none.
#[inline]
pub(crate) fn first_of<const N: usize>(wanted: [u8; N], text: &[u8], start: usize) -> usize {
    let (words, rest) = text.get(start..).unwrap_or_default().as_chunks::<8>();
    let mut at = start;
    for word in words {
        let marks = marks(wanted, u64::from_le_bytes(*word));
        if marks != 0 {
            return at + first(marks);
        }
        at += 8;
    }
    if rest.is_empty() {
        return text.len();
    }
    match text.last_chunk::<8>() {
        // The last word of the text, without what comes before the rest.
        Some(last) => {
            let word = u64::from_le_bytes(*last) >> (8 * (8 - rest.len()));
            let marks = marks(wanted, word);
            if marks == 0 {
                text.len()
            } else {
                at + first(marks)
            }
        }
        None => {
            let position = rest.iter().position(|byte| wanted.contains(byte));
            position.map_or(text.len(), |position| at + position)
        }
    }
}

/// The highest bit of each byte that is wanted. Above the first of them others may be marked too.
fn marks<const N: usize>(wanted: [u8; N], word: u64) -> u64 {
    wanted.into_iter().fold(0, |marks, byte| {
        // Taking one from a byte borrows only where the byte is zero, so the first zero is found.
        let zero_where_equal = word ^ (LOW * u64::from(byte));
        marks | (zero_where_equal.wrapping_sub(LOW) & !zero_where_equal & HIGH)
    })
}

/// Which byte of a word is the first to be marked.
fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_is_found_wherever_it_is(text in "[\"-&\u{0}a\u{80}]{0,40}", start in 0_usize..45) {
            // Neighbours of what is wanted are there too: a borrow must not pass for a find.
            let text = text.as_bytes();
            let wanted = [b'&', b'#'];
            let rest = text.get(start..).unwrap_or_default();
            let expected = rest.iter().position(|byte| wanted.contains(byte));
            prop_assert_eq!(
                first_of(wanted, text, start),
                expected.map_or(text.len(), |position| start + position)
            );
        }
    }
}
