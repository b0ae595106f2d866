use super::{Vars, otlp};
use crate::logs::LogsConfig;
use crate::otlp::Signal;

/// When and where logs are sent
/// ([batch log record processor](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#batch-logrecord-processor)).
pub(super) fn read(vars: &Vars<'_>) -> LogsConfig {
    let mut config = LogsConfig::new(otlp::read(vars, Signal::Logs));
    if let Some(delay) = vars.millis("OTEL_BLRP_SCHEDULE_DELAY") {
        config = config.delay(delay);
    }
    if let Some(timeout) = vars.timeout("OTEL_BLRP_EXPORT_TIMEOUT") {
        config = config.timeout(timeout);
    }
    if let Some(records) = vars.positive("OTEL_BLRP_MAX_QUEUE_SIZE") {
        config = config.queue(records);
    }
    if let Some(records) = vars.positive("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE") {
        config = config.batch(records);
    }
    if vars.is_sent_by_otlp("OTEL_LOGS_EXPORTER") {
        config
    } else {
        config.off()
    }
}
