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
