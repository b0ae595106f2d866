use std::cell::Cell;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tower_trace::carrier::{HeaderExtractor, scan_w3c};
use tracing_core_ctx::propagation::{Extract, Only, W3cHeaders};

use crate::deadline::{self, GRPC_TIMEOUT};

/// The headers of a call that came in: the caller's context is read from them and, in the same pass, how long the caller waits.
pub(crate) struct CallHeaders<'a> {
    all: HeaderExtractor<'a>,
    /// `grpc-timeout`, once somebody has come by it.
    timeout: Cell<Option<Option<&'a HeaderValue>>>,
}

impl<'a> CallHeaders<'a> {
    pub(crate) const fn new(headers: &'a HeaderMap) -> Self {
        Self {
            all: HeaderExtractor(headers),
            timeout: Cell::new(None),
        }
    }

    /// How long the caller waits.
    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self.timeout.get() {
            Some(timeout) => timeout.and_then(deadline::read),
            None => deadline::timeout(self.all.0),
        }
    }
}

impl Extract for CallHeaders<'_> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.all.get_all(name, visit);
    }

    fn get_one<'a>(&'a self, name: &str) -> Only<'a> {
        self.all.get_one(name)
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        let mut timeout = None;
        let found = scan_w3c(self.all.0, |name, value| {
            if *name == GRPC_TIMEOUT {
                timeout.get_or_insert(value);
            }
        });
        let Some(found) = found else {
            return self.all.get_w3c();
        };
        self.timeout.set(Some(timeout));
        found
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        self.all.names(prefix, visit);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    /// So many are not looked at one by one.
    const MANY: usize = 24;

    #[test]
    fn the_headers_of_the_w3c_are_found_as_elsewhere_and_the_timeout_with_them() {
        let table = [
            ("traceparent", vec!["a"]),
            ("tracestate", vec!["b=1", "c=2"]),
            ("baggage", vec!["d=3"]),
            ("grpc-timeout", vec!["1S", "2S"]),
            ("te", vec!["trailers"]),
        ];
        for left_out in 0..=table.len() {
            for others in [0, MANY] {
                let mut headers = HeaderMap::new();
                for (_, (name, values)) in (0..).zip(&table).filter(|(at, _)| *at != left_out) {
                    for value in values {
                        headers.append(*name, HeaderValue::from_static(value));
                    }
                }
                for other in 0..others {
                    let name = HeaderName::try_from(format!("x-{other}")).unwrap();
                    headers.insert(name, HeaderValue::from_static("x"));
                }
                let call = CallHeaders::new(&headers);
                let timeout = (left_out != 3).then_some(Duration::from_secs(1));
                assert_eq!(call.timeout(), timeout);
                let known = HeaderExtractor(&headers);
                assert_eq!(call.get_w3c(), known.get_w3c());
                assert_eq!(call.timeout(), timeout);
                assert_eq!(call.get_one("te"), known.get_one("te"));
            }
        }
    }
}
