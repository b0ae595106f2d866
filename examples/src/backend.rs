//! Whether an operator has named a back end.

use std::env;

/// Whether the `OTEL_*` variables send spans anywhere. Programs that are run by hand, unlike services, send nothing to `localhost:4318`
/// unless somebody asks for it.
#[must_use]
pub fn is_named() -> bool {
    let value = |name| {
        env::var(name)
            .ok()
            .filter(|value: &String| !value.trim().is_empty())
    };
    let is_named = [
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ]
    .into_iter()
    .any(|name| value(name).is_some());
    let is_none = value("OTEL_TRACES_EXPORTER")
        .is_some_and(|exporter| exporter.trim().eq_ignore_ascii_case("none"));
    is_named && !is_none
}
