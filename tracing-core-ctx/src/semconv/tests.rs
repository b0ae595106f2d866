mod values;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Definition, Stability, ValueType, code, ctx, db, definition, definitions, error, http, legacy,
    messaging, network, resource, rpc, service, telemetry, thread, url, user_agent,
};
use crate::attribute::{AttributeKey as _, Key, KeyCode, KeyPrefix, KeyRef, Untyped};
use crate::semconv;

/// One line of the table that the constants are tested against.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    value_type: String,
    stability: Stability,
    /// Sorted, without the backquotes.
    replacement: Vec<String>,
}

/// `conventions-1.45.txt` by name; a family's name ends in a dot.
fn conventions() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for line in include_str!("conventions-1.45.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (name, value_type, stability, replacement) = match *columns {
            [name, value_type, stability] => (name, value_type, stability, "-"),
            [name, value_type, "deprecated", replacement] => {
                (name, value_type, "deprecated", replacement)
            }
            _ => panic!("a row has three columns, or four if deprecated: {line}"),
        };
        let row = Row {
            value_type: value_type.to_owned(),
            stability: match stability {
                "deprecated" => Stability::Deprecated,
                "development" => Stability::Development,
                "stable" => Stability::Stable,
                _ => panic!("an unknown stability: {line}"),
            },
            replacement: sorted(
                replacement
                    .split(',')
                    .filter(|name| *name != "-")
                    .map(plain),
            ),
        };
        assert!(
            rows.insert(plain(name), row).is_none(),
            "listed twice: {line}"
        );
    }
    rows
}

