//! The grammar of `Forwarded`: `name=value` pairs, apart by `;` within an element and by `,` between elements.

use std::borrow::Cow;

/// How many pairs of one line are read: eight hops that say everything.
const MAX_PAIRS: usize = 32;

/// The pairs of one header line, in order, whichever element they belong to.
///
/// ```text
/// Forwarded         = 1#forwarded-element
/// forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
/// forwarded-pair    = token "=" value
/// value             = token / quoted-string
/// ```
///
/// A value that needs quotes but has none (`for=[::1]:80`) is taken up to the next delimiter. A piece that is no pair is
/// skipped. A quoted string that never ends, ends the reading: where its element stops is anybody's guess.
pub(super) struct Pairs<'a> {
    rest: &'a str,
    left: usize,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            rest: line,
            left: MAX_PAIRS,
        }
    }

    /// Takes everything up to the next delimiter, and the delimiter too.
    fn piece(&mut self) -> &'a str {
        let (piece, rest) = self.rest.split_once([',', ';']).unwrap_or((self.rest, ""));
        self.rest = rest;
        piece
    }

    /// Takes the quoted string that `rest` begins with, then skips to the next delimiter.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let body = self.rest.strip_prefix('"')?;
        let mut escaped = false;
        let mut has_escapes = false;
        let end = body.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            has_escapes |= escaped;
            ends
        });
        let Some(end) = end else {
            self.rest = "";
            return None;
        };
        self.rest = &body[end + 1..];
        let text = &body[..end];
        // Text between the closing quote and the delimiter makes the pair malformed.
        if !self.piece().trim().is_empty() {
            return None;
        }
        Some(if has_escapes {
            Cow::Owned(unescape(text))
        } else {
            Cow::Borrowed(text)
        })
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            self.left = self.left.checked_sub(1)?;
            self.rest = self.rest.trim_start();
            let Some(at) = self.rest.find(['=', ',', ';']) else {
                self.rest = "";
                return None;
            };
            let (name, after) = self.rest.split_at(at);
            let Some(value) = after.strip_prefix('=') else {
                self.rest = &after[1..];
                continue;
            };
            self.rest = value.trim_start();
            let value = if self.rest.starts_with('"') {
                self.quoted()
            } else {
                Some(Cow::Borrowed(self.piece().trim_end()))
            };
            if let Some(value) = value {
                return Some((name.trim_end(), value));
            }
        }
        None
    }
}

/// Drops the backslash of each `quoted-pair`.
fn unescape(text: &str) -> String {
    let mut escaped = false;
    text.chars()
        .filter(|character| {
            escaped = *character == '\\' && !escaped;
            !escaped
        })
        .collect()
}
