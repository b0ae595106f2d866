//! The status of a call, as it is on the wire.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, StatusCode};
use tonic::Code;
use tower_trace::policy::cut;
use tracing_core_ctx::semconv::rpc_grpc_status_code;

use crate::metadata;

// Constants and not statics: so the compiler knows their text.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// How a call ended: a code and, where it is not OK, what was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallStatus {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl CallStatus {
    pub(crate) const fn of(code: Code) -> Self {
        Self {
            code,
            message: String::new(),
        }
    }

    /// Reads `grpc-status` and `grpc-message`, from headers or trailers. `None` where there is no status.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let code = code(headers)?;
        Some(Self {
            code,
            message: match code {
                Code::Ok => String::new(),
                _ => message(headers),
            },
        })
    }
}

/// Whether an answer has its status in the head, which few have.
#[inline]
pub(crate) fn is_early(head: &HeaderMap) -> bool {
    metadata::has(head, |name| *name == GRPC_STATUS)
}

/// Reads `grpc-status`, from headers or trailers.
#[inline]
pub(crate) fn code(headers: &HeaderMap) -> Option<Code> {
    let status = metadata::find(headers, |name| *name == GRPC_STATUS)?;
    Some(match status.as_bytes() {
        b"0" => Code::Ok,
        digits => read_code(digits),
    })
}

#[cold]
fn message(headers: &HeaderMap) -> String {
    let message = metadata::find(headers, |name| *name == GRPC_MESSAGE).map(|message| {
        let text = decode(message.as_bytes());
        let text = String::from_utf8_lossy(&text);
        cut(&text).to_owned()
    });
    message.unwrap_or_default()
}

/// The name of a code: `NOT_FOUND`.
pub(crate) fn name(code: Code) -> &'static str {
    let names = rpc_grpc_status_code::ALL;
    names.get(code as usize).copied().unwrap_or_default()
}

/// The code that stands for the status of an answer without one of its own
/// ([gRPC, HTTP to gRPC status code mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
pub(crate) const fn of_http(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// Digits and nothing else; what is no known number is [`Code::Unknown`].
fn read_code(digits: &[u8]) -> Code {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = digits.iter().fold(0_i32, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i32::from(digit.wrapping_sub(b'0')))
    });
    if is_number {
        Code::from_i32(number)
    } else {
        Code::Unknown
    }
}

/// Decodes percent signs; one that is not followed by two hexadecimal digits stands for itself.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first == b'%'
            && let [high, low, behind @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high << 4 | low);
            rest = behind;
        } else {
            decoded.push(*first);
        }
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
