use proptest::prelude::*;

use super::super::entry::Entry;
use super::*;
use crate::attribute::{Array, KeptKey, Key, KeyCode, StaticKey, Value};

#[test]
fn an_entry_is_sixteen_bytes_and_an_empty_table_is_a_pointer() {
    assert_eq!(size_of::<Entry>(), 16);
    assert_eq!(size_of::<Attributes>(), size_of::<usize>());
    assert_eq!(Attributes::new().weight(), 0);
}

#[test]
fn room_for_the_span_of_a_request_is_616_bytes() {
    let attributes = Attributes::with_capacity(16, 192);
    assert!(attributes.weight() <= 616, "{}", attributes.weight());
}

#[test]
fn a_key_has_one_value_whether_it_is_named_by_constant_or_by_hand() {
    const BY_HAND: Key<str> = Key::new("http.route");
    let prepared = StaticKey::new("http.route").unwrap();
    let written_as = |attributes: &mut Attributes, how: usize, value: &str| match how {
        0 => attributes.set(semconv::HTTP_ROUTE, value),
        1 => attributes.set("http.route", value),
        4 => attributes.set(KeyRef::Prepared(prepared), value),
        2 => attributes.set(&"http.route".to_owned(), value),
        _ => attributes.set(BY_HAND, value),
    };
    for first in 0..5 {
        for second in 0..5 {
            let mut attributes = Attributes::new();
            attributes.set("shop.cart.size", 1);
            written_as(&mut attributes, first, "old");
            attributes.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
            written_as(&mut attributes, second, "new");
            assert_eq!(attributes.len(), 3, "{first}, {second}");
            assert_eq!(attributes.get("http.route"), Some(ValueRef::Str("new")));
        }
    }
}

#[test]
fn a_constant_is_kept_by_its_number_and_another_name_as_it_is() {
    const OWN: Key<i64> = Key::new("shop.cart.size");
    let mut attributes = Attributes::new();
    attributes.set(semconv::HTTP_ROUTE, "/");
    attributes.set(OWN, 3);
    attributes.set("shop.cart.total", 7);
    attributes.set("shop.cart.weight", 7.5);
    attributes.set("shop.cart.open", true);
    attributes.set("shop.cart.items", Array::from_iter(["a"]));
    let shown = attributes.visit(Shown::default());
    assert_eq!(
        shown.0,
        [
            r#"KeptKey("http.route") "/""#,
            r#"KeptKey("shop.cart.size") 3"#,
            r#"KeptKey("shop.cart.total") 7"#,
            r#"KeptKey("shop.cart.weight") 7.5"#,
            r#"KeptKey("shop.cart.open") true"#,
            r#"KeptKey("shop.cart.items") Array(Str(["a"]))"#,
        ]
    );
    assert_eq!(attributes.iter().len(), 6);
}

