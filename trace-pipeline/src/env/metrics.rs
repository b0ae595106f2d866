use super::{Vars, otlp};
use crate::metrics::PushConfig;
use crate::otlp::Signal;

/// When and where metrics are sent
/// ([periodic exporting](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#periodic-exporting-metricreader)).
pub(super) fn read(vars: &Vars<'_>) -> PushConfig {
    let mut config = PushConfig::new(otlp::read(vars, Signal::Metrics));
    if let Some(interval) = vars.millis("OTEL_METRIC_EXPORT_INTERVAL") {
        config = config.interval(interval);
    }
    if let Some(timeout) = vars.timeout("OTEL_METRIC_EXPORT_TIMEOUT") {
        config = config.timeout(timeout);
    }
    if vars.is_sent_by_otlp("OTEL_METRICS_EXPORTER") {
        config
    } else {
        config.off()
    }
}
