//! The request of every exchange: `GET /api/users/12345/orders?limit=10` with a handful of headers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Waker};

use axum::extract::{ConnectInfo, MatchedPath};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use http::header::{ACCEPT, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use http_body_util::Full;
use tower::Service as _;
use tower_trace::client::UrlTemplate;

use crate::exchange::Small;

pub(crate) type OrdersRequest = Request<Small>;

/// What the caller's headers say about a trace.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    Sampled,
    Unsampled,
    Untraced,
}

pub(crate) const ROUTE: &str = "/api/users/{id}/orders";
pub(crate) const TRACE_STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
pub(crate) const TARGET: &str = "/api/users/12345/orders?limit=10";

/// The program that asks.
pub(crate) const CALLER: &str = "Mozilla/5.0 (X11; Linux x86_64) shop/1.4";

/// The `traceparent` of a caller that samples.
pub(crate) const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The `traceparent` of a caller that does not sample.
pub(crate) const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

pub(crate) const AUTHORITY: &str = "orders.example:8080";

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What a program that nobody has met before says of itself and of its trace, as long as [`CALLER`] and [`TRACE_STATE`].
pub(crate) fn stranger(number: u32) -> (String, String) {
    (
        format!("Mozilla/5.0 (X11; Linux x86_64) {number:>8}"),
        format!("rojo={number:016x},congo=t61rcWkgMzE"),
    )
}

/// As it comes out of a server's connection, and out of axum's router.
pub(crate) fn received(caller: Caller) -> OrdersRequest {
    received_from(caller, CALLER, TRACE_STATE)
}

/// The same from another program.
pub(crate) fn received_from(caller: Caller, program: &str, trace_state: &str) -> OrdersRequest {
    let traceparent = match caller {
        Caller::Sampled => Some(SAMPLED),
        Caller::Unsampled => Some(UNSAMPLED),
        Caller::Untraced => None,
    };
    let mut head = common_head(program);
    if let Some(traceparent) = traceparent {
        head.push((TRACEPARENT.clone(), traceparent));
        head.push((TRACESTATE.clone(), trace_state));
    }
    let mut request = request(TARGET, &head);
    if let Some(path) = matched_path() {
        request.extensions_mut().insert(path.clone());
    }
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17)),
        52_814,
    )));
    request
}

/// What axum leaves on a request that it has matched. Only a router can make one.
fn matched_path() -> Option<&'static MatchedPath> {
    static PATH: OnceLock<Option<MatchedPath>> = OnceLock::new();
    PATH.get_or_init(|| {
        let (found, path) = sync_channel(1);
        let handler = |Extension(path): Extension<MatchedPath>| async move {
            // A second request does not come.
            let _ = found.try_send(path);
        };
        let mut router: Router = Router::new().route(ROUTE, get(handler));
        let answer = pin!(router.call(request(TARGET, &common_head(CALLER))));
        let _ready = answer.poll(&mut Context::from_waker(Waker::noop()));
        path.try_recv().ok()
    })
    .as_ref()
}

/// As a program makes it, to be sent.
pub(crate) fn to_be_sent() -> OrdersRequest {
    let mut request = request(&format!("http://{AUTHORITY}{TARGET}"), &common_head(CALLER));
    request.extensions_mut().insert(UrlTemplate::new(ROUTE));
    request
}

fn common_head(program: &str) -> Vec<(HeaderName, &str)> {
    vec![
        (HOST, AUTHORITY),
        (USER_AGENT, program),
        (ACCEPT, "application/json"),
    ]
}

/// The values are slices of one buffer, as those of a parsed request are.
fn request(target: &str, head: &[(HeaderName, &str)]) -> OrdersRequest {
    let text: String = [target]
        .into_iter()
        .chain(head.iter().map(|line| line.1))
        .collect();
    let mut rest = Bytes::from(text);
    let target = rest.split_to(target.len());
    let mut request = Request::new(Full::default());
    *request.uri_mut() = Uri::from_maybe_shared(target).unwrap_or_default();
    for (name, value) in head {
        let value = rest.split_to(value.len());
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_differ_and_are_as_long_as_others() {
        let strangers = [1, 2, 1_000_000].map(stranger);
        assert_ne!(strangers[0], strangers[1]);
        for (program, trace_state) in strangers {
            assert_eq!(program.len(), CALLER.len());
            assert_eq!(trace_state.len(), TRACE_STATE.len());
        }
    }

    #[test]
    fn nothing_of_the_request_is_lost_on_the_way() {
        let received = received(Caller::Sampled);
        assert_eq!(received.uri(), TARGET);
        assert_eq!(received.headers().len(), 5);
        assert_eq!(received.headers()[HOST], AUTHORITY);
        assert_eq!(received.headers()["tracestate"], TRACE_STATE);
        let path = received.extensions().get::<MatchedPath>();
        assert_eq!(path.map(MatchedPath::as_str), Some(ROUTE));
        let sent = to_be_sent();
        assert_eq!(sent.uri().host(), Some("orders.example"));
        assert_eq!(sent.headers().len(), 3);
    }
}