#[test]
fn a_visitor_is_shown_all_attributes_however_many() {
    let mut attributes = Attributes::new();
    for number in 0..40 {
        attributes.set(&format!("key.{number}"), number);
    }
    let shown = attributes.visit(Shown::default());
    let expected = (0..40).map(|number| format!(r#"KeptKey("key.{number}") {number}"#));
    assert!(shown.0.into_iter().eq(expected));
}

/// What a visitor was shown.
#[derive(Default)]
struct Shown(Vec<String>);

impl Visitor for Shown {
    fn flag(&mut self, key: KeptKey<'_>, flag: bool) {
        self.0.push(format!("{key:?} {flag}"));
    }

    fn float(&mut self, key: KeptKey<'_>, number: f64) {
        self.0.push(format!("{key:?} {number}"));
    }

    fn integer(&mut self, key: KeptKey<'_>, number: i64) {
        self.0.push(format!("{key:?} {number}"));
    }

    fn other(&mut self, key: KeptKey<'_>, value: ValueRef<'_>) {
        self.0.push(format!("{key:?} {value:?}"));
    }

    fn text(&mut self, key: KeptKey<'_>, text: KeptText<'_>) {
        self.0.push(format!("{key:?} {text:?}"));
    }
}

#[test]
fn more_than_sixteen_attributes_are_kept_in_order() {
    let mut attributes = Attributes::new();
    let keys: Vec<String> = (0..50).map(|n| format!("key.{n}")).collect();
    for key in &keys {
        attributes.set(key, key.as_str());
    }
    attributes.set("key.15", 15);
    attributes.set("key.16", 16);
    attributes.set("key.49", 49);
    assert!(attributes.iter().map(|(key, _)| key).eq(&keys));
    assert_eq!(attributes.get("key.16"), Some(ValueRef::I64(16)));
    assert_eq!(attributes.get("key.48"), Some(ValueRef::Str("key.48")));
    assert_eq!(attributes.get("key.49"), Some(ValueRef::I64(49)));
}

#[test]
fn a_name_is_put_together_from_pieces() {
    let mut attributes = Attributes::with_capacity(0, 4);
    attributes.set_name_of(&["GET", " ", "/users/{id}"]);
    assert_eq!(attributes.name(), "GET /users/{id}");
    attributes.set_name_of(&[]);
    assert_eq!(attributes.name(), "");
    attributes.set_name_of(&["a"]);
    attributes.set("key", "b");
    attributes.set_name("c");
    assert_eq!(attributes.name(), "c");
}

#[test]
fn a_new_key_over_the_count_is_dropped_and_counted_but_a_known_one_is_updated() {
    let limits = AttributeLimits {
        count: 1,
        ..AttributeLimits::UNLIMITED
    };
    let mut attributes = Attributes::new();
    attributes.set_within(&limits, "a", 1);
    attributes.set_within(&limits, "b", 2);
    attributes.set_within(&limits, "a", 3);
    assert_eq!(attributes.get("a"), Some(ValueRef::I64(3)));
    assert_eq!(attributes.get("b"), None);
    assert_eq!(attributes.dropped(), 1);
}

#[test]
fn long_texts_are_cut_at_characters_also_inside_lists() {
    let limits = AttributeLimits {
        value_length: 3,
        ..AttributeLimits::UNLIMITED
    };
    let mut attributes = Attributes::new();
    attributes.set_within(&limits, "text", "añb→c");
    attributes.set_within(
        &limits,
        "list",
        Value::from(["→→→→"].into_iter().collect::<Array>()),
    );
    attributes.set_within(&limits, "bytes", Value::Bytes(vec![1, 2, 3, 4]));
    assert_eq!(attributes.get("text"), Some(ValueRef::Str("añb")));
    assert_eq!(attributes.get("list").unwrap().as_strs().unwrap(), ["→→→"]);
    assert_eq!(attributes.get("bytes"), Some(ValueRef::Bytes(&[1, 2, 3])));
}

#[test]
fn an_empty_key_is_dropped_and_counted() {
    let mut attributes = Attributes::new();
    attributes.set("", 1);
    assert!(attributes.is_empty());
    assert_eq!(attributes.dropped(), 1);
}

#[test]
fn a_key_of_64_kib_is_dropped_counted_and_leaves_nothing_behind() {
    let longest = "k".repeat(0xffff);
    let mut attributes = Attributes::new();
    attributes.set(&longest, 1);
    let before = attributes.weight();
    for _ in 0..10 {
        attributes.set(&format!("{longest}k"), 1);
    }
    assert_eq!(attributes.len(), 1);
    assert_eq!(attributes.get(&longest), Some(ValueRef::I64(1)));
    assert_eq!(attributes.dropped(), 10);
    assert!(attributes.weight() <= 2 * before + 0x2_0000);
}

#[test]
fn unsigned_values_saturate() {
    let mut attributes = Attributes::new();
    attributes.set("big", u64::MAX);
    assert_eq!(attributes.get("big"), Some(ValueRef::I64(i64::MAX)));
}

#[test]
fn a_text_that_is_replaced_forever_takes_bounded_memory() {
    let mut attributes = Attributes::new();
    attributes.set_name("first");
    attributes.set("fixed", "stays");
    for n in 0..100_000 {
        attributes.set(
            "progress",
            format!("{n} of 100000, some more text to make it long"),
        );
        attributes.set("other", "x".repeat(n % 50));
        attributes.set_name(&format!("name {n}"));
    }
    assert_eq!(attributes.name(), "name 99999");
    assert_eq!(attributes.get("fixed"), Some(ValueRef::Str("stays")));
    assert_eq!(
        attributes.get("progress"),
        Some(ValueRef::Str(
            "99999 of 100000, some more text to make it long"
        ))
    );
    assert!(attributes.weight() < 8 * 1024, "{}", attributes.weight());
}

#[test]
fn a_list_that_is_replaced_forever_takes_bounded_memory() {
    let mut attributes = Attributes::new();
    attributes.set("fixed", ["stays"].into_iter().collect::<Array>());
    for n in 0..10_000 {
        attributes.set("list", [n.to_string()].into_iter().collect::<Array>());
        attributes.set("list", n);
        attributes.set("bytes", Value::Bytes(vec![0; 100]));
    }
    assert_eq!(attributes.get("list"), Some(ValueRef::I64(9_999)));
    assert_eq!(
        attributes.get("fixed").unwrap().as_strs().unwrap(),
        ["stays"]
    );
    assert!(attributes.weight() < 4 * 1024, "{}", attributes.weight());
}

#[test]
fn what_a_table_takes_over_keeps_its_types_and_its_dropped_count() {
    let mut given = Attributes::new();
    given.set("", 1);
    given.set("text", "äbc");
    given.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
    given.set("flag", true);
    let limits = AttributeLimits {
        count: 2,
        value_length: 2,
    };
    let mut attributes = Attributes::new();
    attributes.put_all(&limits, &given);
    let list: Vec<_> = attributes.iter().collect();
    assert_eq!(
        list,
        [
            ("text", ValueRef::Str("äb")),
            ("http.response.status_code", ValueRef::I64(200))
        ]
    );
    assert_eq!(attributes.dropped(), 2);
}

#[test]
fn a_cleared_table_is_like_new_and_keeps_its_memory() {
    let mut attributes = Attributes::with_capacity(4, 64);
    attributes.set_name("name");
    attributes.set("a", "1");
    attributes.set("", 0);
    let before = attributes.weight();
    attributes.clear();
    assert_eq!(
        (attributes.len(), attributes.dropped(), attributes.name()),
        (0, 0, "")
    );
    assert_eq!(attributes.weight(), before);
    attributes.set("b", "other text");
    assert_eq!(attributes.name(), "");
}

#[test]
fn tables_are_equal_whatever_their_order_and_history() {
    let mut one = Attributes::new();
    one.set("a", "old");
    one.set("b", 2);
    one.set("a", "1");
    let mut other = Attributes::new();
    other.set("b", 2);
    other.set("a", "1");
    assert_eq!(one, other);
    other.set("b", 3);
    assert_ne!(one, other);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        (-1e300..1e300).prop_map(Value::F64),
        "[a-z→ä]{0,80}".prop_map(|text| Value::Str(text.into())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        prop::collection::vec("[a-z]{0,9}", 0..4).prop_map(|texts| Value::Array(Array::Str(texts))),
    ]
}

proptest! {
    #[test]
    fn a_table_holds_the_last_value_of_each_key_in_the_order_of_the_first(
        sets in prop::collection::vec((0u8..24, any_value(), "[a-z]{0,30}"), 0..300),
    ) {
        let mut attributes = Attributes::new();
        let mut model: Vec<(String, Value)> = Vec::new();
        for (key, value, name) in sets {
            attributes.set_name(&name);
            let key = if key < 2 {
                let code = KeyCode::all().nth(key.into()).unwrap();
                attributes.set(KeyRef::Known(code), &value);
                code.name().to_owned()
            } else {
                let key = format!("key.{key}");
                attributes.set(&key, &value);
                key
            };
            match model.iter_mut().find(|known| known.0 == key) {
                Some(known) => known.1 = value,
                None => model.push((key, value)),
            }
            prop_assert_eq!(attributes.name(), name);
            let list: Vec<_> = attributes.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect();
            prop_assert_eq!(&list, &model);
        }
    }

    #[test]
    fn a_template_is_the_same_as_setting_all_that_it_has(
        own in prop::collection::vec((0u8..24, any_value()), 0..4),
        given in prop::collection::vec((0u8..24, any_value()), 0..24),
        name in "[a-z]{0,30}",
        count in 0usize..30,
        length in prop_oneof![0usize..40, Just(usize::MAX)],
    ) {
        const STATIC: Key<[u8]> = Key::new("a.static.name");
        let limits = AttributeLimits { count, value_length: length };
        let set = |attributes: &mut Attributes, limits, key: u8, value: &Value| match key {
            0 => attributes.put(limits, STATIC.key(), value.as_ref()),
            1..4 => {
                let code = KeyCode::all().nth(key.into()).unwrap();
                attributes.set_within(limits, KeyRef::Known(code), value);
            }
            _ => attributes.set_within(limits, &format!("key.{key}"), value),
        };
        let mut template = Attributes::new();
        template.set_name(&name);
        let (mut copied, mut alike) = (Attributes::new(), Attributes::new());
        for (key, value) in &own {
            set(&mut copied, &limits, *key, value);
            set(&mut alike, &limits, *key, value);
        }
        for (key, value) in &given {
            set(&mut template, &AttributeLimits::UNLIMITED, *key, value);
        }
        copied.put_template_within(&limits, &template);
        for (key, value) in &template {
            alike.set_within(&limits, key, value);
        }
        let list = |attributes: &Attributes| -> Vec<_> {
            attributes.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect()
        };
        prop_assert_eq!(copied.name(), name);
        prop_assert_eq!(list(&copied), list(&alike));
        prop_assert_eq!(copied.dropped(), alike.dropped());
        // And goes on as any other.
        for (key, value) in &own {
            set(&mut copied, &limits, *key, value);
            set(&mut alike, &limits, *key, value);
        }
        prop_assert_eq!(list(&copied), list(&alike));
    }
}

#[test]
fn names_that_look_alike_are_told_apart() {
    // Same ends, same length: the same mark.
    let mut attributes = Attributes::new();
    for (name, value) in [("a-1-z", 1), ("a-2-z", 2), ("a-3-z", 3), ("a-2-z", 4)] {
        attributes.set(name, value);
    }
    let told: Vec<_> = attributes
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_i64()?)))
        .collect();
    assert_eq!(told, [("a-1-z", 1), ("a-2-z", 4), ("a-3-z", 3)]);
    attributes.clear();
    assert_eq!(attributes.get("a-2-z"), None);
}

#[test]
fn prepared_names_are_kept_whether_they_have_room_by_reference_or_not() {
    let names: Vec<&'static str> = (0..20_u32)
        .map(|number| &*Box::leak(format!("shop.{number}").into_boxed_str()))
        .collect();
    let mut attributes = Attributes::new();
    for (number, name) in (0..).zip(&names) {
        let key = StaticKey::new(name).unwrap();
        assert_eq!(key.name(), *name);
        attributes.set(KeyRef::Prepared(key), number);
    }
    let found: Vec<_> = attributes.iter().map(|(key, _)| key).collect();
    assert_eq!(found, names);
    for (number, name) in (0_i64..).zip(&names) {
        assert_eq!(attributes.get(name), Some(ValueRef::I64(number)));
    }
    assert!(StaticKey::new("").is_none());
    assert!(StaticKey::new(Box::leak("x".repeat(1 << 16).into_boxed_str())).is_none());
}
