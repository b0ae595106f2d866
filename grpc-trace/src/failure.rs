//! Errors of services and bodies as statuses of calls.

use std::error::Error;
use std::io;
use std::iter::successors;

use tonic::{Code, ConnectError, Status, TimeoutExpired, transport};
use tower_trace::exchange::Failure;
use tower_trace::policy::{cut, hook};
use tracing_core_ctx::semconv::error_type;

use crate::status::CallStatus;

/// How many causes of an error are looked at: an error may be its own cause.
const DEPTH: usize = 16;

/// The status that an error stands for.
///
/// What broke the transport says more than the status that tonic made of it: it calls a passed deadline `CANCELLED` and a lost
/// connection `UNKNOWN`.
pub(crate) fn status_of(failure: Failure<'_>) -> CallStatus {
    // Errors of strangers are asked for their text and their causes.
    hook::run(|| read(failure)).unwrap_or(CallStatus::of(Code::Unknown))
}

fn read(failure: Failure<'_>) -> CallStatus {
    let given = failure.downcast_ref::<Status>();
    let error: Option<&(dyn Error + 'static)> = match given {
        Some(status) => Some(status),
        None => match failure.downcast_ref::<transport::Error>() {
            Some(error) => Some(error),
            None => failure.as_error(),
        },
    };
    let status =
        error.and_then(|error| causes(error).find_map(|error| error.downcast_ref::<Status>()));
    // The innermost that says anything knows best.
    let code = error
        .and_then(|error| causes(error).filter_map(code_of).last())
        .or_else(|| (failure.error_type() == error_type::TIMEOUT).then_some(Code::DeadlineExceeded))
        .unwrap_or(Code::Unknown);
    let message = match status {
        Some(status) => cut(status.message()).to_owned(),
        None => error
            .map(|error| cut(&error.to_string()).to_owned())
            .unwrap_or_default(),
    };
    CallStatus { code, message }
}

/// The error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| cause(*error)).take(DEPTH)
}

/// What caused the error. An I/O error skips what it wraps and names the cause of that.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
        Some(Some(wrapped)) => Some(wrapped),
        _ => error.source(),
    }
}

fn code_of(error: &(dyn Error + 'static)) -> Option<Code> {
    if let Some(status) = error.downcast_ref::<Status>() {
        return Some(status.code());
    }
    if error.is::<TimeoutExpired>() {
        return Some(Code::DeadlineExceeded);
    }
    if error.is::<ConnectError>() || error.is::<io::Error>() {
        return Some(Code::Unavailable);
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return of_h2(error);
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    // hyper says `canceled` of a request that its connection did not take any more. A caller that gives up drops its call.
    let is_lost = error.is_timeout()
        || error.is_closed()
        || error.is_incomplete_message()
        || error.is_canceled();
    is_lost.then_some(Code::Unavailable)
}

/// What the reason of a reset stands for
/// ([gRPC over HTTP/2, errors](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors)).
fn of_h2(error: &h2::Error) -> Option<Code> {
    let Some(reason) = error.reason() else {
        return error.is_io().then_some(Code::Unavailable);
    };
    // A connection that goes away, without harm, before the call was done.
    if error.is_go_away() && reason == h2::Reason::NO_ERROR {
        return Some(Code::Unavailable);
    }
    Some(match reason {
        h2::Reason::NO_ERROR
        | h2::Reason::PROTOCOL_ERROR
        | h2::Reason::INTERNAL_ERROR
        | h2::Reason::FLOW_CONTROL_ERROR
        | h2::Reason::SETTINGS_TIMEOUT
        | h2::Reason::FRAME_SIZE_ERROR
        | h2::Reason::COMPRESSION_ERROR
        | h2::Reason::CONNECT_ERROR => Code::Internal,
        h2::Reason::REFUSED_STREAM => Code::Unavailable,
        h2::Reason::CANCEL => Code::Cancelled,
        h2::Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        h2::Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Unknown,
    })
}

#[cfg(test)]
mod tests;
