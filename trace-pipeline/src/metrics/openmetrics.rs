//! The page that Prometheus and others fetch
//! ([OpenMetrics 1.0](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md);
//! [names](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/)).

use std::fmt::Write as _;

use super::family::{Active, Description, Reader, Series};
use super::histogram::{BOUNDS, Exemplar, Snapshot};
use super::labels::Label;

/// A page that is being written. Writing to a string does not fail.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// With the mark of the end.
    pub(super) fn into_text(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

impl Reader for Page {
    fn durations(&mut self, description: &'static Description, series: &[Series<'_, Snapshot>]) {
        let (page, help) = (&mut self.0, description.help);
        let name = format!("{}_seconds", name(description.duration));
        let _ = write!(
            page,
            "# TYPE {name} histogram\n# UNIT {name} seconds\n# HELP {name} {help}\n"
        );
        for (labels, histogram) in series {
            let labels = pairs(labels);
            let comma = if labels.is_empty() { "" } else { "," };
            let bounds = BOUNDS.iter().map(|bound| format!("{bound:?}"));
            let bounds = bounds.chain(["+Inf".to_owned()]);
            let buckets = histogram.buckets.iter().zip(&histogram.exemplars);
            let mut count = 0;
            for (bound, (bucket, exemplar)) in bounds.zip(buckets) {
                count += bucket;
                let _ = write!(
                    page,
                    "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"
                );
                if let Some(exemplar) = exemplar {
                    write_exemplar(page, exemplar);
                }
                page.push('\n');
            }
            let sum = histogram.sum;
            let _ = writeln!(page, "{name}_sum{{{labels}}} {sum:?}");
            let _ = writeln!(page, "{name}_count{{{labels}}} {count}");
        }
    }

    fn active(&mut self, active: &'static Active, series: &[Series<'_, i64>]) {
        let (page, help, name) = (&mut self.0, active.help, name(active.name));
        let _ = write!(page, "# TYPE {name} gauge\n# HELP {name} {help}\n");
        for (labels, count) in series {
            let _ = writeln!(page, "{name}{{{}}} {count}", pairs(labels));
        }
    }
}

/// Its time is in seconds since the epoch, as the format has it.
fn write_exemplar(page: &mut String, exemplar: &Exemplar) {
    let Exemplar {
        seconds,
        time,
        trace_id,
        span_id,
    } = exemplar;
    let millis = time.as_unix_nanos() / 1_000_000;
    let (whole, millis) = (millis / 1000, millis % 1000);
    let _ = write!(
        page,
        " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {seconds:?} {whole}.{millis:03}"
    );
}

fn name(of_conventions: &str) -> String {
    of_conventions.replace('.', "_")
}

/// What stands between the braces.
fn pairs(labels: &[Label<'_>]) -> String {
    let pair = |Label { key, value }: &Label<'_>| {
        let value = value
            .to_string()
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{}=\"{value}\"", name(key))
    };
    labels.iter().map(pair).collect::<Vec<_>>().join(",")
}
