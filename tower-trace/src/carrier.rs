//! HTTP headers as carriers of contexts.

mod again;

use http::header::{GetAll, HeaderMap, HeaderName, HeaderValue};
use tracing_core_ctx::propagation::{Extract, Inject, Only, W3cHeaders};

/// Reads a caller's context from HTTP headers: every value of a name, compared without case.
///
/// ```
/// use tower_trace::carrier::HeaderExtractor;
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// let mut headers = http::HeaderMap::new();
/// let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// headers.insert("traceparent", caller.parse()?);
/// assert!(tracer.extract(&HeaderExtractor(&headers)).span_context().is_some());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extract for HeaderExtractor<'_> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        // Another name than a known one has to be brought into its form first.
        match known(name) {
            Some(name) => self
                .0
                .get_all(name)
                .iter()
                .for_each(|value| visit(value.as_bytes())),
            None => self
                .0
                .get_all(name)
                .iter()
                .for_each(|value| visit(value.as_bytes())),
        }
    }

    fn get_one<'a>(&'a self, name: &str) -> Only<'a> {
        match known(name) {
            Some(name) => only(self.0.get_all(name)),
            None => only(self.0.get_all(name)),
        }
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        scan_w3c(self.0, |_, _| {}).unwrap_or_else(|| W3cHeaders {
            traceparent: only(self.0.get_all(&TRACEPARENT)),
            tracestate: only(self.0.get_all(&TRACESTATE)),
            baggage: only(self.0.get_all(&BAGGAGE)),
        })
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        for name in self.0.keys().map(HeaderName::as_str) {
            if name.starts_with(prefix) {
                visit(name);
            }
        }
    }
}

/// What [`Extract::get_w3c`] says of `headers`, each of which that is none of the three is shown to `other` in the same pass; `None` where there are so many
/// that it is cheaper to look up those that are wanted.
#[inline]
pub fn scan_w3c<'a>(
    headers: &'a HeaderMap,
    mut other: impl FnMut(&HeaderName, &'a HeaderValue),
) -> Option<W3cHeaders<'a>> {
    if headers.keys_len() > MAX_SCANNED {
        return None;
    }
    let mut found = W3cHeaders::default();
    for (name, value) in headers {
        let place = match name {
            name if *name == TRACEPARENT => &mut found.traceparent,
            name if *name == TRACESTATE => &mut found.tracestate,
            name if *name == BAGGAGE => &mut found.baggage,
            name => {
                other(name, value);
                continue;
            }
        };
        *place = place.and(value.as_bytes());
    }
    Some(found)
}

/// Up to so many names it is cheaper to look at each, which mostly is one comparison, than to hash three.
const MAX_SCANNED: usize = 24;

fn only(values: GetAll<'_, HeaderValue>) -> Only<'_> {
    values
        .iter()
        .fold(Only::None, |only, value| only.and(value.as_bytes()))
}

/// Writes a context into HTTP headers, in place of what stands there under the same names.
///
/// A value that cannot stand in a header is left out.
///
/// ```
/// use tower_trace::carrier::HeaderInjector;
/// use tracing_core_ctx::{Baggage, Context};
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// let mut headers = http::HeaderMap::new();
/// let cx = Context::new().with_baggage(Baggage::new().with("tier", "gold"));
/// tracer.inject(&cx, &mut HeaderInjector(&mut headers));
/// assert_eq!(headers["baggage"], "tier=gold");
/// ```
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Inject for HeaderInjector<'_> {
    fn set(&mut self, name: &str, value: &str) {
        if let Some(name) = known(name).or_else(|| HeaderName::from_bytes(name.as_bytes()).ok()) {
            self.put(name, value.as_bytes());
        }
    }

    fn set_w3c(&mut self, traceparent: &[u8; 55], tracestate: &[u8]) {
        // Here and not by `put`: where it is known how long it is, it is looked through without a loop.
        if let Ok(value) = HeaderValue::from_bytes(traceparent) {
            self.0.insert(TRACEPARENT, value);
        }
        if tracestate.is_empty() {
            remove(&TRACESTATE, self.0);
        } else if let Some(value) = again::value(tracestate) {
            self.0.insert(TRACESTATE, value);
        }
    }

    fn remove(&mut self, name: &str) {
        match known(name) {
            Some(name) => self.0.remove(name),
            None => self.0.remove(name),
        };
    }
}

