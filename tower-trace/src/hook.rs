use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_core_ctx::SpanRef;

use crate::head::{RequestHead, ResponseHead};

/// Says which requests are traced.
pub type FilterFn = dyn Fn(RequestHead<'_>) -> bool + Send + Sync;
/// Describes a span further from the request.
pub type OnRequestFn = dyn Fn(RequestHead<'_>, &SpanRef) + Send + Sync;
/// Describes a span further from the response.
pub type OnResponseFn = dyn Fn(ResponseHead<'_>, &SpanRef) + Send + Sync;

/// Runs a closure of the user. If it panics, the request must go on: the panic is reported by the panic hook and otherwise
/// taken as no answer.
pub fn run<R>(hook: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(hook)).ok()
}

/// Whether a request is traced: all are, where there is no filter or where it gives no answer.
#[must_use]
pub fn admits(filter: Option<&FilterFn>, head: RequestHead<'_>) -> bool {
    filter.is_none_or(|filter| run(|| filter(head)).unwrap_or(true))
}
