//! The page that Prometheus and others fetch: families of metrics, their labels, their values
//! ([OpenMetrics 1.0](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md)).

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::metrics::{Exemplar, Snapshot};

/// A page that is being written.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

/// A family of metrics on a page, to which values are added.
pub(crate) struct Family<'a> {
    page: &'a mut String,
    name: &'a str,
    suffix: &'static str,
}

/// Names and values, written as they stand between braces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(String);

impl Labels {
    /// The same with one more.
    #[must_use]
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut text = self.0.clone();
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
        Self(text)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "{{{}}}", self.0)
        }
    }
}

impl Page {
    pub(crate) fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", "", help, "_total")
    }

    pub(crate) fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", "", help, "")
    }

    /// A counter of something that `name` ends with.
    pub(crate) fn unit_counter<'a>(
        &'a mut self,
        name: &'a str,
        unit: &str,
        help: &str,
    ) -> Family<'a> {
        self.family(name, "counter", unit, help, "_total")
    }

    /// The same of a gauge.
    pub(crate) fn unit_gauge<'a>(
        &'a mut self,
        name: &'a str,
        unit: &str,
        help: &str,
    ) -> Family<'a> {
        self.family(name, "gauge", unit, help, "")
    }

    /// A histogram of seconds, to which series are added.
    pub(crate) fn histogram<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "histogram", "seconds", help, "")
    }

    fn family<'a>(
        &'a mut self,
        name: &'a str,
        kind: &str,
        unit: &str,
        help: &str,
        suffix: &'static str,
    ) -> Family<'a> {
        let page = &mut self.0;
        let _ = writeln!(page, "# TYPE {name} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(page, "# UNIT {name} {unit}");
        }
        let _ = writeln!(page, "# HELP {name} {help}");
        Family { page, name, suffix }
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

impl Family<'_> {
    pub(crate) fn value(&mut self, labels: &Labels, value: u64) {
        self.write(labels, format_args!("{value}"));
    }

    /// The same of what may be below zero.
    pub(crate) fn integer(&mut self, labels: &Labels, value: i64) {
        self.write(labels, format_args!("{value}"));
    }

    pub(crate) fn number(&mut self, labels: &Labels, value: f64) {
        self.write(labels, format_args!("{value:?}"));
    }

    pub(crate) fn seconds(&mut self, labels: &Labels, value: Duration) {
        self.number(labels, value.as_secs_f64());
    }

    pub(crate) fn buckets(&mut self, labels: &Labels, snapshot: &Snapshot) {
        let Self { page, name, .. } = self;
        let bounds = snapshot.bounds.iter().map(|bound| format!("{bound:?}"));
        let bounds = bounds.chain(["+Inf".to_owned()]);
        let buckets = snapshot.buckets.iter().zip(&snapshot.exemplars);
        let mut count = 0;
        for (bound, (bucket, exemplar)) in bounds.zip(buckets) {
            count += bucket;
            let _ = write!(page, "{name}_bucket{} {count}", labels.with("le", &bound));
            if let Some(exemplar) = exemplar {
                write_exemplar(page, exemplar);
            }
            page.push('\n');
        }
        let sum = snapshot.sum;
        let _ = writeln!(
            page,
            "{name}_count{labels} {count}\n{name}_sum{labels} {sum:?}"
        );
    }

    fn write(&mut self, labels: &Labels, value: fmt::Arguments<'_>) {
        let Self { page, name, suffix } = self;
        let _ = writeln!(page, "{name}{suffix}{labels} {value}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_the_specification_shows() {
        let mut page = Page::default();
        let labels = Labels::default().with("a", "say \"hi\"\\\n").with("b", "2");
        page.unit_counter("x_seconds", "seconds", "Time.")
            .seconds(&labels, Duration::from_millis(1500));
        page.gauge("y", "Things.").value(&Labels::default(), 3);
        let expected = "# TYPE x_seconds counter\n# UNIT x_seconds seconds\n# HELP x_seconds Time.\n\
                        x_seconds_total{a=\"say \\\"hi\\\"\\\\\\n\",b=\"2\"} 1.5\n\
                        # TYPE y gauge\n# HELP y Things.\ny 3\n# EOF\n";
        assert_eq!(page.end(), expected);
    }
}
