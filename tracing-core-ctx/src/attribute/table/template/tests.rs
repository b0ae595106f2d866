use proptest::prelude::*;

use crate::attribute::{Attributes, Value};
use crate::limits::AttributeLimits;

/// What is done with the memory of a span while it is that of one span.
#[derive(Clone, Debug)]
enum Step {
    Template(usize),
    Set(u8, Value),
    SetNew(u8, Value),
    Name(String),
}

fn any_step() -> impl Strategy<Value = Step> {
    let value = || {
        prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[a-z]{0,12}".prop_map(Value::from),
            Just(Value::from(
                "a longer text than all of the others are".to_owned()
            )),
        ]
    };
    prop_oneof![
        4 => (0..TEMPLATES).prop_map(Step::Template),
        2 => (0u8..6, value()).prop_map(|(key, value)| Step::Set(key, value)),
        2 => (6u8..12, value()).prop_map(|(key, value)| Step::SetNew(key, value)),
        1 => "[a-z]{0,9}".prop_map(Step::Name),
    ]
}

const TEMPLATES: usize = 3;

/// They differ in one value and in their lengths.
fn templates() -> [Attributes; TEMPLATES] {
    [0, 1, 2].map(|number| {
        let mut attributes = Attributes::new();
        attributes.set_name(["GET", "", "GET /items"][number]);
        attributes.set("key.0", ["one", "two", ""][number]);
        attributes.set("key.1", 7);
        attributes.set("a.constant", "text");
        if number == 2 {
            attributes.set("key.2", "more");
        }
        attributes.become_template();
        attributes
    })
}

fn run(attributes: &mut Attributes, templates: &[Attributes], steps: &[Step]) {
    let limits = AttributeLimits::UNLIMITED;
    let mut has_set = [false; 12];
    for step in steps {
        match step {
            Step::Template(number) => attributes.put_template_within(&limits, &templates[*number]),
            Step::Set(key, value) => attributes.set(&format!("key.{key}"), value),
            Step::SetNew(key, value) if !has_set[usize::from(*key)] => {
                has_set[usize::from(*key)] = true;
                attributes.set_new_within(&limits, &format!("key.{key}"), value);
            }
            Step::SetNew(..) => {}
            Step::Name(name) => attributes.set_name(name),
        }
    }
}

fn list(attributes: &Attributes) -> Vec<(String, Value)> {
    let each = attributes.iter();
    each.map(|(key, value)| (key.to_owned(), value.to_value()))
        .collect()
}

proptest! {
    #[test]
    fn memory_that_is_used_again_says_what_new_memory_says(
        lives in prop::collection::vec(prop::collection::vec(any_step(), 0..5), 1..8),
    ) {
        let templates = templates();
        let mut used = Attributes::new();
        for steps in &lives {
            used.clear();
            let mut new = Attributes::new();
            run(&mut used, &templates, steps);
            run(&mut new, &templates, steps);
            prop_assert_eq!(used.name(), new.name());
            prop_assert_eq!(list(&used), list(&new));
            prop_assert_eq!(used.template_part(), new.template_part());
            // What it says of itself is true.
            if let Some(part) = used.template_part() {
                let template = templates.iter().find(|template| template.template_part() == Some(part)).unwrap();
                prop_assert_eq!(&list(&used)[..part.len], &list(template)[..]);
            }
        }
    }
}

#[test]
fn who_takes_a_template_over_says_so_until_a_value_of_it_changes() {
    let [template, other, _] = templates();
    assert_ne!(template.template_part(), other.template_part());
    let part = template.template_part().unwrap();
    assert_eq!(part.len, 3);
    let mut attributes = Attributes::new();
    for _ in 0..2 {
        attributes.clear();
        assert_eq!(attributes.template_part(), None);
        attributes.put_template(&template);
        attributes.set("key.7", "own");
        attributes.set("key.7", "own, and longer");
        attributes.set_new_within(&AttributeLimits::UNLIMITED, "key.8", 8);
        assert_eq!(attributes.template_part(), Some(part));
    }
    attributes.set("key.1", 8);
    assert_eq!(attributes.template_part(), None);
}

#[test]
fn a_template_that_changes_is_another_one() {
    let [mut template, ..] = templates();
    let mut attributes = Attributes::new();
    attributes.put_template(&template);
    let before = attributes.template_part();
    attributes.clear();
    template.set("key.0", "new");
    template.become_template();
    attributes.put_template(&template);
    assert_ne!(attributes.template_part(), before);
    assert_eq!(list(&attributes), list(&template));
}

#[test]
fn a_name_that_is_no_key_leaves_nothing_behind_in_the_memory() {
    let [template, ..] = templates();
    let mut attributes = Attributes::new();
    attributes.put_template(&template);
    attributes.clear();
    attributes.set(&"x".repeat(1 << 16), 1);
    attributes.put_template(&template);
    assert_eq!(list(&attributes), list(&template));
}

#[test]
fn a_template_may_learn_from_who_took_it_over_and_has_more() {
    let [mut template, ..] = templates();
    let mut attributes = Attributes::new();
    attributes.put_template(&template);
    attributes.set("key.7", "own");
    template.clear();
    template.put_template(&attributes);
    assert_eq!(list(&template), list(&attributes));
}
