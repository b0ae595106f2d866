//! Names of this project, for facts that OpenTelemetry has no name for. They are not part of its conventions, and keep
//! out of its namespaces.

use super::define::{attributes, values};

attributes! {
    /// That an exchange ended in another way than by its response: one of [`ctx_outcome`]. Not an OpenTelemetry name.
    ///
    /// Only when one applies; the status stays unset, since neither is a failure. Example: `cancelled`.
    const CTX_OUTCOME: Key<str> = "ctx.outcome", Own;

    /// That the error of an `exception` event was handled, so that the operation did not fail. Not an OpenTelemetry name.
    ///
    /// On `exception` events, only when true.
    const CTX_HANDLED: Key<bool> = "ctx.handled", Own;
}

values! {
    /// The values of [`CTX_OUTCOME`].
    pub mod ctx_outcome {
        /// The caller went away, or dropped the future or the body, before the end.
        const CANCELLED = "cancelled";
        /// The connection became something else (status 101, or `CONNECT`).
        const UPGRADED = "upgraded";
    }
}
