//! Percent-encoding, as Baggage and Jaeger use it.

use crate::hex;

/// Decodes `%XX`. A `%` without two hex digits stands for itself; bytes that are no UTF-8 become U+FFFD.
pub(super) fn decode(text: &[u8]) -> String {
    collect(bytes(text), text.len())
}

/// The same, and a bare `+` is a space, as in forms of HTML.
pub(super) fn decode_form(text: &[u8]) -> String {
    let spaced = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte });
    collect(Bytes(spaced), text.len())
}

/// The bytes of `text`, decoded one by one.
pub(super) fn bytes(text: &[u8]) -> impl Iterator<Item = u8> {
    Bytes(text.iter().copied())
}

struct Bytes<I>(I);

impl<I: Iterator<Item = u8> + Clone> Iterator for Bytes<I> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = self.0.next()?;
        if byte != b'%' {
            return Some(byte);
        }
        let mut ahead = self.0.clone();
        let decoded = ahead
            .next()
            .zip(ahead.next())
            .and_then(|(high, low)| hex::decode_either(&[high, low]))
            .and_then(|byte| u8::try_from(byte).ok());
        if decoded.is_some() {
            self.0 = ahead;
        }
        decoded.or(Some(byte))
    }
}

fn collect(bytes: impl Iterator<Item = u8>, most: usize) -> String {
    let mut decoded = Vec::with_capacity(most);
    decoded.extend(bytes);
    String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Appends `text` to `out`, with every byte as `%XX` that is not `plain`. Only ASCII may be plain.
pub(super) fn encode(text: &str, plain: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii() && plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 0x0f] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stray_percent_sign_stands_for_itself() {
        for text in ["%", "%%", "%4", "%zz", "50%", "%+1", "100%zz%"] {
            assert_eq!(decode(text.as_bytes()), text);
        }
        assert_eq!(decode(b"%%41"), "%A");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        assert_eq!(decode(b"a%ffb%C3%28"), "a\u{fffd}b\u{fffd}(");
    }

    #[test]
    fn a_plus_sign_is_no_space() {
        assert_eq!(decode(b"a+b"), "a+b");
    }

    #[test]
    fn in_a_form_a_bare_plus_sign_is_a_space() {
        assert_eq!(decode_form(b"a+b%2Bc%20d"), "a b+c d");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_to_the_same(text: String) {
            let mut encoded = String::new();
            encode(&text, |byte| byte.is_ascii_alphanumeric(), &mut encoded);
            prop_assert_eq!(decode(encoded.as_bytes()), text);
        }

        #[test]
        fn decoding_never_panics_and_never_triples(text: Vec<u8>) {
            prop_assert!(decode(&text).len() <= 3 * text.len());
        }
    }
}
