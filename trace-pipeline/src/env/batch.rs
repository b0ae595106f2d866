use super::Vars;
use crate::builder::PipelineBuilder;

pub(super) fn read(vars: &Vars<'_>, builder: &mut PipelineBuilder) {
    const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";

    if let Some(delay) = vars.millis("OTEL_BSP_SCHEDULE_DELAY") {
        builder.schedule_delay = Some(delay);
    }
    if let Some(timeout) = vars.timeout("OTEL_BSP_EXPORT_TIMEOUT") {
        builder.export_timeout = timeout;
    }
    let bounds = &mut builder.bounds;
    if let Some(spans) = vars.positive(QUEUE) {
        bounds.spans = spans;
    }
    if let Some(spans) = vars.positive(BATCH) {
        bounds.batch_spans = spans;
    }
    if bounds.batch_spans > bounds.spans {
        // A batch that is never full would only be sent when the delay is over.
        if vars.text(BATCH).is_some() {
            vars.warn(format_args!(
                "{BATCH} is {}, but should not be over {QUEUE}; {} is used",
                bounds.batch_spans, bounds.spans
            ));
        }
        bounds.batch_spans = bounds.spans;
    }
}