fn plain(name: &str) -> String {
    name.replace("<key>", "")
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn row(definition: &Definition) -> Row {
    let words = definition.replacement().unwrap_or_default();
    Row {
        value_type: definition.value_type().to_string(),
        stability: definition.stability(),
        replacement: sorted(words.split('`').skip(1).step_by(2).map(str::to_owned)),
    }
}

/// The rows of an area are those of the table in its namespaces: no more, no fewer, each equal.
fn area(definitions: &[Definition], constants: &[(&str, &str)], namespaces: &[&str]) {
    let deprecated = definitions
        .iter()
        .any(|definition| definition.stability() == Stability::Deprecated);
    let expected: BTreeMap<String, Row> = conventions()
        .into_iter()
        .filter(|(name, row)| {
            let first = name.split('.').next().unwrap();
            namespaces.contains(&first) && (row.stability == Stability::Deprecated) == deprecated
        })
        .collect();
    let found: BTreeMap<String, Row> = definitions
        .iter()
        .map(|definition| (definition.name().to_owned(), row(definition)))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(found.len(), definitions.len(), "a name has two constants");
    spelt_alike(constants);
}

/// `HTTP_REQUEST_METHOD` is `http.request.method`.
fn spelt_alike(constants: &[(&str, &str)]) {
    for (constant, name) in constants {
        let spelt = name
            .trim_end_matches('.')
            .replace('.', "_")
            .to_ascii_uppercase();
        assert_eq!(*constant, spelt);
    }
}

#[test]
fn http_is_as_published() {
    area(http::DEFINITIONS, http::CONSTANTS, &["http"]);
}

#[test]
fn url_is_as_published() {
    area(url::DEFINITIONS, url::CONSTANTS, &["url"]);
}

#[test]
fn network_server_and_client_are_as_published() {
    area(
        network::DEFINITIONS,
        network::CONSTANTS,
        &["network", "server", "client"],
    );
}

#[test]
fn user_agent_is_as_published() {
    area(
        user_agent::DEFINITIONS,
        user_agent::CONSTANTS,
        &["user_agent"],
    );
}

#[test]
fn rpc_is_as_published() {
    area(rpc::DEFINITIONS, rpc::CONSTANTS, &["rpc"]);
}

#[test]
fn messaging_is_as_published() {
    area(
        messaging::DEFINITIONS,
        messaging::CONSTANTS,
        &["messaging", "kafka", "rabbitmq"],
    );
}

#[test]
fn db_is_as_published() {
    area(db::DEFINITIONS, db::CONSTANTS, &["db"]);
}

#[test]
fn error_and_exception_are_as_published() {
    area(
        error::DEFINITIONS,
        error::CONSTANTS,
        &["error", "exception"],
    );
}

#[test]
fn code_is_as_published() {
    area(code::DEFINITIONS, code::CONSTANTS, &["code"]);
}

#[test]
fn thread_is_as_published() {
    area(thread::DEFINITIONS, thread::CONSTANTS, &["thread"]);
}

#[test]
fn service_and_deployment_are_as_published() {
    area(
        service::DEFINITIONS,
        service::CONSTANTS,
        &["service", "deployment"],
    );
}

#[test]
fn telemetry_and_otel_are_as_published() {
    area(
        telemetry::DEFINITIONS,
        telemetry::CONSTANTS,
        &["telemetry", "otel"],
    );
}

#[test]
fn resource_is_as_published() {
    area(
        resource::DEFINITIONS,
        resource::CONSTANTS,
        &["container", "host", "k8s", "process"],
    );
}

#[test]
fn old_names_and_their_replacements_are_as_published() {
    let namespaces = [
        "code",
        "db",
        "deployment",
        "error",
        "exception",
        "http",
        "message",
        "messaging",
        "net",
        "opentracing",
        "otel",
        "peer",
        "rpc",
        "service",
    ];
    area(legacy::DEFINITIONS, legacy::CONSTANTS, &namespaces);
}

#[test]
fn our_own_names_are_no_names_of_the_conventions() {
    let found: Vec<_> = ctx::DEFINITIONS
        .iter()
        .map(|d| (d.name(), d.value_type(), d.stability()))
        .collect();
    assert_eq!(
        found,
        [
            ("ctx.outcome", ValueType::Str, Stability::Own),
            ("ctx.handled", ValueType::Bool, Stability::Own),
            ("ctx.message.deaths", ValueType::I64, Stability::Own),
            ("ctx.message.lag", ValueType::I64, Stability::Own),
            ("ctx.message.queue_time", ValueType::I64, Stability::Own),
            ("ctx.message.redelivered", ValueType::Bool, Stability::Own),
            ("ctx.message.settlement", ValueType::Str, Stability::Own),
            ("ctx.rebalance.assigned", ValueType::Strs, Stability::Own),
            ("ctx.rebalance.lost", ValueType::Bool, Stability::Own),
            ("ctx.rebalance.revoked", ValueType::Strs, Stability::Own),
            ("ctx.rpc.messages.received", ValueType::I64, Stability::Own),
            ("ctx.rpc.messages.sent", ValueType::I64, Stability::Own),
            (
                "ctx.rpc.message.compressed",
                ValueType::Bool,
                Stability::Own
            ),
            ("ctx.rpc.message.direction", ValueType::Str, Stability::Own),
            ("ctx.rpc.message.id", ValueType::I64, Stability::Own),
            ("ctx.rpc.message.size", ValueType::I64, Stability::Own),
            ("ctx.sampling.callee", ValueType::Bool, Stability::Own),
            ("ctx.sampling.partial", ValueType::Bool, Stability::Own),
            ("ctx.sampling.reason", ValueType::Str, Stability::Own),
        ]
    );
    spelt_alike(ctx::CONSTANTS);
}

#[test]
fn the_registry_is_the_published_table_and_our_own_names() {
    let published = conventions();
    let mut names: BTreeSet<&str> = published.keys().map(String::as_str).collect();
    names.extend(ctx::CONSTANTS.iter().map(|(_, name)| *name));
    let registered: Vec<&str> = definitions().map(Definition::name).collect();
    assert_eq!(
        registered.len(),
        names.len(),
        "a name is registered twice, or not at all"
    );
    assert_eq!(registered.into_iter().collect::<BTreeSet<_>>(), names);
}

#[test]
fn every_replacement_is_itself_a_current_name() {
    for old in definitions().filter(|definition| definition.stability() == Stability::Deprecated) {
        for name in row(old).replacement {
            let new = definitions().find(|definition| definition.name() == name);
            let new =
                new.unwrap_or_else(|| panic!("`{}` is replaced by unknown `{name}`", old.name()));
            assert_ne!(new.stability(), Stability::Deprecated, "{name}");
        }
    }
}

#[test]
fn a_constant_has_the_name_and_the_type_of_its_row() {
    let text: Key<str> = semconv::HTTP_ROUTE;
    let number: Key<i64> = semconv::HTTP_RESPONSE_STATUS_CODE;
    let truth: Key<bool> = semconv::KAFKA_MESSAGE_TOMBSTONE;
    let any: Key<Untyped> = semconv::HTTP_REQUEST_BODY_CONTENT;
    let family: KeyPrefix = semconv::HTTP_REQUEST_HEADER;
    for (name, value_type) in [
        (text.name(), ValueType::Str),
        (number.name(), ValueType::I64),
        (truth.name(), ValueType::Bool),
        (any.name(), ValueType::Any),
        (&family.key("etag"), ValueType::Strs),
    ] {
        assert_eq!(
            definition(name).map(|d| d.value_type()),
            Some(value_type),
            "{name}"
        );
    }
}

#[test]
fn every_name_has_one_number_and_every_number_one_name() {
    let names: Vec<&str> = definitions().map(Definition::name).collect();
    let numbered: Vec<&str> = KeyCode::all().map(KeyCode::name).collect();
    assert_eq!(numbered, names);
    assert_eq!(numbered.len(), KeyCode::MAX);
    for (code, name) in KeyCode::all().zip(names) {
        assert_eq!(semconv::number(name), code.get());
        assert!(!name.is_empty());
    }
    assert_eq!(semconv::number("shop.cart.size"), 0);
    assert_eq!(semconv::number(""), 0);
}

#[test]
fn a_constant_knows_its_number() {
    for (key, name) in [
        (semconv::HTTP_ROUTE.key(), "http.route"),
        (
            semconv::HTTP_RESPONSE_STATUS_CODE.key(),
            "http.response.status_code",
        ),
        (legacy::OTEL_LIBRARY_VERSION.key(), "otel.library.version"),
    ] {
        assert!(matches!(key, KeyRef::Known(code) if code.name() == name));
        assert_eq!(key.as_str(), name);
    }
}

#[test]
fn every_name_is_found_and_a_family_only_by_its_members() {
    for expected in definitions() {
        let name = expected.name();
        if expected.is_family() {
            assert_eq!(definition(&format!("{name}x.y")), Some(expected));
            assert_eq!(definition(name), None, "the prefix alone is no name");
        } else {
            assert_eq!(definition(name), Some(expected));
            assert_eq!(definition(&format!("{name}.x")), None);
        }
    }
    for unknown in [
        "",
        ".",
        "a",
        "zzz",
        "http",
        "http.",
        "http.request.header",
        "shop.cart.size",
    ] {
        assert_eq!(definition(unknown), None, "{unknown}");
    }
}
