//! Metrics as an `ExportMetricsServiceRequest`
//! ([opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto), `metrics/v1/metrics.proto`).

use tracing_core_ctx::{InstrumentationScope, Resource, Timestamp, semconv};

use super::super::protobuf::{Output, Writer};
use super::{PART, resource};
use crate::metrics::{
    Active, Description, Exemplar, Label, LabelValue, Metric, Reader, Series, Snapshot,
};

/// Who measures.
static SCOPE: InstrumentationScope =
    InstrumentationScope::new("trace-pipeline", env!("CARGO_PKG_VERSION"));

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// When it was begun to measure, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) start: Timestamp,
    pub(crate) now: Timestamp,
}

impl Interval {
    fn write(self, writer: Writer<'_>) -> Writer<'_> {
        writer
            .fixed64(2, self.start.as_unix_nanos())
            .fixed64(3, self.now.as_unix_nanos())
    }
}

/// The bytes of a request with all that was measured.
pub(crate) fn encode_metrics(
    of: &Resource,
    interval: Interval,
    read: impl FnOnce(&mut dyn Reader),
) -> Vec<u8> {
    let mut output = Output::with_capacity(4096);
    // ExportMetricsServiceRequest.resource_metrics
    let resource_metrics = output.open(1, 4096);
    resource(&mut output, of);
    // ResourceMetrics.scope_metrics
    let scope_metrics = output.open(2, 4096);
    // ScopeMetrics.scope
    output.write(|writer| {
        writer.message(1, 0, |writer| {
            writer
                .bytes(1, SCOPE.name.as_bytes())
                .bytes(2, SCOPE.version.as_bytes())
        })
    });
    read(&mut Metrics {
        output: &mut output,
        interval,
    });
    // ScopeMetrics.schema_url
    output.write(|writer| writer.bytes(3, semconv::SCHEMA_URL.as_bytes()));
    output.close(scope_metrics);
    // ResourceMetrics.schema_url
    output.write(|writer| writer.bytes(3, semconv::SCHEMA_URL.as_bytes()));
    output.close(resource_metrics);
    output.into_bytes()
}

/// Writes metrics as they are read.
struct Metrics<'a> {
    output: &'a mut Output,
    interval: Interval,
}

impl Metrics<'_> {
    /// A `Metric`, whose `data` is in the field `of_type`.
    fn metric(
        &mut self,
        [name, help, unit]: [&str; 3],
        of_type: u8,
        data: impl FnOnce(&mut Output, Interval),
    ) {
        // ScopeMetrics.metrics
        let metric = self.output.open(2, 4096);
        self.output.write(|writer| {
            writer
                .bytes(1, name.as_bytes())
                .bytes(2, help.as_bytes())
                .bytes(3, unit.as_bytes())
        });
        let message = self.output.open(of_type, 4096);
        data(self.output, self.interval);
        self.output.close(message);
        self.output.close(metric);
    }
}

impl Reader for Metrics<'_> {
    fn durations(&mut self, description: &'static Description, series: &[Series<'_, Snapshot>]) {
        // Metric.histogram
        let texts = [description.duration, description.help, "s"];
        self.metric(texts, 9, |output, interval| {
            for (labels, histogram) in series {
                output.write(|writer| {
                    writer.message(1, PART * 4, |writer| {
                        histogram_point(writer, interval, labels, histogram)
                    })
                });
            }
            output.write(|writer| writer.uint(2, CUMULATIVE));
        });
    }

    fn active(&mut self, active: &'static Active, series: &[Series<'_, i64>]) {
        // Metric.sum, which is not monotonic.
        let texts = [active.name, active.help, "{request}"];
        self.metric(texts, 7, |output, interval| {
            numbers(output, interval, series, |count| count.cast_unsigned());
            output.write(|writer| writer.uint(2, CUMULATIVE));
        });
    }

    fn total(&mut self, metric: &'static Metric, series: &[Series<'_, u64>]) {
        // Metric.sum, which is monotonic.
        let texts = [metric.name, metric.help, metric.unit];
        self.metric(texts, 7, |output, interval| {
            numbers(output, interval, series, |count| *count);
            output.write(|writer| writer.uint(2, CUMULATIVE).uint(3, 1));
        });
    }

    fn last(&mut self, metric: &'static Metric, series: &[Series<'_, i64>]) {
        // Metric.gauge
        let texts = [metric.name, metric.help, metric.unit];
        self.metric(texts, 5, |output, interval| {
            numbers(output, interval, series, |number| number.cast_unsigned());
        });
    }
}

/// Messages `NumberDataPoint`.
fn numbers<T>(
    output: &mut Output,
    interval: Interval,
    series: &[Series<'_, T>],
    bits: impl Fn(&T) -> u64,
) {
    for (labels, number) in series {
        output.write(|writer| {
            writer.message(1, PART, |writer| {
                let writer = interval.write(writer).fixed64_always(6, bits(number));
                attributes(writer, 7, labels)
            })
        });
    }
}

/// A `HistogramDataPoint`.
fn histogram_point<'a>(
    writer: Writer<'a>,
    interval: Interval,
    labels: &[Label<'_>],
    histogram: &Snapshot,
) -> Writer<'a> {
    let writer = interval
        .write(writer)
        .fixed64_always(4, histogram.count())
        .fixed64_always(5, histogram.sum.to_bits());
    let writer = packed(writer, 6, histogram.buckets.iter().copied());
    let writer = packed(
        writer,
        7,
        histogram.bounds.iter().map(|bound| bound.to_bits()),
    );
    let exemplars = histogram.exemplars.iter().flatten();
    let writer = exemplars.fold(writer, |writer, one| {
        writer.message(8, 0, |writer| exemplar(writer, one))
    });
    attributes(writer, 9, labels)
}

/// Numbers of eight bytes, one after the other.
fn packed(writer: Writer<'_>, field: u8, numbers: impl Iterator<Item = u64>) -> Writer<'_> {
    writer.message(field, PART, |writer| {
        numbers.fold(writer, |writer, number| writer.array(number.to_le_bytes()))
    })
}

fn exemplar<'a>(writer: Writer<'a>, exemplar: &Exemplar) -> Writer<'a> {
    writer
        .fixed64(2, exemplar.time.as_unix_nanos())
        .fixed64_always(3, exemplar.seconds.to_bits())
        .bytes(4, &exemplar.span_id.to_bytes())
        .bytes(5, &exemplar.trace_id.to_bytes())
}

/// Messages `KeyValue`.
fn attributes<'a>(writer: Writer<'a>, field: u8, labels: &[Label<'_>]) -> Writer<'a> {
    labels.iter().fold(writer, |writer, label| {
        writer.message(field, 0, |writer| {
            writer
                .bytes(1, label.key.as_bytes())
                .message(2, 0, |writer| match label.value {
                    LabelValue::Str(text) => writer.bytes_always(1, text.as_bytes()),
                    LabelValue::Bool(flag) => writer.uint_always(2, flag.into()),
                    LabelValue::Int(number) => writer.uint_always(3, number.cast_unsigned()),
                })
        })
    })
}
