//! Where the secrets of a query are.

use std::ops::Range;

use super::{REDACTED, SensitiveKeys};
use crate::find::first_of;

/// The ranges of the values to redact, in order. What is redacted already is not yielded.
///
/// What is searched may be a query, or a query and a fragment with their `?` and `#`. Every request has one, so a parameter is passed over
/// as soon as its first byte says that it is no secret.
pub(super) struct Secrets<'a> {
    keys: &'a SensitiveKeys,
    text: &'a str,
    /// Where the next parameter begins; past the end when there is none.
    at: usize,
}

impl<'a> Secrets<'a> {
    /// The secrets in the text from there on.
    pub(super) fn new(keys: &'a SensitiveKeys, text: &'a str, at: usize) -> Self {
        Self { keys, text, at }
    }

    /// The end of what begins at `start`, before the first of the delimiters.
    fn end<const N: usize>(&self, start: usize, delimiters: [u8; N]) -> usize {
        first_of(delimiters, self.text.as_bytes(), start)
    }

    /// The value of the parameter between `start` and `end` if it is a secret. Apart, so that the search stays small.
    #[inline(never)]
    fn secret(&mut self, start: usize, end: usize) -> Option<Range<usize>> {
        let text = self.text.as_bytes().get(..end)?;
        let plain_to = first_of([b'=', b'%', b'+'], text, start);
        let name_end = match text.get(plain_to)? {
            b'=' => plain_to,
            _ => first_of([b'='], text, plain_to),
        };
        let name = &text[start..name_end];
        if name_end == end {
            return None;
        }
        let is_secret = if plain_to == name_end {
            self.keys.hold(name)
        } else {
            self.keys.hold_encoded(name)
        };
        if !is_secret {
            return None;
        }
        // `;` and `?` may be part of a value, so they do not end a secret, but for a `;` after which this very
        // parameter began: who reads `;` as a delimiter there, reads it so here.
        let follows_semicolon = self.text[..start].ends_with(';');
        let end = if follows_semicolon {
            self.end(start, [b'&', b'#', b';'])
        } else {
            self.end(start, [b'&', b'#'])
        };
        self.at = end + 1;
        let value = name_end + 1..end;
        (&self.text[value.clone()] != REDACTED).then_some(value)
    }
}

impl Iterator for Secrets<'_> {
    type Item = Range<usize>;

    // Passing over a short parameter costs no more than a call would.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        while let Some(first) = self.text.as_bytes().get(self.at) {
            let start = self.at;
            let end = self.end(start, [b'&', b'#', b';', b'?']);
            self.at = end + 1;
            if self.keys.shapes.may_begin_with(*first)
                && let Some(value) = self.secret(start, end)
            {
                return Some(value);
            }
        }
        None
    }
}

impl SensitiveKeys {
    /// Whether the name, in which nothing is encoded, is one of the keys.
    fn hold(&self, name: &[u8]) -> bool {
        self.shapes.may_have_length(name.len())
            && self.names.iter().any(|key| key.as_bytes() == name)
    }

    /// Whether the percent-encoded name is one of the keys.
    fn hold_encoded(&self, name: &[u8]) -> bool {
        self.names.iter().any(|key| decodes_to(name, key))
    }
}

/// What all keys of a list look like from afar: enough to tell that most names are none of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shapes {
    /// A bit for each byte with which a parameter may begin whose name is a key.
    first_bytes: [u64; 4],
    /// A bit for each length of a key; the highest stands for all longer ones.
    lengths: u64,
}

impl Shapes {
    pub(super) const fn none() -> Self {
        Self {
            first_bytes: [0; 4],
            lengths: 0,
        }
    }

    pub(super) fn add(&mut self, key: &str) {
        // Without a name, the parameter begins with what follows the name.
        let first = key.bytes().next().unwrap_or(b'=');
        self.add_first_byte(first);
        // An encoded name begins so.
        self.add_first_byte(b'%');
        if first == b' ' {
            self.add_first_byte(b'+');
        }
        self.lengths |= 1 << key.len().min(63);
    }

    fn add_first_byte(&mut self, byte: u8) {
        self.first_bytes[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn may_begin_with(&self, byte: u8) -> bool {
        self.first_bytes[usize::from(byte / 64)] >> (byte % 64) & 1 != 0
    }

    fn may_have_length(&self, length: usize) -> bool {
        self.lengths >> length.min(63) & 1 != 0
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
