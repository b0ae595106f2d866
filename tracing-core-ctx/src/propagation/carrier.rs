use std::collections::HashMap;
use std::hash::BuildHasher;

/// Something that contexts can be read from.
///
/// Names are lower case. Carriers whose own names ignore case compare so.
pub trait Extract {
    /// Shows every value of `name` to `visit`, in the order of arrival.
    ///
    /// All of them: `tracestate` and `baggage` may come in several headers, and two `traceparent` headers are one too many.
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8]));

    /// The only value of `name`.
    fn get_one<'a>(&'a self, name: &str) -> Only<'a> {
        let mut only = Only::None;
        self.get_all(name, &mut |value| only = only.and(value));
        only
    }

    /// What [`get_one`](Self::get_one) says of the three headers of the W3C, which nearly everybody reads.
    ///
    /// Default: asks for one after the other. A carrier that is looked through once faster than it is asked three times does that.
    fn get_w3c(&self) -> W3cHeaders<'_> {
        W3cHeaders {
            traceparent: self.get_one("traceparent"),
            tracestate: self.get_one("tracestate"),
            baggage: self.get_one("baggage"),
        }
    }

    /// Shows every name that starts with `prefix` to `visit`, for formats with names of their users (`uberctx-..`). Default: none.
    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        let _ = (prefix, visit);
    }
}

/// What a carrier holds of W3C Trace Context and W3C Baggage; see [`Extract::get_w3c`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there are these three")]
pub struct W3cHeaders<'a> {
    /// `traceparent`.
    pub traceparent: Only<'a>,
    /// `tracestate`.
    pub tracestate: Only<'a>,
    /// `baggage`.
    pub baggage: Only<'a>,
}

/// How often a name came; see [`Extract::get_one`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth case")]
pub enum Only<'a> {
    /// Several values.
    Many,
    /// No value.
    #[default]
    None,
    /// This value.
    One(&'a [u8]),
}

impl<'a> Only<'a> {
    /// When `value` came as well.
    #[must_use]
    pub const fn and(self, value: &'a [u8]) -> Self {
        match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Many => Self::Many,
        }
    }

    /// The value, if there is exactly one.
    #[must_use]
    pub const fn value(self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Many | Self::None => None,
        }
    }
}

/// Something that contexts can be written to.
pub trait Inject {
    /// Sets `name` to `value` in place of all its values. `value` is visible ASCII with spaces.
    fn set(&mut self, name: &str, value: &str);

    /// Removes all values of `name`.
    fn remove(&mut self, name: &str);

    /// Sets `traceparent` and `tracestate`, the latter only if it is not empty: else it is removed. Both are ASCII.
    ///
    /// Default: [`set`](Self::set) and [`remove`](Self::remove). A carrier that keeps bytes, and need not look its names up, does better.
    fn set_w3c(&mut self, traceparent: &[u8; 55], tracestate: &[u8]) {
        if let Ok(traceparent) = std::str::from_utf8(traceparent) {
            self.set("traceparent", traceparent);
        }
        match std::str::from_utf8(tracestate) {
            Ok("") | Err(_) => self.remove("tracestate"),
            Ok(tracestate) => self.set("tracestate", tracestate),
        }
    }
}

impl<S: BuildHasher> Extract for HashMap<String, String, S> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        if let Some(value) = self.get(name) {
            visit(value.as_bytes());
        }
    }

    fn get_one<'a>(&'a self, name: &str) -> Only<'a> {
        self.get(name)
            .map_or(Only::None, |value| Only::One(value.as_bytes()))
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        for name in self.keys().filter(|name| name.starts_with(prefix)) {
            visit(name);
        }
    }
}

impl<S: BuildHasher> Inject for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, name: &str) {
        Self::remove(self, name);
    }
}

/// A list of names and values, several of one name allowed. Names are compared without case.
impl Extract for Vec<(String, String)> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        for (_, value) in self
            .iter()
            .filter(|entry| entry.0.eq_ignore_ascii_case(name))
        {
            visit(value.as_bytes());
        }
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        for (name, _) in self {
            let start = name.as_bytes().get(..prefix.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())) {
                visit(name);
            }
        }
    }
}
