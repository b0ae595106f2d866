//! What proxies say about the client: [`Forwarded`][RFC 7239] and the older `X-Forwarded-*` headers.
//!
//! Anybody can send these headers, so they are read only when a layer is told to trust them, they only ever fill attributes,
//! and a flood of them costs little: see the limits below. Reading borrows from the headers and allocates only for a quoted
//! string with a backslash in it.
//!
//! [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::authority;

mod pairs;

use self::pairs::Pairs;

/// The longest header line that is read, in bytes. A hundred honest hops fit in.
const MAX_LINE: usize = 4096;

/// How many lines of one header are read.
const MAX_LINES: usize = 8;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The request as its first proxy saw it.
///
/// Each fact is taken from the first element of `Forwarded` that states it, else from the leftmost value of its
/// `X-Forwarded-*` header: the client's side comes first in both. A value that is not what it should be is as good as
/// absent. The *next* value never takes its place, because the next hop is a proxy and not the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    /// Who asked: `client.address` and `client.port`.
    pub(crate) client: Option<Node<'a>>,
    /// The host that the client asked for, with its port if it named one; always fit for [`authority::split`].
    pub(crate) host: Option<Cow<'a, str>>,
    /// `http` or `https`. A proxy that says `ws` or `wss` speaks of the same request, so it is read as these.
    pub(crate) scheme: Option<&'static str>,
}

/// One end of a hop: an address without brackets, or an obfuscated identifier such as `_hidden`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) address: Cow<'a, str>,
    pub(crate) port: Option<u16>,
}

impl<'a> Forwarded<'a> {
    /// Reads the headers. Header lines that are too long or not ASCII text end the reading of that header.
    pub(crate) fn read(headers: &'a HeaderMap) -> Self {
        let mut found = First::default();
        for line in lines(headers, &header::FORWARDED) {
            for (name, value) in Pairs::new(line) {
                found.note(name, value);
            }
        }
        Self {
            client: found
                .client
                .and_then(node)
                .or_else(|| leftmost(headers, &X_FORWARDED_FOR).and_then(node)),
            host: found
                .host
                .and_then(host)
                .or_else(|| leftmost(headers, &X_FORWARDED_HOST).and_then(host)),
            scheme: found
                .scheme
                .as_deref()
                .and_then(scheme)
                .or_else(|| scheme(&leftmost(headers, &X_FORWARDED_PROTO)?)),
        }
    }
}

/// The first value of each parameter, not yet looked at.
#[derive(Default)]
struct First<'a> {
    client: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    scheme: Option<Cow<'a, str>>,
}

impl<'a> First<'a> {
    fn note(&mut self, name: &str, value: Cow<'a, str>) {
        let slot = if name.eq_ignore_ascii_case("for") {
            &mut self.client
        } else if name.eq_ignore_ascii_case("host") {
            &mut self.host
        } else if name.eq_ignore_ascii_case("proto") {
            &mut self.scheme
        } else {
            return;
        };
        slot.get_or_insert(value);
    }
}

/// The lines of a header, up to the first that cannot be read.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let readable = |value: &'a HeaderValue| match value.len() {
        ..=MAX_LINE => value.to_str().ok(),
        _ => None,
    };
    headers
        .get_all(name)
        .into_iter()
        .take(MAX_LINES)
        .map_while(readable)
}

/// The leftmost element of a comma-separated list that may be spread over several lines; empty elements do not count
/// (RFC 9110, section 5.6.1).
fn leftmost<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    lines(headers, name)
        .flat_map(|line| line.split(','))
        .map(|element| element.trim_matches([' ', '\t']))
        .find(|element| !element.is_empty())
        .map(Cow::Borrowed)
}

/// Reads a node: `192.0.2.60`, `192.0.2.60:443`, `[2001:db8::1]:4711`, `_hidden:_port`. `unknown` says nothing, and names
/// are not nodes. An IPv6 address without its brackets is common enough to be accepted.
fn node(text: Cow<'_, str>) -> Option<Node<'_>> {
    if let Some(name) = text.strip_prefix('_') {
        let (name, port) = match name.split_once(':') {
            None => (name, None),
            Some((name, port)) => (name, authority::port(port)),
        };
        let is_obfuscated =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(is_obfuscated) {
            return None;
        }
        let end = 1 + name.len();
        return Some(Node {
            address: cut(text, 0..end),
            port,
        });
    }
    let (address, port) = authority::split(&text)?;
    if text.contains('@') || address.parse::<IpAddr>().is_err() {
        return None;
    }
    let start = usize::from(text.starts_with('['));
    let end = start + address.len();
    Some(Node {
        address: cut(text, start..end),
        port,
    })
}

/// A host with an optional port, as it stands.
fn host(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.contains('@') && authority::split(&text).is_some()).then_some(text)
}

/// Only one of these two: it is a label of metrics, and strangers must not be able to make it many.
pub(crate) fn scheme(text: &str) -> Option<&'static str> {
    match authority::default_port(text) {
        Some(80) => Some("http"),
        Some(443) => Some("https"),
        _ => None,
    }
}

/// A part of the text, still borrowed if the text was.
fn cut(text: Cow<'_, str>, range: std::ops::Range<usize>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].into()),
    }
}

#[cfg(test)]
mod tests;
