//! Names of variables that are misspelt: nobody would ask for them, so they are looked for.

use std::fmt;

/// What this project reads, other than for OTLP.
const READ: [&str; 23] = [
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_CONFIG_FILE",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOG_LEVEL",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    "OTEL_SERVICE_NAME",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
];

/// Each with the two prefixes of OTLP.
const OTLP_OPTIONS: [&str; 9] = [
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "COMPRESSION",
    "ENDPOINT",
    "HEADERS",
    "INSECURE",
    "PROTOCOL",
    "TIMEOUT",
];
const OTLP: [&str; 2] = ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"];

/// Variables of the specification that this project has no use for, as far as they look like one that it has.
const OTHERS: [&str; 5] = [
    "OTEL_ENTITIES",
    // Names from before 1.0 that exporters may still heed.
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
    "OTEL_LOGS_EXPORTER",
    "OTEL_METRICS_EXPORTER",
];

/// What begins like this belongs to other signals, to other exporters, or to what is being tried out.
const OTHER_FAMILIES: [&str; 11] = [
    "OTEL_BLRP_",
    "OTEL_EXPERIMENTAL_",
    "OTEL_EXPORTER_JAEGER_",
    "OTEL_EXPORTER_OTLP_LOGS_",
    "OTEL_EXPORTER_OTLP_METRICS_",
    "OTEL_EXPORTER_OTLP_PROFILES_",
    "OTEL_EXPORTER_PROMETHEUS_",
    "OTEL_EXPORTER_ZIPKIN_",
    "OTEL_LOGRECORD_",
    "OTEL_METRIC_",
    "OTEL_METRICS_",
];

/// All names that begin like this are in the lists.
const FAMILIES: [&str; 3] = ["OTEL_BSP_", "OTEL_EXPORTER_OTLP_", "OTEL_TRACES_"];

/// As many letters may be missing, wrong or too many outside of the families.
const NEAR: usize = 2;

/// A name that nobody reads, and the one that is probably meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misspelt {
    name: String,
    nearest: String,
}

impl fmt::Display for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, nearest } = self;
        write!(
            f,
            "{name} is not a known variable and is ignored; the nearest name that is read is {nearest}"
        )
    }
}

/// Those of the names that are nearly one that is read. Each is told once, in the order of the alphabet.
pub(super) fn misspelt(names: impl IntoIterator<Item = String>) -> Vec<Misspelt> {
    let mut names: Vec<String> = names.into_iter().filter(|name| is_unknown(name)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(with_nearest).collect()
}

fn is_unknown(name: &str) -> bool {
    // So that the distance is not calculated for texts of any length.
    const LONGEST: usize = 64;

    let begins = |prefix: &&str| name.starts_with(*prefix);
    name.starts_with("OTEL_")
        && name.len() <= LONGEST
        && !OTHER_FAMILIES.iter().any(begins)
        && !OTHERS.contains(&name)
        && !read().any(|known| known == name)
}

/// In a family there is always one that is meant; elsewhere it must be near.
fn with_nearest(name: String) -> Option<Misspelt> {
    let family = FAMILIES.iter().find(|family| name.starts_with(**family));
    let (_, nearest) = read()
        .map(|known| (distance(&name, &known), known))
        .filter(|(distance, known)| {
            *distance <= NEAR || family.is_some_and(|family| known.starts_with(family))
        })
        .min_by_key(|(distance, _)| *distance)?;
    Some(Misspelt { name, nearest })
}

/// The names of all variables that are read.
fn read() -> impl Iterator<Item = String> {
    let otlp = OTLP
        .iter()
        .flat_map(|prefix| OTLP_OPTIONS.map(|option| format!("{prefix}{option}")));
    READ.iter().map(|name| (*name).to_owned()).chain(otlp)
}

/// How many bytes must be put in, taken out or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // The distances from what was seen of `a` to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (seen, a) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], seen + 1);
        for (index, b) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
