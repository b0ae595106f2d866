//! Hexadecimal digits, as every trace header writes them.

/// Value of each byte as a hex digit of either case; `0xff` where it is none.
const fn table() -> [u8; 256] {
    let mut table = [0xff; 256];
    let mut digit = 0u8;
    while digit < 10 {
        table[(b'0' + digit) as usize] = digit;
        digit += 1;
    }
    let mut digit = 0u8;
    while digit < 6 {
        table[(b'a' + digit) as usize] = 10 + digit;
        table[(b'A' + digit) as usize] = 10 + digit;
        digit += 1;
    }
    table
}

static EITHER: [u8; 256] = table();

/// Reads lower-case digits only, as W3C Trace Context demands. At most 32 digits; none is an error.
pub(crate) fn decode_lower(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let (first, eights) = digits.as_rchunks::<8>();
    let mut value = 0;
    for &digit in first {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u128::from(nibble);
    }
    let mut bad = 0;
    for digits in eights {
        let (eight, bad_here) = decode_eight(*digits);
        value = value << 32 | u128::from(eight);
        bad |= bad_here;
    }
    (bad == 0).then_some(value)
}

/// Reads digits of either case, for the older formats (B3, Jaeger, X-Ray) that never said which.
pub(crate) fn decode_either(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let mut bad = 0;
    let value = digits.iter().fold(0, |value, &digit| {
        let nibble = EITHER[usize::from(digit)];
        bad |= nibble;
        value << 4 | u128::from(nibble & 0x0f)
    });
    (bad & 0xf0 == 0).then_some(value)
}

/// Writes `value` as exactly `out.len()` lower-case digits, the least significant last.
pub(crate) fn encode(mut value: u64, out: &mut [u8]) {
    let (first, eights) = out.as_rchunks_mut::<8>();
    for slot in eights.iter_mut().rev() {
        *slot = encode_eight(low_half(value));
        value >>= 32;
    }
    let digits = encode_eight(low_half(value));
    first.copy_from_slice(&digits[8 - first.len()..]);
}

/// One byte in every byte of a word.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Eight digits at once, each in its byte of one word: every header has 50 of them. The second number is zero if all are lower-case
/// digits.
const fn decode_eight(digits: [u8; 8]) -> (u32, u64) {
    let text = u64::from_le_bytes(digits);
    // The bit 0x40 tells letters, whose low four bits count from 1, from figures.
    let letters = text >> 6 & every(1);
    let nibbles = (text & every(0x0f)) + letters * 9;
    let bad = (nibbles & every(0xf0)) | (to_text(nibbles) ^ text);
    // Neighbours move together, the first of two being the upper half: pairs, fours, all eight.
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs << 8 | pairs >> 16) & 0x0000_ffff_0000_ffff;
    (low_half(fours << 16 | fours >> 32), bad)
}

/// The same steps backwards.
const fn encode_eight(value: u32) -> [u8; 8] {
    let all = value as u64;
    let fours = (all >> 16 | all << 32) & 0x0000_ffff_0000_ffff;
    let pairs = (fours >> 8 | fours << 16) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (pairs >> 4 | pairs << 8) & every(0x0f);
    to_text(nibbles).to_le_bytes()
}

/// The digit for the number in each byte; 16 and more give nonsense.
const fn to_text(nibbles: u64) -> u64 {
    let letters = (nibbles + every(6)) >> 4 & every(1);
    nibbles + every(b'0') + letters * (b'a' - b'9' - 1) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is wanted"
)]
const fn low_half(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upper_case_is_refused_where_lower_is_demanded() {
        assert_eq!(decode_lower(b"0A"), None);
        assert_eq!(decode_either(b"0A"), Some(10));
    }

    #[test]
    fn signs_and_blanks_are_no_digits() {
        for text in [&b"+1"[..], b" 1", b"1 ", b"", b"0x", b"g"] {
            assert_eq!(decode_either(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value: u64) {
            let mut text = [0; 16];
            encode(value, &mut text);
            prop_assert_eq!(decode_lower(&text), Some(u128::from(value)));
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{value:016x}"));
        }

        #[test]
        fn digits_of_any_length_are_read_as_the_standard_library_does(text in "[0-9a-f]{1,32}") {
            prop_assert_eq!(decode_lower(text.as_bytes()), u128::from_str_radix(&text, 16).ok());
            prop_assert_eq!(decode_either(text.as_bytes()), u128::from_str_radix(&text, 16).ok());
        }

        #[test]
        fn one_bad_byte_among_good_digits_is_found(text in "[0-9a-f]{1,32}", at: prop::sample::Index, byte: u8) {
            let mut digits = text.into_bytes();
            let at = at.index(digits.len());
            digits[at] = byte;
            let is_lower = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            prop_assert_eq!(decode_lower(&digits).is_some(), is_lower);
            prop_assert_eq!(decode_either(&digits).is_some(), byte.is_ascii_hexdigit());
        }

        #[test]
        fn a_number_is_cut_to_the_digits_asked_for(value: u64, length in 0usize..=16) {
            let mut text = vec![0; length];
            encode(value, &mut text);
            let whole = format!("{value:016x}");
            prop_assert_eq!(&text, &whole.as_bytes()[16 - length..]);
        }

        #[test]
        fn thirty_two_digits_fill_both_halves(value: u128) {
            prop_assert_eq!(decode_lower(format!("{value:032x}").as_bytes()), Some(value));
        }
    }
}
