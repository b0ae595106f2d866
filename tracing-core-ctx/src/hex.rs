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

/// Reads `N` pairs of lower-case digits as bytes, as W3C Trace Context demands.
///
/// Nothing in it branches, and two digits are one number of 16 bits: so compilers make vector instructions of it where `N` is 16 or more,
/// and read 48 digits in as many steps.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower byte is what is wanted"
)]
pub(crate) fn decode<const N: usize>(digits: &[[u8; 2]; N]) -> Option<[u8; N]> {
    let mut bad = false;
    for &digit in digits.as_flattened() {
        bad |= digit.wrapping_sub(b'0') > 9 && digit.wrapping_sub(b'a') > 5;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits) {
        let text = u16::from_le_bytes(*pair);
        // The bit 0x40 tells letters, whose low four bits count from 1, from figures.
        let nibbles = (text & 0x0f0f) + (text >> 6 & 0x0101) * 9;
        *byte = (nibbles << 4 | nibbles >> 8) as u8;
    }
    (!bad).then_some(bytes)
}

/// Writes bytes as pairs of lower-case digits; the same steps backwards.
pub(crate) fn encode<const N: usize>(bytes: [u8; N]) -> [[u8; 2]; N] {
    let mut digits = [[0; 2]; N];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        let byte = u16::from(byte);
        let nibbles = (byte >> 4 | byte << 8) & 0x0f0f;
        let letters = (nibbles + 0x0606) >> 4 & 0x0101;
        *pair = (nibbles + 0x3030 + letters * u16::from(b'a' - b'9' - 1)).to_le_bytes();
    }
    digits
}

/// Reads two lower-case digits.
pub(crate) fn decode_byte(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| EITHER[usize::from(digit)]);
    // The bit 0x20 is in figures and lower-case letters.
    let is_fine = (high | low) & 0xf0 == 0 && digits[0] & digits[1] & 0x20 != 0;
    is_fine.then_some(high << 4 | low)
}

/// Reads lower-case digits only. At most 32 digits; none is an error.
pub(crate) fn decode_lower(digits: &[u8]) -> Option<u128> {
    let mut padded = [[b'0'; 2]; 16];
    let start = 32usize
        .checked_sub(digits.len())
        .filter(|&start| start < 32)?;
    padded.as_flattened_mut()[start..].copy_from_slice(digits);
    decode(&padded).map(u128::from_be_bytes)
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
    fn one_byte_is_read_from_two_lower_case_digits_and_from_nothing_else() {
        for first in 0..=255 {
            for second in 0..=255 {
                let wanted = decode_lower(&[first, second]).and_then(|byte| byte.try_into().ok());
                assert_eq!(decode_byte([first, second]), wanted);
            }
        }
    }

    #[test]
    fn signs_and_blanks_are_no_digits() {
        for text in [&b"+1"[..], b" 1", b"1 ", b"", b"0x", b"g"] {
            assert_eq!(decode_either(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value: u64, bytes: [u8; 24]) {
            let text = encode(value.to_be_bytes());
            prop_assert_eq!(std::str::from_utf8(text.as_flattened()).unwrap(), format!("{value:016x}"));
            prop_assert_eq!(decode_lower(text.as_flattened()), Some(u128::from(value)));
            prop_assert_eq!(decode(&text), Some(value.to_be_bytes()));
            prop_assert_eq!(decode(&encode(bytes)), Some(bytes));
        }

        #[test]
        fn one_bad_byte_in_a_long_text_is_found(bytes: [u8; 24], at in 0usize..48, byte: u8) {
            let mut text = encode(bytes);
            text.as_flattened_mut()[at] = byte;
            let is_lower = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            prop_assert_eq!(decode(&text).is_some(), is_lower);
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
        fn thirty_two_digits_fill_both_halves(value: u128) {
            prop_assert_eq!(decode_lower(format!("{value:032x}").as_bytes()), Some(value));
        }
    }
}