impl HeaderInjector<'_> {
    fn put(&mut self, name: HeaderName, value: &[u8]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            self.0.insert(name, value);
        }
    }
}

// Constants and not statics: so the compiler knows their text, and comparing with a name is a comparison of numbers.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
const B3: HeaderName = HeaderName::from_static("b3");

/// Takes `baggage` out.
pub(crate) fn remove_baggage(headers: &mut HeaderMap) {
    remove(&BAGGAGE, headers);
}

/// Takes `name` out. Mostly it is not there, and to see that is cheaper than to look it up.
#[inline]
fn remove(name: &HeaderName, headers: &mut HeaderMap) {
    if headers.keys_len() > MAX_SCANNED || headers.keys().any(|other| other == name) {
        headers.remove(name);
    }
}

fn known(name: &str) -> Option<HeaderName> {
    match name {
        "traceparent" => Some(TRACEPARENT),
        "tracestate" => Some(TRACESTATE),
        "baggage" => Some(BAGGAGE),
        "b3" => Some(B3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_of_a_name_are_read_in_order() {
        let mut headers = HeaderMap::new();
        for value in ["a=1", "", "b=2"] {
            headers.append("tracestate", HeaderValue::from_static(value));
        }
        let mut seen = Vec::new();
        HeaderExtractor(&headers).get_all("tracestate", &mut |value| seen.push(value.to_vec()));
        assert_eq!(seen, [b"a=1".to_vec(), b"".to_vec(), b"b=2".to_vec()]);
    }

    #[test]
    fn the_three_headers_are_found_at_once_among_few_and_among_many() {
        for others in [0, 5, MAX_SCANNED - 4, MAX_SCANNED, 200] {
            for times in 0..27 {
                let mut list = Vec::new();
                let mut add = |name: &str, times| {
                    for value in ["a=1", "b=2"].iter().take(times) {
                        list.push((name.to_owned(), (*value).to_owned()));
                    }
                };
                add("tracestate", times % 3);
                (0..others).for_each(|other| add(&format!("x-other-{other}"), 1));
                add("user-agent", 2);
                add("baggage", times / 3 % 3);
                add("traceparent", times / 9);
                let mut headers = HeaderMap::new();
                for (name, value) in &list {
                    let name = HeaderName::try_from(name).unwrap();
                    headers.append(name, HeaderValue::from_str(value).unwrap());
                }
                // A list has what is the default.
                let found = HeaderExtractor(&headers);
                assert_eq!(found.get_w3c(), list.get_w3c());
                assert_eq!(found.get_one("baggage"), list.get_one("baggage"));
                assert_eq!(found.get_one("x-other-3"), list.get_one("x-other-3"));
            }
        }
    }

    #[test]
    fn a_value_replaces_all_that_stood_there() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static("stale"));
        headers.append("traceparent", HeaderValue::from_static("staler"));
        HeaderInjector(&mut headers).set("traceparent", "fresh");
        let values: Vec<_> = headers.get_all("traceparent").iter().collect();
        assert_eq!(values, ["fresh"]);
    }

    #[test]
    fn baggage_and_a_tracestate_that_is_no_more_are_taken_out_from_among_few_headers_and_many() {
        for others in [0, 5, MAX_SCANNED, 200] {
            let mut headers = HeaderMap::new();
            for other in 0..others {
                let name = HeaderName::try_from(format!("x-other-{other}")).unwrap();
                headers.append(name, HeaderValue::from_static("1"));
            }
            headers.append("baggage", HeaderValue::from_static("a=1"));
            headers.append("baggage", HeaderValue::from_static("b=2"));
            headers.append("tracestate", HeaderValue::from_static("a=1"));
            headers.append("tracestate", HeaderValue::from_static("b=2"));
            remove_baggage(&mut headers);
            HeaderInjector(&mut headers).set_w3c(&[b'0'; 55], b"");
            assert!(!headers.contains_key("baggage"));
            assert!(!headers.contains_key("tracestate"));
            assert_eq!(headers.len(), others + 1);
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_left_out() {
        let mut headers = HeaderMap::new();
        HeaderInjector(&mut headers).set("x\n", "value");
        HeaderInjector(&mut headers).set("baggage", "line\nbreak");
        assert!(headers.is_empty());
    }
}
