//! The page that Prometheus and others fetch
//! ([OpenMetrics 1.0](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md);
//! [names](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/)).

use std::fmt::{self, Write as _};

use super::family::Family;
use super::histogram::{BOUNDS, BUCKETS, Exemplar};
use super::labels::Label;

/// Writes all families, and the mark of the end.
pub(super) fn page(families: &[Family]) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = families
        .iter()
        .try_for_each(|family| write_family(&mut page, family));
    page.push_str("# EOF\n");
    page
}

fn write_family(page: &mut String, family: &Family) -> fmt::Result {
    let description = family.description;
    let name = format!("{}_seconds", name(description.duration));
    let mut head = Some(format!(
        "# TYPE {name} histogram\n# UNIT {name} seconds\n# HELP {name} {}\n",
        description.help
    ));
    family.each_duration(|labels, histogram| {
        page.push_str(&head.take().unwrap_or_default());
        let labels = pairs(labels);
        let mut count = 0;
        for bucket in 0..BUCKETS {
            count += histogram.buckets[bucket];
            let _ = write!(page, "{name}_bucket{{{labels}");
            if !labels.is_empty() {
                page.push(',');
            }
            let _ = match BOUNDS.get(bucket) {
                Some(bound) => write!(page, "le=\"{bound:?}\"}} {count}"),
                None => write!(page, "le=\"+Inf\"}} {count}"),
            };
            if let Some(exemplar) = &histogram.exemplars[bucket] {
                let _ = write_exemplar(page, exemplar);
            }
            page.push('\n');
        }
        let sum = histogram.sum;
        let _ = write!(
            page,
            "{name}_sum{{{labels}}} {sum:?}\n{name}_count{{{labels}}} {count}\n"
        );
    });
    let Some(active) = &description.active else {
        return Ok(());
    };
    let name = self::name(active.name);
    let mut head = Some(format!(
        "# TYPE {name} gauge\n# HELP {name} {}\n",
        active.help
    ));
    family.each_active(|labels, count| {
        page.push_str(&head.take().unwrap_or_default());
        let _ = writeln!(page, "{name}{{{}}} {count}", pairs(labels));
    });
    Ok(())
}

/// In seconds since the epoch, as the format has it.
fn write_exemplar(page: &mut String, exemplar: &Exemplar) -> fmt::Result {
    let Exemplar {
        seconds,
        time,
        trace_id,
        span_id,
    } = exemplar;
    let nanos = time.as_unix_nanos();
    let (whole, millis) = (nanos / 1_000_000_000, nanos / 1_000_000 % 1000);
    write!(
        page,
        " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {seconds:?} {whole}.{millis:03}"
    )
}

fn name(of_conventions: &str) -> String {
    of_conventions.replace('.', "_")
}

/// The labels between the braces.
fn pairs(labels: &[Label<'_>]) -> String {
    let mut text = String::new();
    for (index, Label { key, value }) in labels.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let value = value
            .to_string()
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = write!(text, "{}=\"{value}\"", name(key));
    }
    text
}
