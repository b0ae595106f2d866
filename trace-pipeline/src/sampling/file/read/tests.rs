use proptest::prelude::*;
use tracing_core_ctx::Sampler as _;

use super::*;

fn problem(text: &str) -> String {
    RulesFile::parse(text).unwrap_err().to_string()
}

#[test]
fn a_file_that_says_nothing_is_refused_and_one_that_keeps_all_says_so() {
    for text in ["", "\n", "# soon\n"] {
        assert_eq!(
            problem(text),
            "it says nothing; `otherwise = 1.0` keeps all"
        );
    }
    let file = RulesFile::parse("otherwise = 1.0").unwrap();
    assert_eq!(file.rules.description(), "Rules{0}");
    assert_eq!(file.tail, None);
}

#[test]
fn the_rules_of_a_tail_are_those_of_code() {
    let file = RulesFile::parse(
        r#"
        [tail]
        limit = 50
        bytes = 1000000
        wait_seconds = 2.5
        part_spans = 10
        keep = [
            { when = "error" },
            { when = "slower_than", seconds = 1.5 },
            { when = "slowest", share = 0.01 },
            { when = "endpoint", route = "/pay/*", probability = 0.5, reason = "payment" },
            { when = "attribute", key = "user.tier", value = "gold" },
            { when = "attribute", key = "shop.items", value = 3 },
            { when = "rare" },
            { when = "thinned", probability = 0.5 },
            { when = "always", probability = 0.1 },
        ]
        "#,
    );
    let expected = Tail::new()
        .limit(50)
        .bytes(1_000_000)
        .wait(Duration::from_millis(2500))
        .part_spans(10)
        .keep(Keep::errors())
        .keep(Keep::slower_than(Duration::from_millis(1500)))
        .keep(Keep::slowest(0.01))
        .keep(Keep::endpoint("/pay/*").at(0.5).because("payment"))
        .keep(Keep::attribute("user.tier", "gold"))
        .keep(Keep::attribute("shop.items", 3))
        .keep(Keep::rare())
        .keep(Keep::thinned(0.5))
        .keep(Keep::probability(0.1).because("probability"));
    assert_eq!(file.unwrap().tail, Some(expected));
}

