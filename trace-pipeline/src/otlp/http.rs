//! OTLP over HTTP ([specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp)).

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tracing_core_ctx::{Clock as _, SystemClock};

use super::answer::{Answer, LONGEST, RpcStatus, excerpt};
use super::client::{BodyError, Response};

pub(super) const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Adds to a request what says how its body is built.
pub(super) fn describe(
    request: &mut Request<Full<Bytes>>,
    is_json: bool,
    encoding: Option<HeaderValue>,
) {
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, if is_json { JSON } else { PROTOBUF });
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, encoding);
    }
    // An answer is a few bytes, mostly none. Whoever is not asked may make them smaller (RFC 9110, section 12.5.3).
    let plain = HeaderValue::from_static("identity");
    headers.entry(ACCEPT_ENCODING).or_insert(plain);
}

pub(super) fn judge(response: &Response) -> Answer {
    let status = response.status;
    if status.is_success() {
        return match &response.body {
            Ok(body) if is_json(response) => Answer::from_json(&body.bytes),
            Ok(body) => Answer::from_response(&body.bytes),
            Err(BodyError::TooLarge) => Answer::refused("the answer is larger than is allowed"),
            Err(BodyError::Packed) => Answer::Accepted {
                warning: Some("the body of the answer can not be unpacked".to_owned()),
            },
            // It may have been a partial success, and it may have been none.
            Err(BodyError::Broken(reason)) => {
                Answer::later(format!("the answer broke off: {reason}"))
            }
        };
    }
    let reason = reason(response);
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answer::Later {
            reason,
            wait: retry_after(&response.headers),
        },
        _ => Answer::Refused { reason },
    }
}

fn is_json(response: &Response) -> bool {
    let of = response.headers.get(CONTENT_TYPE);
    of.is_some_and(|of| of.as_bytes().starts_with(JSON.as_bytes()))
}

/// The status, and what the server says beside it.
fn reason(response: &Response) -> String {
    let mut reason = format!("the server answered {}", response.status);
    if response.status.is_redirection()
        && let Some(location) = response.headers.get(LOCATION)
    {
        reason = format!(
            "{reason} to {}; redirects are not followed",
            excerpt(location.as_bytes())
        );
    }
    let Ok(body) = &response.body else {
        return reason;
    };
    let said = if response.headers.get(CONTENT_TYPE) == Some(&PROTOBUF) {
        RpcStatus::read(&body.bytes).map_or_else(String::new, |status| status.message)
    } else {
        excerpt(body.bytes.trim_ascii())
    };
    if !said.is_empty() {
        reason = format!("{reason}: {said}");
    }
    reason
}

/// Seconds, or a date, from which on the server wants to be asked again (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    // By the clock of who said it.
    let answered = headers.get(DATE).and_then(|date| date.to_str().ok());
    let now = answered
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(|| {
            UNIX_EPOCH + Duration::from_nanos(SystemClock::new().now().as_unix_nanos())
        });
    // A date that is past is no wait at all.
    Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests;
