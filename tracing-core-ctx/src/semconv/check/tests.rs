use proptest::prelude::*;

use super::*;
use crate::attribute::{Array, Attributes, Value};
use crate::diagnostics::tests::Seen;
use crate::semconv::HTTP_ROUTE;

fn misspelt(name: &str) -> Option<&'static str> {
    match check(name, ValueType::Str)? {
        Misuse::Misspelt { meant, .. } => Some(meant),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_current_name_of_the_right_type_is_fine() {
    for definition in definitions() {
        if definition.stability() != Stability::Deprecated && !definition.is_family() {
            assert_eq!(check(definition.name(), definition.value_type()), None);
        }
    }
}

#[test]
fn an_old_name_is_deprecated_whatever_its_type() {
    for found in [ValueType::I64, ValueType::Str] {
        assert_eq!(
            check("http.status_code", found),
            Some(Misuse::Deprecated {
                name: "http.status_code",
                replacement: Some("`http.response.status_code`"),
            })
        );
    }
    for name in [
        "net.peer.name",
        "peer.service",
        "rpc.service",
        "db.user",
        "rpc.request.metadata.x-id",
    ] {
        assert!(
            matches!(check(name, ValueType::Str), Some(Misuse::Deprecated { .. })),
            "{name}"
        );
    }
}

#[test]
fn one_or_two_wrong_letters_are_a_misspelling() {
    for (written, meant) in [
        ("http.rout", "http.route"),
        ("http.ruote", "http.route"),
        ("http.routes", "http.route"),
        ("http.request.metod", "http.request.method"),
        ("http.request.mehtd", "http.request.method"),
        ("http.response.staus_cod", "http.response.status_code"),
        ("url.ful", "url.full"),
        ("server.adress", "server.address"),
        ("error.tpye", "error.type"),
        ("user_agent.orginal", "user_agent.original"),
        ("messaging.destinaton.name", "messaging.destination.name"),
        ("kafka.offest", "kafka.offset"),
        ("db.qury.txt", "db.query.text"),
        ("ctx.outcom", "ctx.outcome"),
    ] {
        assert_eq!(misspelt(written), Some(meant), "{written}");
    }
}

#[test]
fn other_case_and_other_separators_are_a_misspelling() {
    for (written, meant) in [
        (
            "http.request.method-original",
            "http.request.method_original",
        ),
        ("http.response.statusCode", "http.response.status_code"),
        ("http.response.status.code", "http.response.status_code"),
        ("HTTP.Route", "http.route"),
        ("userAgent.original", "user_agent.original"),
        ("user-agent.original", "user_agent.original"),
        ("db.querytext", "db.query.text"),
        ("messaging.clientId", "messaging.client.id"),
    ] {
        assert_eq!(misspelt(written), Some(meant), "{written}");
    }
    assert!(matches!(
        check("http.statusCode", ValueType::I64),
        Some(Misuse::Deprecated {
            name: "http.statusCode",
            ..
        })
    ));
}

#[test]
fn a_misspelt_family_is_told_by_its_prefix() {
    assert_eq!(
        misspelt("http.request.headers.etag"),
        Some("http.request.header.")
    );
    assert_eq!(
        misspelt("rpc.response.trailers.cost"),
        Some("rpc.response.trailer.")
    );
    assert_eq!(misspelt("db.query.params.id"), None);
}

#[test]
fn a_wrong_type_is_told_also_of_a_family() {
    for (name, found, expected) in [
        ("http.response.status_code", ValueType::Str, ValueType::I64),
        ("http.response.status_code", ValueType::F64, ValueType::I64),
        (
            "messaging.destination.partition.id",
            ValueType::I64,
            ValueType::Str,
        ),
        ("kafka.message.tombstone", ValueType::Str, ValueType::Bool),
        ("http.request.header.etag", ValueType::Str, ValueType::Strs),
        ("db.query.parameter.id", ValueType::I64, ValueType::Str),
        ("ctx.handled", ValueType::Str, ValueType::Bool),
    ] {
        assert_eq!(
            check(name, found),
            Some(Misuse::WrongType {
                name,
                expected,
                found
            })
        );
    }
    for found in [ValueType::Bytes, ValueType::Str] {
        assert_eq!(check("http.request.body.content", found), None);
    }
}

#[test]
fn header_names_must_be_in_lower_case_but_parameter_names_need_not() {
    assert_eq!(
        check("http.request.header.content-type", ValueType::Strs),
        None
    );
    let name = "http.request.header.Content-Type";
    assert_eq!(
        check(name, ValueType::Strs),
        Some(Misuse::UpperCase { name })
    );
    assert_eq!(check("db.query.parameter.userId", ValueType::Str), None);
}

#[test]
fn names_of_the_user_are_left_alone() {
    for name in [
        "",
        ".",
        "..",
        "http",
        "route",
        "shop.cart.size",
        "shop.http.route",
        "service_name",
        "httpx.route",
        "htpp.route",
        "my.url.full",
        "größe.länge",
    ] {
        assert_eq!(check(name, ValueType::Bool), None, "{name}");
    }
}

#[test]
fn words_that_only_resemble_a_name_are_left_alone() {
    for name in [
        "url.hash",
        "url.host",
        "http.request.time",
        "http.request.id",
        "http.cache",
        "error.code",
        "db.pool",
        "client.name",
        "http.",
        "http.ö",
        "messaging.rocketmq.message.tag",
    ] {
        assert_eq!(check(name, ValueType::Str), None, "{name}");
    }
}

#[test]
fn names_of_the_conventions_without_a_constant_are_left_alone() {
    assert!(UNLISTED.is_sorted());
    for name in UNLISTED {
        assert_eq!(check(name, ValueType::Str), None, "{name}");
        assert_eq!(definition(name), None, "{name} has a constant now");
        assert!(in_our_namespaces(name), "{name}");
    }
}

#[test]
fn our_namespaces_are_those_of_the_current_names() {
    let of_resources = ["container", "host", "k8s", "process"];
    let mut expected: Vec<&str> = definitions()
        .filter(|definition| definition.stability() != Stability::Deprecated)
        .map(|definition| definition.name().split('.').next().unwrap())
        .filter(|first| !of_resources.contains(first))
        .collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(NAMESPACES.as_slice(), expected);
}

#[test]
fn a_misuse_explains_itself() {
    let explain = |name, found| check(name, found).unwrap().to_string();
    assert_eq!(
        explain("http.method", ValueType::Str),
        "attribute `http.method` is deprecated: use `http.request.method`"
    );
    assert_eq!(
        explain("exception.escaped", ValueType::Bool),
        "attribute `exception.escaped` is deprecated, without replacement"
    );
    assert_eq!(
        explain("http.rout", ValueType::Str),
        "attribute `http.rout` is not in the semantic conventions: did you mean `http.route`?"
    );
    assert_eq!(
        explain("http.response.status_code", ValueType::Str),
        "attribute `http.response.status_code` is of type int by convention, not string"
    );
    assert_eq!(
        explain("rpc.request.header.X-Id", ValueType::Strs),
        "attribute `rpc.request.header.X-Id` must be written in lower case"
    );
}

#[test]
fn the_type_of_a_value_is_told() {
    let list: Array = ["a"].into_iter().collect();
    for (value, value_type) in [
        (Value::Bool(true), ValueType::Bool),
        (Value::I64(1), ValueType::I64),
        (Value::F64(1.0), ValueType::F64),
        (Value::from("a"), ValueType::Str),
        (Value::Bytes(vec![1]), ValueType::Bytes),
        (Value::Array(list), ValueType::Strs),
        (Value::Array(Array::Bool(vec![])), ValueType::Bools),
        (Value::Array(Array::I64(vec![])), ValueType::I64s),
        (Value::Array(Array::F64(vec![])), ValueType::F64s),
    ] {
        assert_eq!(ValueType::of(value.as_ref()), value_type);
    }
}

#[test]
fn a_mistake_is_new_once_for_each_name_and_kind_and_the_memory_is_bounded() {
    let mut reported = Reported::new();
    let (written, other) = ("http.rout", "http.routee");
    let misspelt = check(written, ValueType::Str).unwrap();
    assert!(reported.is_new(&misspelt));
    assert!(!reported.is_new(&misspelt));
    assert!(reported.is_new(&check(other, ValueType::Str).unwrap()));
    let status = "http.response.status_code";
    assert!(reported.is_new(&check(status, ValueType::Str).unwrap()));
    assert!(
        !reported.is_new(&check(status, ValueType::Bool).unwrap()),
        "the same kind"
    );

    for n in 0..2 * REMEMBERED {
        let name = format!("http.request.header.X-{n}");
        let _ = reported.is_new(&check(&name, ValueType::Strs).unwrap());
    }
    assert_eq!(reported.0.len(), REMEMBERED);
    assert!(!reported.is_new(&check("url.ful", ValueType::Str).unwrap()));
}

#[test]
fn a_mistake_written_by_hand_is_reported_once_where_debug_assertions_are_on() {
    let seen = Seen::new();
    for _ in 0..3 {
        let mut attributes = Attributes::new();
        attributes.set("http.request.metho", "GET");
        attributes.set("http.request.resend_count", "three");
        attributes.set(HTTP_ROUTE, "/");
        attributes.set("http.response.status_code", 200);
        attributes.set("shop.http.request.metho", true);
    }
    let expected = usize::from(cfg!(debug_assertions));
    assert_eq!(seen.with("`http.request.metho`").len(), expected);
    assert_eq!(seen.with("`http.request.resend_count`").len(), expected);
    assert_eq!(seen.with("http.route").len(), 0);
    assert_eq!(seen.with("http.response.status_code").len(), 0);
    assert_eq!(seen.with("shop.").len(), 0);
}

proptest! {
    #[test]
    fn any_name_is_judged_without_panic(name in "\\PC{0,80}") {
        let _ = check(&name, ValueType::Str).map(|misuse| misuse.to_string());
    }

    #[test]
    fn one_changed_letter_is_never_taken_for_another_mistake(
        position in any::<prop::sample::Index>(),
        definition in prop::sample::select(definitions().collect::<Vec<_>>()),
    ) {
        prop_assume!(definition.stability() != Stability::Deprecated && !definition.is_family());
        let name = definition.name();
        let start = name.find('.').unwrap() + 1;
        let mut written = name.to_owned();
        let position = start + position.index(name.len() - start);
        written.replace_range(position..=position, "~");
        match check(&written, definition.value_type()) {
            Some(Misuse::Misspelt { meant, .. }) => prop_assert_eq!(meant.len(), name.len()),
            other => prop_assert!(!in_our_namespaces(name), "{} {:?}", written, other),
        }
    }
}
