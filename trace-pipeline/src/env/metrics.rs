use super::{Vars, otlp};
use crate::metrics::PushConfig;
use crate::otlp::Signal;

/// When and where metrics are sent
/// ([periodic exporting](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#periodic-exporting-metricreader)).
pub(super) fn read(vars: &Vars<'_>) -> PushConfig {
    const EXPORTER: &str = "OTEL_METRICS_EXPORTER";

    let mut config = PushConfig::new(otlp::read(vars, Signal::Metrics));
    if let Some(interval) = vars.millis("OTEL_METRIC_EXPORT_INTERVAL") {
        config = config.interval(interval);
    }
    if let Some(timeout) = vars.timeout("OTEL_METRIC_EXPORT_TIMEOUT") {
        config = config.timeout(timeout);
    }
    let is_sent = match vars.text(EXPORTER) {
        None => true,
        Some(names) => names
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .any(|name| match &*name {
                "otlp" => true,
                "" | "none" => false,
                _ => {
                    vars.warn(format_args!(
                        "{EXPORTER} names `{name}`, but should name otlp or none; it is left out"
                    ));
                    false
                }
            }),
    };
    if is_sent && vars.flag("OTEL_SDK_DISABLED") != Some(true) {
        config
    } else {
        config.off()
    }
}
