use super::define::attributes;

/// The name of the span event that carries the `exception.*` attributes.
pub const EXCEPTION_EVENT: &str = "exception";

attributes! {
    /// What class of error ended the operation: few distinct values, [`OTHER`](super::OTHER) as the last resort.
    ///
    /// Conditionally required: when the operation failed, and only then. Examples: `timeout`, `500`.
    const ERROR_TYPE: Key<str> = "error.type", Stable;

    /// The type of an exception.
    ///
    /// On an `exception` event: required if there is no message. Example: `std::io::Error`.
    const EXCEPTION_TYPE: Key<str> = "exception.type", Stable;

    /// The text of an exception.
    ///
    /// On an `exception` event: required if there is no type. Example: `connection refused`.
    const EXCEPTION_MESSAGE: Key<str> = "exception.message", Stable;

    /// The backtrace of an exception, as the language prints it.
    ///
    /// On an `exception` event: recommended.
    const EXCEPTION_STACKTRACE: Key<str> = "exception.stacktrace", Stable;
}
