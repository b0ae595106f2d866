//! What was measured, on a page of OpenMetrics. Names are those of the conventions with `_` for the dots
//! ([Prometheus compatibility](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/)).

use super::family::{Active, Description, Metric, Reader, Series};
use super::histogram::Snapshot;
use super::labels::Label;
use crate::openmetrics::{Labels, Page};

impl Reader for Page {
    fn durations(&mut self, description: &'static Description, series: &[Series<'_, Snapshot>]) {
        let name = format!("{}_seconds", name(description.duration));
        let mut family = self.histogram(&name, description.help);
        for (labels, histogram) in series {
            family.buckets(&all(labels), histogram);
        }
    }

    fn active(&mut self, active: &'static Active, series: &[Series<'_, i64>]) {
        let name = name(active.name);
        let mut family = self.gauge(&name, active.help);
        for (labels, count) in series {
            family.integer(&all(labels), *count);
        }
    }

    fn total(&mut self, metric: &'static Metric, series: &[Series<'_, u64>]) {
        let name = name(metric.name);
        let mut family = self.counter(&name, metric.help);
        for (labels, count) in series {
            family.value(&all(labels), *count);
        }
    }

    fn last(&mut self, metric: &'static Metric, series: &[Series<'_, i64>]) {
        let name = name(metric.name);
        let mut family = self.gauge(&name, metric.help);
        for (labels, count) in series {
            family.integer(&all(labels), *count);
        }
    }
}

fn name(of_conventions: &str) -> String {
    of_conventions.replace('.', "_")
}

fn all(labels: &[Label<'_>]) -> Labels {
    labels
        .iter()
        .fold(Labels::default(), |all, Label { key, value }| {
            all.with(&name(key), &value.to_string())
        })
}
