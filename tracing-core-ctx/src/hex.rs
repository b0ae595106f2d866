//! Hexadecimal digits, as every trace header writes them.

/// Value of each byte as a hex digit; `0xff` where it is none. Upper case is told apart by [`LOWER`].
const fn table(upper: bool) -> [u8; 256] {
    let mut table = [0xff; 256];
    let mut digit = 0u8;
    while digit < 10 {
        table[(b'0' + digit) as usize] = digit;
        digit += 1;
    }
    let mut digit = 0u8;
    while digit < 6 {
        table[(b'a' + digit) as usize] = 10 + digit;
        if upper {
            table[(b'A' + digit) as usize] = 10 + digit;
        }
        digit += 1;
    }
    table
}

static LOWER: [u8; 256] = table(false);
static EITHER: [u8; 256] = table(true);
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Reads lower-case digits only, as W3C Trace Context demands. At most 32 digits; none is an error.
pub(crate) fn decode_lower(digits: &[u8]) -> Option<u128> {
    decode(digits, &LOWER)
}

/// Reads digits of either case, for the older formats (B3, Jaeger, X-Ray) that never said which.
pub(crate) fn decode_either(digits: &[u8]) -> Option<u128> {
    decode(digits, &EITHER)
}

fn decode(digits: &[u8], table: &[u8; 256]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    // Two 64-bit halves: 128-bit shifts in the loop cost twice as much.
    let split = digits.len().saturating_sub(16);
    let (high, low) = digits.split_at(split);
    let (high, bad_high) = decode_half(high, table);
    let (low, bad_low) = decode_half(low, table);
    // Bad digits are collected and judged once: a branch per digit costs more.
    if (bad_high | bad_low) & 0xf0 != 0 {
        return None;
    }
    Some(u128::from(high) << 64 | u128::from(low))
}

fn decode_half(digits: &[u8], table: &[u8; 256]) -> (u64, u8) {
    let mut value = 0u64;
    let mut bad = 0u8;
    for &digit in digits {
        let nibble = table[usize::from(digit)];
        bad |= nibble;
        value = value << 4 | u64::from(nibble & 0x0f);
    }
    (value, bad)
}

/// Writes `value` as exactly `out.len()` lower-case digits, the least significant last.
pub(crate) fn encode(mut value: u64, out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        *slot = DIGITS[(value & 0x0f) as usize];
        value >>= 4;
    }
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
        fn thirty_two_digits_fill_both_halves(value: u128) {
            prop_assert_eq!(decode_lower(format!("{value:032x}").as_bytes()), Some(value));
        }
    }
}
