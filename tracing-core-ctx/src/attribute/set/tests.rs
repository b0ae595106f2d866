use proptest::prelude::*;

use super::*;

#[test]
fn an_entry_is_two_words_of_key_and_two_of_value() {
    assert_eq!(size_of::<Entry>(), 32);
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
    let before = attributes.weight();
    attributes.set_name("name");
    attributes.set("a", "1");
    attributes.set("", 0);
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
        "[a-z→ä]{0,80}".prop_map(|text| Value::Str(text.into())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        prop::collection::vec("[a-z]{0,9}", 0..4).prop_map(|texts| Value::Array(Array::Str(texts))),
    ]
}

proptest! {
    #[test]
    fn a_table_holds_the_last_value_of_each_key_in_the_order_of_the_first(
        sets in prop::collection::vec((0u8..6, any_value(), "[a-z]{0,30}"), 0..300),
    ) {
        let mut attributes = Attributes::new();
        let mut model: Vec<(String, Value)> = Vec::new();
        for (key, value, name) in sets {
            let key = format!("key.{key}");
            attributes.set_name(&name);
            attributes.set(&key, &value);
            match model.iter_mut().find(|known| known.0 == key) {
                Some(known) => known.1 = value,
                None => model.push((key, value)),
            }
            prop_assert_eq!(attributes.name(), name);
            let list: Vec<_> = attributes.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect();
            prop_assert_eq!(&list, &model);
        }
    }
}