#[test]
fn the_rates_of_a_rule_are_those_of_code() {
    let minute = Duration::from_secs(60);
    for (keep, expected) in [
        (
            "{ per_second = 5 }",
            Rule::new().limit(RateLimit::per_second(5)),
        ),
        (
            "{ traces = 3, seconds = 60 }",
            Rule::new().limit(RateLimit::per(3, minute)),
        ),
        (
            "{ probability = 0.001, at_least = 1, seconds = 60.0 }",
            Rule::new().at_least(0.001, RateLimit::per(1, minute)),
        ),
        (
            "{ probability = 0.5, at_least = 7 }",
            Rule::new().at_least(0.5, RateLimit::per_second(7)),
        ),
        (
            "{ target = 2.0 }",
            Rule::new().adaptive(Adaptive::per_second(2.0)),
        ),
        (
            "{ target = 2.0, after_deployment = 5.0, deployment_seconds = 60.0 }",
            Rule::new().adaptive(Adaptive::per_second(2.0).after_deployment(5.0, minute)),
        ),
    ] {
        let rule: HeadRule = toml::from_str(&format!("keep = {keep}")).unwrap();
        assert!(rule.read().unwrap().take_over(&expected), "{keep}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, expected) in [
        (
            "otherwise = 2",
            "`otherwise` is 2, but should be from 0 to 1",
        ),
        (
            "otherwise = nan",
            "`otherwise` is NaN, but should be from 0 to 1",
        ),
        (
            "[[rule]]\nkeep = 1.5",
            "rule 1: `keep` is 1.5, but should be from 0 to 1",
        ),
        (
            "[[rule]]\nkeep = 2",
            "rule 1: `keep` is 2, but should be from 0 to 1",
        ),
        (
            "[[rule]]\nkeep = 1\n[[rule]]\nkeep = \"often\"",
            "rule 2: `keep` is `often`, but should be always, never, or a number from 0 to 1",
        ),
        (
            "[[rule]]\nkind = \"servant\"\nkeep = 1",
            "rule 1: `kind` is `servant`, but should be client, consumer, internal, producer or server",
        ),
        (
            "[[rule]]\nkeep = { target = -1.0 }",
            "rule 1: `target` is -1, but should be 0 or more",
        ),
        (
            "[[rule]]\nkeep = { probability = 2.0, at_least = 1 }",
            "rule 1: `probability` is 2, but should be from 0 to 1",
        ),
        (
            "[[rule]]\nkeep = { traces = 1, seconds = -1 }",
            "rule 1: `seconds` is -1, but should be a number of seconds",
        ),
        (
            "[[tail.keep]]\nwhen = \"slowest\"",
            "tail.keep 1: `share` is missing",
        ),
        (
            "[[tail.keep]]\nwhen = \"error\"\nseconds = 1.0",
            "tail.keep 1: `seconds` says nothing here",
        ),
        (
            "[tail]\nwait_seconds = -1.0",
            "tail: `wait_seconds` is -1, but should be a number of seconds",
        ),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
    for (text, part) in [
        ("otherwise = ", "line 1"),
        ("other = 1", "unknown field `other`"),
        ("\n[[rule]]\nkeep = true", "line 3"),
        ("[[rule]]\nroute = \"/\"", "missing field `keep`"),
        ("[[tail.keep]]\nwhen = \"slow\"", "unknown variant `slow`"),
    ] {
        assert!(problem(text).contains(part), "{}", problem(text));
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = RulesFile::parse(&text);
    }

    #[test]
    fn no_values_make_it_panic(
        key in prop_oneof!["otherwise", "own_rates", "rule.keep", "tail.limit", "tail.wait_seconds", "tail.keep.share"],
        value in prop_oneof!["-?[0-9]{1,25}", "-?[0-9]{1,5}\\.[0-9]{1,5}e[0-9]{1,3}", "nan", "inf", "true", "\"[a-z]{0,5}\"", "\\[\\]", "\\{\\}"],
    ) {
        let text = match key.rsplit_once('.') {
            Some(("tail", name)) => format!("[tail]\n{name} = {value}"),
            Some(("tail.keep", name)) => format!("[[tail.keep]]\nwhen = \"slowest\"\n{name} = {value}"),
            Some((table, name)) => format!("[[{table}]]\n{name} = {value}"),
            None => format!("{key} = {value}"),
        };
        let _ = RulesFile::parse(&text);
    }

    #[test]
    fn a_probability_is_read_as_it_is_written(probability in 0.0f64..=1.0) {
        let text = format!("[[tail.keep]]\nwhen = \"always\"\nprobability = {probability:?}");
        let tail = RulesFile::parse(&text).unwrap().tail;
        prop_assert_eq!(tail, Some(Tail::new().keep(Keep::probability(probability))));
    }
}

#[test]
fn what_would_drop_everything_or_mean_something_else_is_refused() {
    let refused = [
        (
            "[tail]\nbytes = 0",
            "tail: `bytes` is 0, but should be 1000000 or more",
        ),
        (
            "[[rule]]\nkeep = { traces = 3, seconds = 0.2 }",
            "rule 1: `seconds` is 0.2, but should be 1 or more",
        ),
        (
            "[[rule]]\nkeep = { probability = 0.1, at_least = 1, seconds = 0.5 }",
            "rule 1: `seconds` is 0.5, but should be 1 or more",
        ),
    ];
    for (text, expected) in refused {
        assert_eq!(problem(text), expected);
    }
    for text in [
        "[tail]\nbytes = 1000000",
        "[[rule]]\nkeep = { traces = 3, seconds = 1 }",
    ] {
        assert!(RulesFile::parse(text).is_ok(), "{text}");
    }
}
