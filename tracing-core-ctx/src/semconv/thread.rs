use super::define::attributes;

attributes! {
    /// The thread's id as the language runtime counts, not that of the operating system.
    ///
    /// Optional on any span. Example: `42`.
    const THREAD_ID: Key<i64> = "thread.id", Development;

    /// The thread's name.
    ///
    /// Optional on any span. Example: `tokio-runtime-worker`.
    const THREAD_NAME: Key<str> = "thread.name", Development;
}
