//! OTLP over gRPC: one unary call
//! ([specification](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)).

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName, TE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;

use super::answer::{Answer, RpcStatus, excerpt};
use super::client::{BodyError, Response};
use super::compression;

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A message as gRPC frames it: one byte says whether it is compressed, four say how long it is.
pub(crate) fn frame(message: &[u8], is_compressed: bool) -> Option<Bytes> {
    let length = u32::try_from(message.len()).ok()?;
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(is_compressed.into());
    frame.put_u32(length);
    frame.put_slice(message);
    Some(frame.freeze())
}

/// Adds to a request what makes it a gRPC call.
pub(crate) fn describe(
    request: &mut Request<Full<Bytes>>,
    encoding: Option<HeaderValue>,
    timeout: Duration,
) {
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(GRPC_ACCEPT_ENCODING, compression::READ);
    if let Some(encoding) = encoding {
        headers.insert(GRPC_ENCODING, encoding);
    }
    // "TimeoutValue → {positive integer as ASCII string of at most 8 digits}"
    let millis = timeout.as_millis().clamp(1, 99_999_999);
    if let Ok(value) = HeaderValue::try_from(format!("{millis}m")) {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

pub(super) fn judge(response: &Response) -> Answer {
    match succeeded(response) {
        Ok(body) => accepted(response, body),
        Err(answer) => answer,
    }
}

/// The message that a call was answered with, or why there is none.
#[cfg(feature = "jaeger-remote")]
pub(crate) fn message(response: &Response) -> Result<Bytes, String> {
    match succeeded(response) {
        Ok(body) => unframed(response, body).ok_or_else(|| UNREADABLE.to_owned()),
        Err(Answer::Later { reason, .. } | Answer::Refused { reason }) => Err(reason),
        Err(_) => Err(UNREADABLE.to_owned()),
    }
}

const UNREADABLE: &str = "the message of the answer can not be read";

/// The body of an answer whose status is OK.
fn succeeded(response: &Response) -> Result<&Bytes, Answer> {
    static NOTHING: Bytes = Bytes::new();

    if response.status != StatusCode::OK {
        return Err(without_grpc(response.status));
    }
    // A call that fails at once has its status in the headers, any other in the trailers.
    let (trailers, message) = match &response.body {
        _ if response.headers.contains_key(GRPC_STATUS) => (&response.headers, &NOTHING),
        Ok(body) => (&body.trailers, &body.bytes),
        Err(BodyError::TooLarge) => {
            return Err(Answer::refused("the answer is larger than is allowed"));
        }
        // Of HTTP, not of gRPC: it says nothing of the status.
        Err(BodyError::Packed) => return Err(Answer::refused(UNREADABLE)),
        Err(BodyError::Broken(reason)) => {
            return Err(Answer::later(format!("the answer broke off: {reason}")));
        }
    };
    let code = trailers.get(GRPC_STATUS).map(HeaderValue::as_bytes);
    match code.map(|code| Code::read(code).unwrap_or(Code::UNKNOWN)) {
        None => Err(Answer::refused("the answer has no grpc-status")),
        Some(Code::OK) => Ok(message),
        Some(code) => Err(failed(code, trailers)),
    }
}

/// A status of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code(usize);

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Code {
    const OK: Self = Self(0);
    const UNKNOWN: Self = Self(2);
    const RESOURCE_EXHAUSTED: Self = Self(8);
    /// CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
    const RETRYABLE: [Self; 6] = [Self(1), Self(4), Self(10), Self(11), Self(14), Self(15)];

    fn read(digits: &[u8]) -> Option<Self> {
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (number < NAMES.len()).then_some(Self(number))
    }

    fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or("UNKNOWN")
    }
}

fn accepted(response: &Response, body: &Bytes) -> Answer {
    match unframed(response, body) {
        Some(message) => Answer::from_response(&message),
        None if body.is_empty() => Answer::Accepted { warning: None },
        None => Answer::Accepted {
            warning: Some(UNREADABLE.to_owned()),
        },
    }
}

/// The one message of a body. Some servers answer in the encoding of the request, whatever the client says that it takes.
fn unframed(response: &Response, body: &Bytes) -> Option<Bytes> {
    let ([is_compressed, length @ ..], message) = body.split_first_chunk::<5>()?;
    if message.len() as u64 != u64::from(u32::from_be_bytes(*length)) {
        return None;
    }
    match is_compressed {
        0 => Some(body.slice_ref(message)),
        1 => {
            let encoding = response.headers.get(GRPC_ENCODING)?;
            compression::unpack(encoding, message, response.max_body)
        }
        _ => None,
    }
}

fn failed(code: Code, trailers: &HeaderMap) -> Answer {
    let details = trailers
        .get(GRPC_STATUS_DETAILS)
        .and_then(details)
        .unwrap_or_default();
    let message = trailers
        .get(GRPC_MESSAGE)
        .map_or_else(String::new, |message| percent_decode(message.as_bytes()));
    let mut reason = format!("the server answered {}", code.name());
    if !message.is_empty() {
        reason = format!("{reason}: {message}");
    }
    // OTLP: "RESOURCE_EXHAUSTED: Only if the server can recover (see below)", which a RetryInfo says.
    let exhausted_for_now = code == Code::RESOURCE_EXHAUSTED && details.retry_delay.is_some();
    if exhausted_for_now || Code::RETRYABLE.contains(&code) {
        return Answer::Later {
            reason,
            wait: details.retry_delay,
        };
    }
    Answer::Refused { reason }
}

fn details(value: &HeaderValue) -> Option<RpcStatus> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, lenient)
        .decode(value.as_bytes())
        .ok()?;
    RpcStatus::read(&bytes)
}

/// Something that speaks HTTP and not gRPC, such as a proxy
/// ([mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
fn without_grpc(status: StatusCode) -> Answer {
    let reason = format!("the server answered {status} without gRPC");
    match status {
        // UNAVAILABLE.
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answer::later(reason),
        _ => Answer::Refused { reason },
    }
}

/// `grpc-message` is percent-encoded; what is wrong in it is shown as it is.
fn percent_decode(message: &[u8]) -> String {
    let text = excerpt(message);
    crate::env::percent_decode(&text).unwrap_or(text)
}

#[cfg(test)]
mod tests;
