//! fastrace-reqwest: headers for a request, with a span of fastrace around it, since it makes none.
//!
//! No attribute; no tracestate.

use std::convert::Infallible;

use fastrace::Span;
use fastrace::future::FutureExt as _;
use fastrace_reqwest::traceparent_headers;
use http::Response;
use reqwest::Request;
use tower::service_fn;

use super::fastrace::{remote, set_up};
use crate::client::{ALL, Above};
use crate::exchange::{Exchanges, Small, answer};
use crate::request::to_be_sent;
use crate::subject::{Entry, Traced};
use crate::{Error, Work};

pub(crate) const CLIENT: Entry<Above> = Entry {
    name: "fastrace-reqwest",
    packages: &["fastrace_reqwest", "fastrace"],
    bare: ("reqwest's requests", bare),
    traced,
    cases: ALL,
};

fn bare(_: Above) -> Box<dyn Work> {
    let service = service_fn(|request: Request| async move { send(request) });
    Box::new(Exchanges::new(service, make_request))
}

fn traced(above: Above) -> Result<Traced, Error> {
    let delivery = set_up();
    let service = service_fn(|mut request: Request| {
        let span = Span::enter_with_local_parent(request.method().to_string());
        async move {
            request.headers_mut().extend(traceparent_headers());
            send(request)
        }
        .in_span(span)
    });
    // A collector waits for the root of a trace, so each batch has one.
    let exchanges = Exchanges::new(service, make_request).within(move || {
        let root = Span::root("handler", remote(above));
        (root.set_local_parent(), root)
    });
    Ok(Traced {
        others: usize::from(above == Above::Sampled),
        ..Traced::new(exchanges, delivery)
    })
}

/// The request that every client sends, as one of reqwest's.
pub(crate) fn make_request() -> Request {
    let request = to_be_sent().map(|_| reqwest::Body::default());
    let wrong = "the request has a whole URL";
    Request::try_from(request).expect(wrong)
}

fn send(request: Request) -> Result<Response<Small>, Infallible> {
    drop(request);
    Ok(answer())
}
