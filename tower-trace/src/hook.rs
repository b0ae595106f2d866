use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a closure of the user. If it panics, the request must go on: the panic is reported by the panic hook and otherwise
/// taken as no answer.
pub(crate) fn run<R>(hook: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(hook)).ok()
}
