use std::cell::RefCell;

use proptest::prelude::*;

use super::*;

/// The nearest name for each that is misspelt.
fn nearest(names: &[&str]) -> Vec<String> {
    misspelt(names.iter().map(|name| (*name).to_owned()))
        .into_iter()
        .map(|misspelt| misspelt.nearest)
        .collect()
}

#[test]
fn a_name_that_is_nearly_known_is_told_with_the_one_that_is_read() {
    for (name, expected) in [
        ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("OTEL_EXPORTER_OTLP_ENDPONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (
            "OTEL_EXPORTER_OTLP_TRACE_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        ("OTEL_EXPORTER_OTPL_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("OTEL_PROPAGATOR", "OTEL_PROPAGATORS"),
        // Further away, but nobody else's.
        ("OTEL_BSP_DELAY", "OTEL_BSP_SCHEDULE_DELAY"),
        ("OTEL_TRACES_SAMPLER_ARGUMENT", "OTEL_TRACES_SAMPLER_ARG"),
    ] {
        assert_eq!(nearest(&[name]), [expected], "{name}");
    }
    let told = misspelt(["OTEL_TRACE_SAMPLER".to_owned()]);
    assert_eq!(
        told[0].to_string(),
        "OTEL_TRACE_SAMPLER is not a known variable and is ignored; the nearest name that is read is OTEL_TRACES_SAMPLER"
    );
}

#[test]
fn a_name_is_told_once() {
    let name = "OTEL_TRACE_SAMPLER";
    assert_eq!(nearest(&[name, "PATH", name]).len(), 1);
}

#[test]
fn names_of_others_are_not_told() {
    let long = format!("OTEL_TRACES_{}", "X".repeat(100_000));
    for name in [
        "PATH",
        "HOTEL_TRACES_SAMPLER",
        "OTEL_",
        "OTEL_BLRP_SCHEDULE_DELAY",
        "OTEL_ENTITIES",
        "OTEL_EXPERIMENTAL_CONFIG_FILE",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "OTEL_JAVAAGENT_ENABLED",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LOGS_EXPORTER",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_PYTHON_LOG_CORRELATION",
        &long,
    ] {
        assert!(nearest(&[name]).is_empty(), "{name}");
    }
}

#[test]
fn every_variable_that_is_asked_for_is_known() {
    let asked = RefCell::new(Vec::new());
    let _ = super::super::builder(&|name| {
        asked.borrow_mut().push(name.to_owned());
        (name == "OTEL_TRACES_SAMPLER").then(|| "traceidratio".to_owned())
    });
    let asked = asked.into_inner();
    assert!(asked.len() > 20, "{asked:?}");
    for name in asked {
        assert!(read().any(|known| known == name), "{name}");
    }
}

#[test]
fn distances_count_letters() {
    for (a, b, expected) in [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("abc", "ac", 1),
        ("abc", "acb", 2),
        ("kitten", "sitting", 3),
    ] {
        assert_eq!(distance(a, b), expected, "{a} {b}");
    }
}

proptest! {
    #[test]
    fn distances_are_a_metric(a in "[ab]{0,8}", b in "[ab]{0,8}", c in "[ab]{0,8}") {
        prop_assert_eq!(distance(&a, &b), distance(&b, &a));
        prop_assert_eq!(distance(&a, &b) == 0, a == b);
        prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
    }

    #[test]
    fn any_names_are_taken(names in prop::collection::vec("(OTEL_)?\\PC{0,70}", 0..4)) {
        let _ = misspelt(names);
    }
}
