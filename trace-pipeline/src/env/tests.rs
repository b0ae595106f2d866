use std::time::Duration;

use tracing_core_ctx::Status;

use super::*;

/// A builder with these variables set, and what is wrong with them.
fn with(vars: &[(&str, &str)]) -> PipelineBuilder {
    builder(&|name| {
        vars.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

/// Like `with`, where nothing may be wrong.
fn fine(vars: &[(&str, &str)]) -> PipelineBuilder {
    let builder = with(vars);
    assert!(builder.warnings().is_empty(), "{:?}", builder.warnings());
    builder
}

/// The one warning about these variables.
fn warning(vars: &[(&str, &str)]) -> String {
    let builder = with(vars);
    let [warning] = builder.warnings() else {
        panic!("{:?}", builder.warnings())
    };
    warning.clone()
}

#[test]
fn an_empty_variable_is_unset() {
    const NAMES: [&str; 20] = [
        "OTEL_CONFIG_FILE",
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_INSECURE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ];
    let empty: Vec<(&str, &str)> = NAMES.iter().map(|name| (*name, " ")).collect();
    assert_eq!(format!("{:?}", fine(&empty)), format!("{:?}", fine(&[])));
}

#[test]
fn only_true_is_true() {
    for (value, disabled) in [
        ("true", true),
        ("TRUE", true),
        ("false", false),
        ("False", false),
    ] {
        assert_eq!(
            fine(&[("OTEL_SDK_DISABLED", value)]).disabled,
            disabled,
            "{value}"
        );
    }
    for value in ["1", "yes", "on"] {
        let vars = [("OTEL_SDK_DISABLED", value)];
        assert!(!with(&vars).disabled);
        assert!(warning(&vars).contains(value));
    }
}

#[test]
fn the_service_name_has_its_own_variable_which_wins() {
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=a,service.version=1%2C0",
    );
    let resource = |builder: PipelineBuilder| {
        let pipeline = builder
            .exporter(crate::exporter::InMemory::default())
            .build()
            .unwrap();
        pipeline.tracer().resource().clone()
    };
    let from_attributes = resource(fine(&[attributes]));
    assert_eq!(from_attributes.service_name(), "a");
    assert_eq!(
        from_attributes
            .attributes()
            .get("service.version")
            .unwrap()
            .as_str(),
        Some("1,0")
    );
    let named = resource(fine(&[attributes, ("OTEL_SERVICE_NAME", "b")]));
    assert_eq!(named.service_name(), "b");
    let coded = resource(
        fine(&[attributes, ("OTEL_SERVICE_NAME", "b")])
            .service("c")
            .attribute("service.version", "2"),
    );
    assert_eq!(coded.service_name(), "c");
    assert_eq!(
        coded.attributes().get("service.version").unwrap().as_str(),
        Some("2")
    );
    let nameless = resource(fine(&[]));
    assert!(
        nameless.service_name().starts_with("unknown_service:"),
        "{}",
        nameless.service_name()
    );
    assert!(nameless.attributes().get("service.instance.id").is_some());
    let instance = ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine");
    assert_eq!(
        resource(fine(&[instance]))
            .attributes()
            .get("service.instance.id")
            .unwrap()
            .as_str(),
        Some("mine")
    );
}

#[test]
fn one_broken_member_discards_all_resource_attributes() {
    let vars = [("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%zz")];
    assert!(with(&vars).env_resource.attributes.is_empty());
    assert!(warning(&vars).contains("member 2"));
}

#[test]
fn samplers_have_the_names_of_the_specification() {
    let sampler = |vars: &[(&str, &str)]| format!("{:?}", fine(vars).tracer);
    for (name, argument, expected) in [
        ("always_on", "", "AlwaysOn"),
        ("always_off", "", "AlwaysOff"),
        ("ALWAYS_OFF", "", "AlwaysOff"),
        ("traceidratio", "0.25", "Probability { ratio: 0.25"),
        ("traceidratio", "", "Probability { ratio: 1.0"),
        ("parentbased_always_on", "", "ParentBased { root: AlwaysOn"),
        (
            "parentbased_always_off",
            "",
            "ParentBased { root: AlwaysOff",
        ),
        (
            "parentbased_traceidratio",
            "0.5",
            "ParentBased { root: Probability { ratio: 0.5",
        ),
    ] {
        let vars = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        let sampler = sampler(&vars);
        assert!(
            sampler.contains(&format!("sampler: {expected}")),
            "{name} {argument}: {sampler}"
        );
    }
}

#[test]
fn an_unknown_sampler_is_the_default_and_a_wrong_ratio_is_all() {
    for name in ["xray", "sometimes", "or"] {
        let vars = [("OTEL_TRACES_SAMPLER", name)];
        assert!(warning(&vars).starts_with(&format!("OTEL_TRACES_SAMPLER is `{name}`")));
        assert!(warning(&vars).ends_with("; parentbased_always_on it is"));
        assert_eq!(
            format!("{:?}", with(&vars).tracer),
            format!("{:?}", fine(&[]).tracer)
        );
    }
    for ratio in ["2", "-0.1", "half", "NaN"] {
        let vars = [
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ];
        assert!(warning(&vars).starts_with(&format!("OTEL_TRACES_SAMPLER_ARG is `{ratio}`")));
        assert!(warning(&vars).ends_with("; 1 it is"));
        assert!(format!("{:?}", with(&vars).tracer).contains("ratio: 1.0"));
    }
    // Nobody asked for a ratio.
    let _ = fine(&[("OTEL_TRACES_SAMPLER_ARG", "half")]);
}

#[cfg(feature = "jaeger-remote")]
#[test]
fn a_remote_sampler_is_named_with_its_server() {
    let remote = |name: &str, argument: &str| {
        let vars = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        let builder = with(&vars);
        let warnings = builder.warnings().join("\n");
        (format!("{:?}", builder.rules_from), warnings)
    };
    let (default, warnings) = remote("jaeger_remote", "");
    assert!(default.contains("Grpc"), "{default}");
    assert!(default.contains("http://localhost:14250"), "{default}");
    assert!(default.contains("own_rates: true"), "{default}");
    assert_eq!(warnings, "");
    let argument =
        "endpoint=https://jaeger:5778/sampling, pollingIntervalMs=5000, initialSamplingRate=0.25";
    let (all, warnings) = remote("parentbased_jaeger_remote", argument);
    for part in [
        "Http",
        "https://jaeger:5778/sampling",
        "every: 5s",
        "initial: 0.25",
        "own_rates: false",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert_eq!(warnings, "");
    for wrong in [
        "endpoint=jaeger",
        "pollingIntervalMs=0",
        "pollingIntervalMs=soon",
        "initialSamplingRate=2",
        "initialSamplingRate",
        "rate=1",
    ] {
        let (left, warnings) = remote("jaeger_remote", wrong);
        assert_eq!(left, default, "{wrong}");
        assert!(
            warnings.starts_with("OTEL_TRACES_SAMPLER_ARG"),
            "{warnings}"
        );
    }
}

#[test]
fn propagators_are_chosen_by_name() {
    let fields = |names: &str| {
        let pipeline = fine(&[
            ("OTEL_PROPAGATORS", names),
            ("OTEL_TRACES_EXPORTER", "none"),
        ])
        .build()
        .unwrap();
        pipeline.tracer().propagator().fields()
    };
    assert_eq!(fields(""), ["traceparent", "tracestate", "baggage"]);
    assert_eq!(fields("b3"), ["b3"]);
    assert!(fields("none").is_empty());
}

#[test]
fn exporters_are_a_list_of_names() {
    use ExporterName::{Console, None, Otlp};
    for (names, expected) in [
        ("otlp", &[Otlp][..]),
        ("console", &[Console]),
        ("none", &[None]),
        ("OTLP, console,otlp", &[Otlp, Console]),
        (",", &[Otlp]),
    ] {
        assert_eq!(
            fine(&[("OTEL_TRACES_EXPORTER", names)]).exporters,
            expected,
            "{names}"
        );
    }
    for (names, expected, otherwise) in [
        ("zipkin", Otlp, "; otlp it is"),
        (
            "zipkin,console",
            Console,
            "`zipkin`, but should name otlp, console or none; it is left out",
        ),
        ("none,console", Console, "`none` is ignored"),
    ] {
        let vars = [("OTEL_TRACES_EXPORTER", names)];
        assert!(warning(&vars).ends_with(otherwise), "{names}");
        assert_eq!(with(&vars).exporters, [expected], "{names}");
    }
}

#[test]
fn batches_are_set_in_milliseconds_and_spans() {
    let builder = fine(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ]);
    assert_eq!(
        builder.effective_schedule_delay(),
        Duration::from_millis(100)
    );
    assert_eq!(builder.export_timeout, Duration::MAX);
    assert_eq!(
        (builder.bounds.spans, builder.bounds.batch_spans),
        (100, 10)
    );
}

#[test]
fn the_console_is_written_soon_unless_someone_says_when() {
    let console = ("OTEL_TRACES_EXPORTER", "console");
    let delay = |builder: PipelineBuilder| builder.effective_schedule_delay().as_millis();
    assert_eq!(delay(fine(&[])), 5_000);
    assert_eq!(delay(fine(&[console])), 200);
    assert_eq!(
        delay(fine(&[("OTEL_TRACES_EXPORTER", "otlp,console")])),
        200
    );
    assert_eq!(
        delay(fine(&[console, ("OTEL_BSP_SCHEDULE_DELAY", "3000")])),
        3_000
    );
    let coded = fine(&[console]).schedule_delay(Duration::from_secs(4));
    assert_eq!(delay(coded), 4_000);
    // The code has another exporter, so the console of the environment is not written at all.
    let other = fine(&[console]).exporter(crate::exporter::InMemory::default());
    assert_eq!(delay(other), 5_000);
}

#[test]
fn a_batch_is_no_larger_than_the_queue() {
    let small = fine(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100")]);
    assert_eq!(small.bounds.batch_spans, 100);
    let vars = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200"),
    ];
    assert!(warning(&vars).contains("100 is used"));
    assert_eq!(with(&vars).bounds.batch_spans, 100);
}

#[test]
fn a_wrong_number_is_a_warning_and_the_default() {
    for name in [
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
    ] {
        for value in ["-1", "many", "1.5"] {
            let vars = [(name, value)];
            assert!(warning(&vars).starts_with(&format!("{name} is `{value}`")));
            assert_eq!(format!("{:?}", with(&vars)), format!("{:?}", fine(&[])));
        }
    }
    let _ = warning(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")]);
}

#[test]
fn limits_for_spans_win_over_general_ones() {
    let limits = limits::read(&Vars::new(&|name| {
        let value = match name {
            "OTEL_ATTRIBUTE_COUNT_LIMIT" => "10",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" => "100",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" => "20",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT" => "30",
            "OTEL_SPAN_EVENT_COUNT_LIMIT" => "40",
            "OTEL_SPAN_LINK_COUNT_LIMIT" => "0",
            _ => return None,
        };
        Some(value.to_owned())
    }));
    assert_eq!(
        (limits.attributes.count, limits.attributes.value_length),
        (20, 100)
    );
    assert_eq!(
        (
            limits.event_attributes.count,
            limits.event_attributes.value_length
        ),
        (30, 100)
    );
    assert_eq!(
        (limits.link_attributes.count, limits.events, limits.links),
        (10, 40, 0)
    );
}

#[test]
fn a_configuration_file_is_not_supported_and_said_so() {
    assert!(warning(&[("OTEL_CONFIG_FILE", "otel.yaml")]).contains("not supported"));
}

#[test]
fn a_disabled_pipeline_records_nothing_and_needs_no_thread() {
    let pipeline = fine(&[("OTEL_SDK_DISABLED", "true")]).build().unwrap();
    assert!(!pipeline.tracer().is_enabled());
    pipeline.tracer().span("nothing").start().end();
    assert_eq!(pipeline.flush(Duration::from_secs(1)), Ok(()));
    assert_eq!(pipeline.shutdown(Duration::from_secs(1)), Ok(()));
    assert_eq!(pipeline.stats(), crate::PipelineStats::default());
}

#[test]
fn without_an_exporter_spans_have_ids_and_are_counted() {
    let pipeline = fine(&[("OTEL_TRACES_EXPORTER", "none")]).build().unwrap();
    let span = pipeline.tracer().span("nowhere").start();
    assert!(span.span_context().unwrap().is_sampled());
    span.set_status(Status::Ok);
    span.end();
    let stats = pipeline.stats();
    assert_eq!((stats.submitted, stats.dropped.no_exporter), (1, 1));
    assert!(stats.is_balanced());
    assert_eq!(pipeline.shutdown(Duration::from_secs(1)), Ok(()));
}

#[cfg(feature = "otlp")]
mod otlp {
    use super::*;
    use crate::otlp::{Compression, OtlpConfig, Protocol};

    fn config(vars: &[(&str, &str)]) -> OtlpConfig {
        fine(vars).otlp
    }

    fn uri(vars: &[(&str, &str)]) -> String {
        config(vars)
            .uri(crate::otlp::Signal::Traces)
            .unwrap()
            .to_string()
    }

    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";

    #[test]
    fn endpoints_follow_the_rules_of_the_specification() {
        assert_eq!(uri(&[]), "http://localhost:4318/v1/traces");
        assert_eq!(
            uri(&[(ENDPOINT, "http://h:4318/x")]),
            "http://h:4318/x/v1/traces"
        );
        assert_eq!(uri(&[(TRACES_ENDPOINT, "http://h:4318")]), "http://h:4318/");
        assert_eq!(
            uri(&[(TRACES_ENDPOINT, "http://h/custom")]),
            "http://h/custom"
        );
        assert_eq!(
            uri(&[(ENDPOINT, "http://a"), (TRACES_ENDPOINT, "http://b/c")]),
            "http://b/c"
        );
    }

    #[test]
    fn grpc_has_its_own_default_and_insecure_counts_without_a_scheme_only() {
        let grpc = (PROTOCOL, "grpc");
        let host = |vars: &[(&str, &str)]| {
            let uri = config(vars).uri(crate::otlp::Signal::Traces).unwrap();
            format!(
                "{}://{}",
                uri.scheme_str().unwrap(),
                uri.authority().unwrap()
            )
        };
        assert_eq!(host(&[grpc]), "http://localhost:4317");
        assert_eq!(host(&[grpc, (ENDPOINT, "h:4317")]), "https://h:4317");
        let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
        assert_eq!(
            host(&[grpc, (ENDPOINT, "h:4317"), insecure]),
            "http://h:4317"
        );
        assert_eq!(
            host(&[grpc, (ENDPOINT, "https://h:4317"), insecure]),
            "https://h:4317"
        );
        let for_traces = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        assert_eq!(
            host(&[grpc, (ENDPOINT, "h:4317"), insecure, for_traces]),
            "https://h:4317"
        );
    }

    #[test]
    fn a_wrong_endpoint_is_a_warning_and_the_next_one_counts() {
        let vars = [(TRACES_ENDPOINT, "nowhere"), (ENDPOINT, "http://h")];
        assert!(warning(&vars).starts_with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ignored"));
        assert_eq!(
            with(&vars)
                .otlp
                .uri(crate::otlp::Signal::Traces)
                .unwrap()
                .to_string(),
            "http://h/v1/traces"
        );
        let vars = [(ENDPOINT, "localhost:4318")];
        let _ = warning(&vars);
        assert_eq!(
            with(&vars)
                .otlp
                .uri(crate::otlp::Signal::Traces)
                .unwrap()
                .to_string(),
            "http://localhost:4318/v1/traces"
        );
    }

    #[test]
    fn variables_for_traces_win() {
        let config = config(&[
            (PROTOCOL, "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "GZIP"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "b=2,authorization=Bearer%20x%3Dy",
            ),
        ]);
        assert_eq!(config.protocol, Protocol::HttpProtobuf);
        assert_eq!(config.timeout, Duration::from_millis(2_500));
        assert_eq!(config.compression, Compression::Gzip);
        let headers = [("b", "2"), ("authorization", "Bearer x=y")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(config.headers, headers);
    }

    #[test]
    fn a_protocol_that_is_not_known_is_a_warning_and_protocol_buffers() {
        let vars = [(PROTOCOL, "http/xml")];
        assert!(warning(&vars).contains("`http/xml`"));
        assert!(warning(&vars).ends_with("; http/protobuf it is"));
        assert_eq!(with(&vars).otlp.protocol, Protocol::HttpProtobuf);
        let json = [(PROTOCOL, "http/json")];
        assert_eq!(with(&json).otlp.protocol, Protocol::HttpJson);
    }

    #[test]
    fn no_timeout_is_no_limit() {
        assert_eq!(
            config(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]).timeout,
            Duration::MAX
        );
    }

    #[test]
    fn a_header_that_can_not_be_sent_is_left_out_and_its_value_is_not_shown() {
        for bad in [
            "b c=secret",
            "b=secret%0A",
            "secret",
            "content-length=secret",
            "b=%zzsecret",
        ] {
            let list = format!("a=1,{bad}");
            let vars = [("OTEL_EXPORTER_OTLP_HEADERS", list.as_str())];
            let warning = warning(&vars);
            assert!(!warning.contains("secret"), "{warning}");
            assert_eq!(
                with(&vars).otlp.headers,
                [("a".to_owned(), "1".to_owned())],
                "{bad}"
            );
        }
    }

    #[test]
    fn settings_do_not_show_secrets() {
        let config = config(&[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")]);
        let shown = format!("{config:?}");
        assert!(
            shown.contains("authorization") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn files_that_can_not_be_read_are_warnings() {
        let missing = "/nonexistent/ca.pem";
        assert!(warning(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", missing)]).contains(missing));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(warning(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", manifest)]).contains("PEM"));
        let certificate = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/certificates/client.pem"
        );
        assert!(
            warning(&[("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate)]).contains("both")
        );
    }
}

#[cfg(feature = "otlp")]
#[test]
fn metrics_and_logs_have_variables_of_their_own() {
    let read = |vars: &'static [(&str, &str)]| {
        let source = |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let vars = Vars::new(&source);
        let metrics = format!("{:?}", metrics::read(&vars));
        let logs = format!("{:?}", logs::read(&vars));
        (metrics, logs, vars.warnings.into_inner())
    };
    let (metrics, logs, warnings) = read(&[]);
    assert!(metrics.contains("interval: 60s, timeout: 30s"), "{metrics}");
    assert!(
        logs.contains("queue: 2048, batch: 512, delay: 1s, timeout: 30s"),
        "{logs}"
    );
    assert!(warnings.is_empty(), "{warnings:?}");

    let (metrics, logs, warnings) = read(&[
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "2000"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "50"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs/x"),
    ]);
    assert!(
        logs.contains("queue: 100, batch: 50, delay: 200ms, timeout: 2s"),
        "{logs}"
    );
    assert!(logs.contains(r#"SignalUrl("http://logs/x")"#), "{logs}");
    assert!(
        metrics.contains("interval: 500ms, timeout: 30s"),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"Endpoint("http://all:4318")"#),
        "{metrics}"
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");

    let (metrics, logs, warnings) = read(&[
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
    ]);
    assert!(logs.contains("otlp: None"), "{logs}");
    assert!(metrics.contains("otlp: None"), "{metrics}");
    assert!(warnings[0].contains("prometheus"), "{warnings:?}");

    let (metrics, logs, _) = read(&[("OTEL_SDK_DISABLED", "true")]);
    assert!(logs.contains("otlp: None") && metrics.contains("otlp: None"));
}

#[cfg(feature = "otlp")]
#[test]
fn a_wrong_variable_of_the_signal_hides_no_right_one_of_all_signals() {
    use crate::otlp::{Compression, Protocol};

    let builder = with(&[
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "foo"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "lz4"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]);
    let otlp = &builder.otlp;
    assert_eq!(
        (otlp.protocol, otlp.timeout, otlp.compression),
        (
            Protocol::HttpJson,
            Duration::from_secs(5),
            Compression::Gzip
        )
    );
    let [protocol, timeout, compression] = builder.warnings() else {
        panic!("{:?}", builder.warnings())
    };
    for warning in [protocol, timeout, compression] {
        assert!(warning.ends_with("; it is ignored"), "{warning}");
    }
}
