//! `tracestate`: what each tracing system adds to a trace, as one list.
//!
//! ```abnf
//! list        = list-member 0*31( OWS "," OWS list-member )
//! list-member = key "=" value / OWS
//! key         = ( lcalpha / DIGIT ) 0*255 ( lcalpha / DIGIT / "_" / "-" / "*" / "/" / "@" )
//! value       = 0*255 chr nblk-chr      ; 0x20-0x7E without "," and "=", the last one no space
//! ```
//!
//! See [W3C Trace Context Level 2, section 3.3](https://www.w3.org/TR/trace-context-2/#tracestate-header). One bad member
//! spoils the whole list, as the strict reading wants it; `traceparent` is never affected.

mod again;
mod constant;
mod keys;
mod shared;
mod shorten;

use std::{fmt, str::FromStr};

use keys::Keys;
use shared::Shared;

const MAX_MEMBERS: usize = 32;
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 256;

/// A validated `tracestate` list; empty by default.
///
/// Cheap to clone. The list is kept as the text it will be sent as: nothing is taken apart until someone asks.
///
/// ```
/// use tracing_core_ctx::TraceState;
///
/// let state: TraceState = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE".parse()?;
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
///
/// // What is updated moves to the front.
/// let state = state.with("congo", "ucfJifl5GOE")?;
/// assert_eq!(state.as_str(), "congo=ucfJifl5GOE,rojo=00f067aa0ba902b7");
/// # Ok::<(), tracing_core_ctx::trace_state::InvalidTraceState>(())
/// ```
#[derive(Clone, Default)]
pub struct TraceState(Shared);

impl TraceState {
    /// The empty list.
    pub const EMPTY: Self = Self(Shared::EMPTY);

    /// Reads the values of all `tracestate` headers, in the order of arrival, as one list.
    ///
    /// Empty members and headers are skipped; of two members with one key the first is kept.
    ///
    /// # Errors
    ///
    /// When any member breaks the grammar or there are more than 32.
    pub fn from_headers<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, InvalidTraceState> {
        let mut reader = Reader::new();
        for header in headers {
            reader.read(header)?;
        }
        Ok(reader.finish())
    }

    /// The list of a single header.
    #[inline]
    pub(crate) fn from_header(header: &[u8]) -> Result<Self, InvalidTraceState> {
        again::list(header)
    }

    fn read(header: &[u8]) -> Result<Self, InvalidTraceState> {
        if let Some(keys) = plain_keys(header) {
            return Ok(Self(Shared::new(header, keys)));
        }
        let mut reader = Reader::new();
        reader.read(header)?;
        Ok(reader.finish())
    }

    /// The list as it is sent; the empty text when there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text(self.as_bytes())
    }

    /// The same as bytes, which are ASCII: for writing it without a look at each of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        // Mostly it is not there, and that is seen without taking the list apart.
        if !self.0.keys().may_have(key.as_bytes()) {
            return None;
        }
        self.members()
            .find(|member| member.0 == key.as_bytes())
            .map(|member| text(member.1))
    }

    /// Keys and values from left to right.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members()
            .map(|member| (text(member.0), text(member.1)))
    }

    fn members(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            // Byte by byte: members are short, and a search for characters costs several times as much.
            let comma = rest.iter().position(|byte| *byte == b',');
            let member = &rest[..comma.unwrap_or(rest.len())];
            rest = comma.map_or(&[], |comma| &rest[comma + 1..]);
            let equals = member.iter().position(|byte| *byte == b'=')?;
            Some((&member[..equals], &member[equals + 1..]))
        })
    }

    /// The list with `key` set to `value` at its left end and no other copy of `key`.
    ///
    /// The rightmost member gives way when there would be more than 32.
    ///
    /// # Errors
    ///
    /// When key or value break the grammar.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, InvalidTraceState> {
        let (key, value) = (key.as_bytes(), value.as_bytes());
        if !is_key(key) || !is_value(value) {
            return Err(InvalidTraceState(()));
        }
        let mut text = Shared::EMPTY;
        text.push(key, value);
        for member in self
            .members()
            .filter(|member| member.0 != key)
            .take(MAX_MEMBERS - 1)
        {
            text.push(member.0, member.1);
        }
        Ok(Self(text))
    }

    /// The list without `key`.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        let mut text = Shared::EMPTY;
        for member in self.members().filter(|member| member.0 != key.as_bytes()) {
            text.push(member.0, member.1);
        }
        Self(text)
    }
}

/// Takes header values one by one; see [`TraceState::from_headers`].
#[derive(Debug)]
pub(crate) struct Reader {
    text: Shared,
    members: usize,
}

impl Reader {
    pub(crate) const fn new() -> Self {
        Self {
            text: Shared::EMPTY,
            members: 0,
        }
    }

