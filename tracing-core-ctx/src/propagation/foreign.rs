//! What the formats older than W3C Trace Context have in common: hex of either case, of fewer digits, and headers of which the
//! first one counts.

use super::Extract;
use crate::trace_state::trim_ows;
use crate::{SpanId, TraceId, hex};

/// A trace id of 1 to 32 digits, as if zeros stood before it.
pub(super) fn trace_id(digits: &[u8]) -> Option<TraceId> {
    TraceId::from_u128(hex::decode_either(digits)?)
}

/// A span id of 1 to 16 digits, as if zeros stood before it.
pub(super) fn span_id(digits: &[u8]) -> Option<SpanId> {
    SpanId::from_u64(u64::try_from(hex::decode_either(digits)?).ok()?)
        .filter(|_| digits.len() <= 16)
}

/// The first value of `name`.
pub(super) fn first<'a>(carrier: &'a dyn Extract, name: &str) -> Option<&'a [u8]> {
    let mut first = None;
    carrier.get_all(name, &mut |value| {
        first.get_or_insert(value);
    });
    first
}

/// The text of an id that is only passed on: 1 to 128 visible ASCII characters, blanks around them left out.
pub(super) fn opaque(value: &[u8]) -> Option<&str> {
    let value = trim_ows(value);
    let is_fine = matches!(value.len(), 1..=128) && value.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(value).ok().filter(|_| is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_padded_with_zeros() {
        assert_eq!(trace_id(b"A1").map(TraceId::to_u128), Some(0xa1));
        assert_eq!(span_id(b"b").map(SpanId::to_u64), Some(0xb));
    }

    #[test]
    fn zero_and_too_many_digits_are_no_ids() {
        for bad in [
            &b""[..],
            b"0",
            b"00000000000000000000000000000000",
            b"g",
            b"+1",
        ] {
            assert_eq!(trace_id(bad), None, "{bad:?}");
            assert_eq!(span_id(bad), None, "{bad:?}");
        }
        assert_eq!(trace_id(&[b'1'; 33]), None);
        assert_eq!(span_id(&[b'1'; 17]), None);
        assert_eq!(span_id(b"00000000000000001"), None);
    }

    #[test]
    fn opaque_text_is_short_and_visible() {
        assert_eq!(opaque(b" \torder-4711 "), Some("order-4711"));
        assert_eq!(opaque(&[b'x'; 128]).map(str::len), Some(128));
        for bad in [&b""[..], b" ", b"a b", b"a\nb", b"\xff", &[b'x'; 129]] {
            assert_eq!(opaque(bad), None, "{bad:?}");
        }
    }
}
