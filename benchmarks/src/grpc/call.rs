//! The call: `accept.greeter.v1.Greeter/SayHello`, one small message each way, as tonic's layers see it.

use std::convert::Infallible;
use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use http::{Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tower::{Service, service_fn};

use crate::client::Above;
use crate::request::{SAMPLED, TRACE_STATE, UNSAMPLED};

pub(crate) type Call = Request<Body>;

const PATH: &str = "/accept.greeter.v1.Greeter/SayHello";

/// Whom a channel is connected to.
pub(crate) const TARGET: &str = "http://greeter.example:50051";

/// What a connection gives for it.
const RECEIVED: &str = "http://greeter.example:50051/accept.greeter.v1.Greeter/SayHello";

/// Messages with their prefix: not compressed, and their length.
const ASKED: &[u8] = b"\0\0\0\0\x07\n\x05World";
const ANSWERED: &[u8] = b"\0\0\0\0\x0d\n\x0bHello World";

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// As it comes out of a server's connection.
pub(crate) fn received(above: Above) -> impl Fn() -> Call {
    let traceparent = match above {
        Above::Sampled => SAMPLED,
        Above::Unsampled => UNSAMPLED,
    };
    move || {
        let mut call = call(RECEIVED);
        let headers = call.headers_mut();
        for (name, value) in [
            (USER_AGENT, "tonic/0.14.9"),
            (TRACEPARENT.clone(), traceparent),
            (TRACESTATE.clone(), TRACE_STATE),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let port = |address, port| Some(SocketAddr::new(IpAddr::V4(address), port));
        call.extensions_mut().insert(TcpConnectInfo {
            local_addr: port(Ipv4Addr::new(192, 0, 2, 1), 50_051),
            remote_addr: port(Ipv4Addr::new(192, 0, 2, 17), 52_814),
        });
        call
    }
}

/// As a generated client makes it. The channel, which is behind the layer, knows whom it goes to.
pub(crate) fn to_be_sent() -> Call {
    call(PATH)
}

fn call(uri: &'static str) -> Call {
    let mut call = Request::new(Body::new(Full::new(Bytes::from_static(ASKED))));
    *call.method_mut() = Method::POST;
    *call.uri_mut() = Uri::from_static(uri);
    *call.version_mut() = Version::HTTP_2;
    let headers = call.headers_mut();
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, grpc());
    call
}

/// What is behind a layer: reads the message, and answers with one and the trailers.
pub(crate) fn greeter()
-> impl Service<Call, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ 'static {
    service_fn(|call: Call| async move {
        let mut asked = call.into_body();
        while asked.frame().await.is_some() {}
        Ok(answer())
    })
}

fn answer() -> Response<Body> {
    let message = Full::new(Bytes::from_static(ANSWERED));
    let trailers = HeaderMap::from_iter([(GRPC_STATUS.clone(), HeaderValue::from_static("0"))]);
    let body = message.with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    *response.version_mut() = Version::HTTP_2;
    response.headers_mut().insert(CONTENT_TYPE, grpc());
    response
}

const fn grpc() -> HeaderValue {
    HeaderValue::from_static("application/grpc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_is_answered_with_a_message_and_the_status_in_trailers() {
        let call = received(Above::Sampled)();
        assert_eq!(call.uri().path(), to_be_sent().uri().path());
        assert_eq!(call.headers()["traceparent"], SAMPLED);
        let response = greeter().call(call).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        let bytes = body.to_bytes();
        assert_eq!(bytes[4] as usize, bytes.len() - 5);
        assert_eq!(ASKED[4] as usize, ASKED.len() - 5);
    }
}