    pub(crate) fn read(&mut self, header: &[u8]) -> Result<(), InvalidTraceState> {
        let mut rest = header;
        while let Some((byte, after)) = rest.split_first() {
            // Blanks around members, and members that are empty.
            if matches!(byte, b' ' | b'\t' | b',') {
                rest = after;
                continue;
            }
            let lengths = Lengths::of(rest).ok_or(InvalidTraceState(()))?;
            self.members += 1;
            if self.members > MAX_MEMBERS {
                return Err(InvalidTraceState(()));
            }
            self.add(rest, lengths);
            rest = &rest[lengths.end..];
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> TraceState {
        TraceState(self.text)
    }

    /// Takes the first member of `list` over, unless its key is known.
    fn add(&mut self, list: &[u8], lengths: Lengths) {
        let text = &mut self.text;
        // Key and equals sign: the beginning that no other member may have.
        let start = &list[..=lengths.key];
        let mut known = text.as_bytes().split(|&byte| byte == b',');
        if !known.any(|known| known.starts_with(start)) {
            text.push(&list[..lengths.key], &list[lengths.key + 1..lengths.member]);
        }
    }
}

/// The keys of a list that can be kept as it stands: well-formed, without blanks around members, without empty ones, and surely without a
/// key that comes twice. That is what nearly everybody sends.
fn plain_keys(list: &[u8]) -> Option<Keys> {
    let mut keys = Keys::NONE;
    let mut rest = list;
    for _ in 0..MAX_MEMBERS {
        let (key, after) = rest.split_at(span(rest, KEY));
        let (b'=', after) = after.split_first()? else {
            return None;
        };
        let (value, after) = after.split_at(span(after, VALUE));
        let is_plain = CLASSES[usize::from(*key.first()?)] & KEY_START != 0
            && key.len() <= MAX_KEY
            && value.len() <= MAX_VALUE
            && *value.last()? != b' '
            && !keys.may_have(key);
        if !is_plain {
            return None;
        }
        keys.add(key);
        match after.split_first() {
            None => return Some(keys),
            Some((b',', after)) => rest = after,
            Some(_) => return None,
        }
    }
    None
}

/// Where the first member of a list has its parts.
#[derive(Clone, Copy)]
struct Lengths {
    key: usize,
    /// Key, equals sign and value.
    member: usize,
    /// Also the blanks behind it, up to the comma or the end.
    end: usize,
}

impl Lengths {
    /// `None` when the list does not start with a well-formed member.
    fn of(list: &[u8]) -> Option<Self> {
        let key = span(list, KEY);
        let (name, rest) = list.split_at(key);
        let (b'=', rest) = rest.split_first()? else {
            return None;
        };
        // A value may hold spaces, but not at its end.
        let (value, rest) = rest.split_at(span(rest, VALUE));
        let value = value.trim_ascii_end().len();
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let well_formed = CLASSES[usize::from(*name.first()?)] & KEY_START != 0
            && key <= MAX_KEY
            && (1..=MAX_VALUE).contains(&value)
            && rest.get(blanks).is_none_or(|byte| *byte == b',');
        well_formed.then_some(Self {
            key,
            member: key + 1 + value,
            end: list.len() - rest.len() + blanks,
        })
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceState({:?})", self.as_str())
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TraceState {
    type Err = InvalidTraceState;

    fn from_str(text: &str) -> Result<Self, InvalidTraceState> {
        Self::from_header(text.as_bytes())
    }
}

impl PartialEq for TraceState {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&other.0) || self.as_bytes() == other.as_bytes()
    }
}

impl Eq for TraceState {}

/// The list breaks the grammar of `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTraceState(());

impl fmt::Display for InvalidTraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a tracestate list")
    }
}

impl std::error::Error for InvalidTraceState {}

/// Strips spaces and tabs (OWS) on both sides.
pub(crate) fn trim_ows(text: &[u8]) -> &[u8] {
    let is_ows = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(|byte| !is_ows(byte)) else {
        return &[];
    };
    let end = text.iter().rposition(|byte| !is_ows(byte)).unwrap_or(start);
    &text[start..=end]
}

/// Of a list or a part of it, which is ASCII.
fn text(list: &[u8]) -> &str {
    std::str::from_utf8(list).unwrap_or_default()
}

/// How many bytes at the start are of a class. Four at a time, as long as all of them are.
fn span(bytes: &[u8], class: u8) -> usize {
    let mut rest = bytes;
    while let Some((four, after)) = rest.split_first_chunk::<4>()
        && all(four, class)
    {
        rest = after;
    }
    while let Some((one, after)) = rest.split_first()
        && all(&[*one], class)
    {
        rest = after;
    }
    bytes.len() - rest.len()
}

/// What a byte may be part of. One look-up for each byte instead of a chain of comparisons.
static CLASSES: [u8; 256] = classes();
const KEY_START: u8 = 1;
const KEY: u8 = 2;
const VALUE: u8 = 4;

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0x20u8;
    while byte < 0x7f {
        let mut class = 0;
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            class |= KEY_START | KEY;
        }
        if matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@') {
            class |= KEY;
        }
        if !matches!(byte, b',' | b'=') {
            class |= VALUE;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    classes
}

/// Whether all bytes are of a class. Judged once at the end: a branch for each byte costs more.
fn all(bytes: &[u8], class: u8) -> bool {
    let common = bytes
        .iter()
        .fold(class, |common, &byte| common & CLASSES[usize::from(byte)]);
    common != 0
}

fn is_key(key: &[u8]) -> bool {
    key.len() <= MAX_KEY
        && key.first().is_some_and(|first| all(&[*first], KEY_START))
        && all(key, KEY)
}

fn is_value(value: &[u8]) -> bool {
    value.len() <= MAX_VALUE && value.last().is_some_and(|last| *last != b' ') && all(value, VALUE)
}

#[cfg(test)]
mod tests;
