use super::define::attributes;

attributes! {
    /// The function with its full path.
    ///
    /// Optional on any span, such as for the handler of an RPC. Example: `shop::orders::create`.
    const CODE_FUNCTION_NAME: Key<str> = "code.function.name", Stable;

    /// The source file.
    ///
    /// Optional on any span. Example: `src/orders.rs`.
    const CODE_FILE_PATH: Key<str> = "code.file.path", Stable;

    /// The line in [`CODE_FILE_PATH`].
    ///
    /// Optional on any span. Example: `42`.
    const CODE_LINE_NUMBER: Key<i64> = "code.line.number", Stable;

    /// The column in [`CODE_LINE_NUMBER`].
    ///
    /// Optional on any span. Example: `16`.
    const CODE_COLUMN_NUMBER: Key<i64> = "code.column.number", Stable;

    /// The stack at this point, as the language prints it.
    ///
    /// Optional on any span.
    const CODE_STACKTRACE: Key<str> = "code.stacktrace", Stable;
}
