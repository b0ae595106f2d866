use super::define::{attributes, values};

/// The name of the span event that carries the `exception.*` attributes.
pub const EXCEPTION_EVENT: &str = "exception";

attributes! {
    /// What class of error ended the operation: few distinct values, such as those of [`error_type`].
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

values! {
    /// Values of [`ERROR_TYPE`]. Only `OTHER` is listed by the conventions; the rest is what this project says where
    /// there is neither a status code nor the type of an error.
    pub mod error_type or OTHER {
        /// No connection came about.
        const CONNECT = "connect";
        /// The code panicked.
        const PANIC = "panic";
        /// It took too long.
        const TIMEOUT = "timeout";
    }
}
