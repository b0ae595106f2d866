//! What a server's answer means.

use std::time::Duration;

use serde_json::Value;

use super::protobuf::{Field, Reader};

/// The longest that a server is left alone: by mistake it may name another century.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server took it all.
    Accepted {
        /// What it has to say about it.
        warning: Option<String>,
    },
    /// It may take it later.
    Later {
        reason: String,
        /// The least time to wait, if the server said one.
        wait: Option<Duration>,
    },
    /// It will never take it.
    Refused { reason: String },
    /// It took all but some.
    Rejected { spans: usize, reason: String },
}

impl Answer {
    pub(super) fn later(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            wait: None,
        }
    }

    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }

    /// Of an `ExportTraceServiceResponse`. One that can not be read was still sent by a server that called the
    /// request a success.
    pub(super) fn from_response(body: &[u8]) -> Self {
        let (mut rejected, mut message) = (0, &[][..]);
        let mut response = Reader::new(body);
        let mut malformed = false;
        while let Some(field) = response.next() {
            // ExportTraceServiceResponse.partial_success
            let (1, Field::Bytes(partial_success)) = field else {
                continue;
            };
            let mut partial_success = Reader::new(partial_success);
            while let Some(field) = partial_success.next() {
                match field {
                    (1, Field::Varint(spans)) => rejected = spans.cast_signed(),
                    (2, Field::Bytes(text)) => message = text,
                    _ => {}
                }
            }
            malformed |= partial_success.is_malformed();
        }
        if malformed || response.is_malformed() {
            return Self::Accepted {
                warning: Some("the body of the answer is no OTLP".to_owned()),
            };
        }
        Self::of_success(rejected, message)
    }

    /// The same of one in JSON.
    pub(super) fn from_json(body: &[u8]) -> Self {
        const REJECTED: [&str; 3] = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];

        let body = match body.trim_ascii() {
            [] => b"{}",
            body => body,
        };
        let Ok(response) = serde_json::from_slice::<Value>(body) else {
            return Self::Accepted {
                warning: Some("the body of the answer is no JSON".to_owned()),
            };
        };
        let partial_success = &response["partialSuccess"];
        let rejected = REJECTED.iter().find_map(|name| {
            let number = &partial_success[name];
            let text = || number.as_str().and_then(|text| text.parse().ok());
            number.as_i64().or_else(text)
        });
        let message = partial_success["errorMessage"].as_str();
        Self::of_success(
            rejected.unwrap_or_default(),
            message.unwrap_or_default().as_bytes(),
        )
    }

    fn of_success(rejected: i64, message: &[u8]) -> Self {
        match usize::try_from(rejected) {
            Ok(spans @ 1..) => Self::Rejected {
                spans,
                reason: excerpt(message),
            },
            _ => Self::Accepted {
                warning: (!message.is_empty()).then(|| excerpt(message)),
            },
        }
    }
}

/// A `google.rpc.Status`, as far as it says something to us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RpcStatus {
    pub(super) message: String,
    /// Of a `google.rpc.RetryInfo` among the details.
    pub(super) retry_delay: Option<Duration>,
}

impl RpcStatus {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut status = Self::default();
        let mut reader = Reader::new(bytes);
        while let Some(field) = reader.next() {
            match field {
                (2, Field::Bytes(message)) => status.message = excerpt(message),
                (3, Field::Bytes(detail)) => {
                    status.retry_delay = retry_info(detail).or(status.retry_delay);
                }
                _ => {}
            }
        }
        (!reader.is_malformed()).then_some(status)
    }
}

/// The delay of a `RetryInfo` in a `google.protobuf.Any`; zero if it names none.
fn retry_info(any: &[u8]) -> Option<Duration> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut reader = Reader::new(any);
    while let Some(field) = reader.next() {
        match field {
            (1, Field::Bytes(bytes)) => name = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    if !name.ends_with(b"/google.rpc.RetryInfo") {
        return None;
    }
    let mut delay = Duration::ZERO;
    let mut reader = Reader::new(value);
    while let Some(field) = reader.next() {
        if let (1, Field::Bytes(bytes)) = field {
            delay = duration(bytes);
        }
    }
    (!reader.is_malformed()).then_some(delay.min(LONGEST))
}

/// A `google.protobuf.Duration`; zero if it is negative.
fn duration(bytes: &[u8]) -> Duration {
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.next() {
        match field {
            (1, Field::Varint(number)) => {
                seconds = u64::try_from(number.cast_signed()).unwrap_or(0);
            }
            (2, Field::Varint(number)) => nanos = u32::try_from(number).unwrap_or(0),
            _ => {}
        }
    }
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into()))
}

/// The first 200 characters of what a server said.
pub(super) fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(200).collect()
}

#[cfg(test)]
mod tests;
