//! Headers of messages as carriers of contexts.
//!
//! Brokers let a name stand several times; forwarders that append instead of replace make use of it. So the *last* value of a name is read, and
//! writing takes away all others.

use tracing_core_ctx::propagation::{Extract, Inject, Only, W3cHeaders};

/// The longest header that is read, in bytes. Contexts are shorter; whoever can write to a queue can write more.
pub const MAX_VALUE: usize = 16 * 1024;

/// Headers that can be looked through: names and values, in their order.
pub trait Walk {
    /// Shows every header to `visit`. Those whose name is no text are left out; a value may be null.
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>));
}

/// Reads contexts from headers: the last value of a name, compared without case.
///
/// A value in double quotes, as some libraries write it, is read without them. A null value, or one longer than [`MAX_VALUE`], is none.
#[derive(Clone, Copy, Debug)]
pub struct LastOf<'a, H: ?Sized>(pub &'a H);

impl<H: Walk + ?Sized> Extract for LastOf<'_, H> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        last(self.0, name).into_iter().for_each(visit);
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        w3c(self.0)
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        names(self.0, prefix, visit);
    }
}

pub(crate) fn last<'a, H: Walk + ?Sized>(headers: &'a H, name: &str) -> Option<&'a [u8]> {
    let mut last = None;
    headers.walk(&mut |each, value| {
        if each.eq_ignore_ascii_case(name) {
            last = value.and_then(text).or(last);
        }
    });
    last
}

/// The three headers of nearly everybody, in one walk.
pub(crate) fn w3c<H: Walk + ?Sized>(headers: &H) -> W3cHeaders<'_> {
    let mut found = W3cHeaders::default();
    headers.walk(&mut |name, value| {
        // Most other headers are told apart by their length.
        let place = match name.len() {
            7 if is(name, "baggage") => &mut found.baggage,
            10 if is(name, "tracestate") => &mut found.tracestate,
            11 if is(name, "traceparent") => &mut found.traceparent,
            _ => return,
        };
        if let Some(value) = value.and_then(text) {
            *place = Only::One(value);
        }
    });
    found
}

/// Whether a name is the one that is looked for, in any case: nearly everybody writes it as we do.
#[inline]
pub(crate) fn is(name: &str, wanted: &str) -> bool {
    name == wanted || name.eq_ignore_ascii_case(wanted)
}

pub(crate) fn names<'a, H: Walk + ?Sized>(
    headers: &'a H,
    prefix: &str,
    visit: &mut dyn FnMut(&'a str),
) {
    headers.walk(&mut |name, _| {
        let start = name.as_bytes().get(..prefix.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())) {
            visit(name);
        }
    });
}

/// What a value says, if it can be a context.
pub(crate) fn text(value: &[u8]) -> Option<&[u8]> {
    if value.len() > MAX_VALUE {
        return None;
    }
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    Some(inner.unwrap_or(value))
}

/// A list of headers in their order, names with bytes or null.
///
/// ```
/// use queue_trace::ByteHeaders;
/// use tracing_core_ctx::propagation::Inject as _;
///
/// let mut headers = ByteHeaders::default();
/// headers.push("traceparent", Some(b"stale".as_slice()));
/// headers.push("tenant", Some(b"7".as_slice()));
/// headers.set("traceparent", "fresh");
/// let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["tenant", "traceparent"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteHeaders(Vec<(String, Option<Vec<u8>>)>);

impl ByteHeaders {
    /// Adds a header behind all others, whether or not there is one of its name.
    pub fn push(&mut self, name: impl Into<String>, value: Option<impl Into<Vec<u8>>>) {
        self.0.push((name.into(), value.map(Into::into)));
    }

    /// The headers in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        let headers = self.0.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

impl Walk for ByteHeaders {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        for (name, value) in &self.0 {
            visit(name, value.as_deref());
        }
    }
}

impl Extract for ByteHeaders {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        last(self, name).into_iter().for_each(visit);
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        w3c(self)
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        names(self, prefix, visit);
    }
}

/// Takes all headers of the name away and puts the new one behind all others, which keep their order.
impl Inject for ByteHeaders {
    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), Some(value.into())));
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(each, _)| !each.eq_ignore_ascii_case(name));
    }
}

#[cfg(test)]
mod tests;
