//! Where the secrets of a query are.

use std::ops::Range;

use super::{REDACTED, SensitiveKeys};

/// The ranges of the values to redact, in order. What is redacted already is not yielded.
///
/// The text may be a query, or a query and a fragment with their `?` and `#`. It is searched byte by byte: it is short, every request has
/// one, and searching for characters costs several times as much.
pub(super) struct Secrets<'a> {
    keys: &'a SensitiveKeys,
    text: &'a str,
    /// Where the next parameter begins; past the end when there is none.
    at: usize,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(keys: &'a SensitiveKeys, text: &'a str) -> Self {
        Self { keys, text, at: 0 }
    }

    /// The end of what begins at `start`, before the first of the delimiters.
    fn end(&self, start: usize, is_delimiter: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|byte| is_delimiter(*byte));
        length.map_or(self.text.len(), |length| start + length)
    }
}

impl Iterator for Secrets<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            let start = self.at;
            let end = self.end(start, |byte| matches!(byte, b'&' | b'#' | b';' | b'?'));
            self.at = end + 1;

            let parameter = &self.text.as_bytes()[start..end];
            let Some(length) = parameter.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let name = &parameter[..length];
            if !self.keys.names.iter().any(|key| decodes_to(name, key)) {
                continue;
            }
            // `;` and `?` may be part of a value, so they do not end a secret, but for a `;` after which this very
            // parameter began: who reads `;` as a delimiter there, reads it so here.
            let follows_semicolon = self.text[..start].ends_with(';');
            let end = if follows_semicolon {
                self.end(start, |byte| matches!(byte, b'&' | b'#' | b';'))
            } else {
                self.end(start, |byte| matches!(byte, b'&' | b'#'))
            };
            self.at = end + 1;
            let value = start + length + 1..end;
            if &self.text[value.clone()] != REDACTED {
                return Some(value);
            }
        }
        None
    }
}

/// Whether the percent-encoded name is that key, compared without decoding it to a new string.
fn decodes_to(name: &[u8], key: &str) -> bool {
    let mut key = key.bytes();
    let mut name = name.iter();
    while let Some(&byte) = name.next() {
        let decoded = match byte {
            b'%' => escaped(name.as_slice()).inspect(|_| {
                name.nth(1);
            }),
            b'+' => Some(b' '),
            _ => None,
        };
        if key.next() != Some(decoded.unwrap_or(byte)) {
            return false;
        }
    }
    key.next().is_none()
}

/// The byte that two hexadecimal digits stand for.
fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
