//! Looking at eight bytes at once.

/// Where the first byte of `text` from `start` on is that cannot stand in a value: a comma, an equals sign, or no visible ASCII
/// character or space. The length of the text, if there is none.
pub(super) fn stop(text: &[u8], start: usize) -> usize {
    let mut place = start;
    while let Some(word) = text.get(place..).and_then(<[u8]>::first_chunk::<8>) {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return place + first(stops);
        }
        place += 8;
    }
    if place >= text.len() {
        return text.len();
    }
    // Fewer than eight are left: those before them are loaded too, and shifted out.
    let word = match text.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last) >> (8 * (place + 8 - text.len())),
        None => text[place..]
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    // The zeros behind the text stop as well.
    place + first(stops(word))
}

/// The upper bit of each byte that stops, and no other.
const fn stops(word: u64) -> u64 {
    const UPPER: u64 = every(0x80);
    let low = word & !UPPER;
    // Of two numbers below 128 the sum stays in its byte, and its upper bit says whether it is 128 or more.
    let no_control = low + every(0x80 - b' ');
    let no_comma = (low ^ every(b',')) + !UPPER;
    let no_equals = (low ^ every(b'=')) + !UPPER;
    let delete = low + every(0x80 - 0x7f);
    (word | delete | !(no_control & no_comma & no_equals)) & UPPER
}

const fn first(stops: u64) -> usize {
    stops.trailing_zeros() as usize / 8
}

/// One byte in every byte of a word.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stop_byte_by_byte(text: &[u8], start: usize) -> usize {
        let is_stop = |byte: &u8| !matches!(byte, 0x20..=0x7e) || b",=".contains(byte);
        let stop = text[start..].iter().position(is_stop);
        stop.map_or(text.len(), |stop| start + stop)
    }

    #[test]
    fn each_byte_is_told_at_each_place() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    for start in 0..=length {
                        assert_eq!(
                            stop(&text, start),
                            stop_byte_by_byte(&text, start),
                            "{text:?}"
                        );
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_stops_where_it_does_byte_by_byte(text: Vec<u8>) {
            for start in 0..=text.len() {
                prop_assert_eq!(stop(&text, start), stop_byte_by_byte(&text, start));
            }
        }
    }
}
