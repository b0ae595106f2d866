//! The text format: families of metrics, their labels, their values.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::metrics::{BOUNDS, Snapshot};

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page(String);

/// A family of metrics on a page, to which values are added.
pub(super) struct Family<'a> {
    page: &'a mut String,
    name: &'a str,
    suffix: &'static str,
}

/// Names and values, written as they stand between braces.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(String);

impl Labels {
    /// The same with one more.
    #[must_use]
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
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
    pub(super) fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", "", help, "_total")
    }

    pub(super) fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", "", help, "")
    }

    /// A counter of something that `name` ends with.
    pub(super) fn unit_counter<'a>(
        &'a mut self,
        name: &'a str,
        unit: &str,
        help: &str,
    ) -> Family<'a> {
        self.family(name, "counter", unit, help, "_total")
    }

    /// The same of a gauge.
    pub(super) fn unit_gauge<'a>(
        &'a mut self,
        name: &'a str,
        unit: &str,
        help: &str,
    ) -> Family<'a> {
        self.family(name, "gauge", unit, help, "")
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &Labels,
        snapshot: &Snapshot,
    ) {
        let Family { page, .. } = self.family(name, "histogram", "seconds", help, "");
        let mut count = 0;
        for (bucket, of_bucket) in snapshot.buckets.iter().enumerate() {
            count += of_bucket;
            let bound = BOUNDS.get(bucket);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
            let labels = labels.with("le", &bound);
            let _ = writeln!(page, "{name}_bucket{labels} {count}");
        }
        let sum = snapshot.sum;
        let _ = writeln!(
            page,
            "{name}_count{labels} {count}\n{name}_sum{labels} {sum:?}"
        );
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

    pub(super) fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

impl Family<'_> {
    pub(super) fn value(&mut self, labels: &Labels, value: u64) {
        self.write(labels, format_args!("{value}"));
    }

    pub(super) fn number(&mut self, labels: &Labels, value: f64) {
        self.write(labels, format_args!("{value:?}"));
    }

    pub(super) fn seconds(&mut self, labels: &Labels, value: Duration) {
        self.number(labels, value.as_secs_f64());
    }

    fn write(&mut self, labels: &Labels, value: fmt::Arguments<'_>) {
        let Self { page, name, suffix } = self;
        let _ = writeln!(page, "{name}{suffix}{labels} {value}");
    }
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
