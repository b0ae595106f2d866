use proptest::prelude::*;

use super::*;
use crate::propagation::tests::{Headers, caller, extract, inject};
use crate::propagation::{Composite, TraceContextAndBaggage};

/// Names, values and metadata that `headers` give, and how many values could not be read.
fn read<V: AsRef<[u8]>>(headers: &[V]) -> (Vec<[String; 3]>, u32) {
    let headers: Vec<_> = headers.iter().map(|header| ("baggage", header)).collect();
    let (cx, malformed) = extract(&BaggagePropagator, &headers);
    let entries = cx.baggage().iter();
    let list =
        entries.map(|entry| [entry.name(), entry.value(), entry.metadata()].map(str::to_owned));
    (list.collect(), malformed)
}

/// The only entry of `header`: its name, value and metadata.
#[track_caller]
fn one(header: &str) -> [String; 3] {
    let (mut entries, malformed) = read(&[header]);
    assert_eq!((entries.len(), malformed), (1, 0), "{header}");
    entries.remove(0)
}

/// What is sent for `baggage`.
fn sent(baggage: Baggage) -> Option<String> {
    let headers = inject(&BaggagePropagator, &Context::new().with_baggage(baggage));
    let values = headers.all("baggage");
    assert!(values.len() <= 1);
    values.first().map(|value| (*value).to_owned())
}

/// What is sent for what was read.
fn forwarded(header: &str) -> Option<String> {
    let (cx, _) = extract(&BaggagePropagator, &[("baggage", header)]);
    sent(cx.baggage().clone())
}

#[test]
fn everything_behind_the_first_equals_sign_is_value() {
    assert_eq!(
        one("SomeKey=SomeValue=equals"),
        ["SomeKey", "SomeValue=equals", ""]
    );
    assert_eq!(
        forwarded("SomeKey=SomeValue=equals").unwrap(),
        "SomeKey=SomeValue=equals"
    );
}

#[test]
fn special_characters_are_percent_encoded() {
    let encoded = "SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";
    let value = "\t \"';=asdf!@#$%^&*()";
    assert_eq!(one(encoded)[1], value);
    let again = sent(Baggage::new().with("SomeKey", value)).unwrap();
    assert_eq!(again, "SomeKey=%09%20%22'%3B=asdf!@#$%25^&*()");
    assert_eq!(one(&again)[1], value);
}

#[test]
fn blanks_around_every_token_are_stripped() {
    let header = "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 \t = \t SomeValue2 \t ; \t ValueProp \t = \t PropVal";
    let expected = [
        ["SomeKey", "SomeValue", "SomeProp"],
        ["SomeKey2", "SomeValue2", "ValueProp \t = \t PropVal"],
    ];
    let (entries, malformed) = read(&[header]);
    assert_eq!(
        (entries, malformed),
        (expected.map(|entry| entry.map(str::to_owned)).to_vec(), 0)
    );
}

#[test]
fn values_are_percent_encoded_utf8() {
    let (entries, _) = read(&["userId=Am%C3%A9lie,serverNode=DF%2028"]);
    assert_eq!(entries[0][..2], ["userId", "Amélie"]);
    assert_eq!(entries[1][..2], ["serverNode", "DF 28"]);
    assert_eq!(
        forwarded("userId=Am%C3%A9lie,serverNode=DF%2028").unwrap(),
        "userId=Am%C3%A9lie,serverNode=DF%2028"
    );
}

#[test]
fn several_headers_are_one_list_in_order() {
    let (entries, malformed) = read(&[
        "userId =   alice",
        "serverNode = DF%2028, isProduction = false",
    ]);
    let pairs: Vec<_> = entries
        .iter()
        .map(|[name, value, _]| format!("{name}={value}"))
        .collect();
    assert_eq!(
        (pairs, malformed),
        (
            ["userId=alice", "serverNode=DF 28", "isProduction=false"]
                .map(str::to_owned)
                .to_vec(),
            0
        )
    );
}

#[test]
fn an_encoded_percent_sign_stays_one() {
    assert_eq!(one("share=50%25")[1], "50%");
    assert_eq!(forwarded("share=50%25").unwrap(), "share=50%25");
}

#[test]
fn a_stray_percent_sign_stands_for_itself() {
    assert_eq!(one("share=50%")[1], "50%");
    assert_eq!(one("share=%zz%4")[1], "%zz%4");
    assert_eq!(forwarded("share=%zz").unwrap(), "share=%25zz");
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    assert_eq!(one("a=x%ffy")[1], "x\u{fffd}y");
    assert_eq!(forwarded("a=x%ffy").unwrap(), "a=x%EF%BF%BDy");
}

#[test]
fn a_plus_sign_is_no_space() {
    assert_eq!(one("a=1+1")[1], "1+1");
}

#[test]
fn a_value_may_be_empty() {
    assert_eq!(one("a="), ["a", "", ""]);
    assert_eq!(forwarded("a=").unwrap(), "a=");
}

#[test]
fn keys_are_tokens_as_they_stand() {
    assert_eq!(one("a%41!#$&'*+-.^_`|~=1")[0], "a%41!#$&'*+-.^_`|~");
    let (entries, _) = read(&["Key=1,key=2"]);
    assert_eq!(entries.len(), 2);
}

#[test]
fn properties_are_kept_and_sent_as_they_came() {
    let header = "a=1;p=%20x;q;r=\"s\\t\",b=2";
    assert_eq!(read(&[header]).0[0], ["a", "1", "p=%20x;q;r=\"s\\t\""]);
    assert_eq!(forwarded(header).unwrap(), header);
    assert_eq!(one("a=1;"), ["a", "1", ""]);
}

#[test]
fn tabs_between_properties_are_sent_as_spaces() {
    assert_eq!(forwarded("a=1;p\t;q").unwrap(), "a=1;p ;q");
}

#[test]
fn malformed_members_are_skipped_and_counted() {
    for bad in [
        "novalue",
        "=1",
        " = 1",
        "k y=1",
        "k\u{e9}=1",
        "\"k\"=1",
        "k=a b",
        "k=a\"b",
        "k=a\\b",
        "k=\u{e9}",
        "k=\u{7f}",
        "k=1;p\u{1}",
        "k=1;\u{e9}",
        ";p",
    ] {
        let (entries, malformed) = read(&[format!("a=1,{bad},b=2")]);
        assert_eq!((entries.len(), malformed), (2, 1), "{bad}");
    }
    assert_eq!(read(&[&b"a=1,k=\xff,\xff=1"[..]]).1, 2);
}

#[test]
fn empty_members_are_no_error() {
    let (entries, malformed) = read(&["", " , a=1,,\t,b=2,"]);
    assert_eq!((entries.len(), malformed), (2, 0));
}

#[test]
fn the_last_value_of_a_name_counts() {
    let (entries, malformed) = read(&["a=1,b=2", "a=3"]);
    assert_eq!((entries.len(), malformed), (2, 0));
    assert_eq!(entries[0][..2], ["a", "3"]);
}

#[test]
fn baggage_does_not_depend_on_a_valid_traceparent() {
    for traceparent in ["", "nonsense"] {
        let headers = [("traceparent", traceparent), ("baggage", "a=1")];
        let (cx, _) = extract(&TraceContextAndBaggage, &headers);
        assert_eq!((caller(&cx), cx.baggage().get("a")), (None, Some("1")));
    }
}

#[test]
fn without_the_header_the_context_is_as_it_was() {
    let none: [(&str, &str); 0] = [];
    let (cx, malformed) = extract(&BaggagePropagator, &none);
    assert_eq!((cx.baggage().len(), malformed), (0, 0));
}

#[test]
fn empty_baggage_sends_no_header() {
    assert_eq!(sent(Baggage::new()), None);
    assert_eq!(sent(Baggage::new().with("a", "1").without("a")), None);
}

#[test]
fn baggage_of_which_nothing_can_be_sent_replaces_a_stale_header_by_none() {
    let mut headers = Headers::new(&[("baggage", "stale=1")]);
    let cx = Context::new().with_baggage(Baggage::new().with("no token", "1"));
    BaggagePropagator.inject(&cx, &mut headers);
    assert_eq!(headers.len(), 0);
}

#[test]
fn a_header_is_replaced_and_not_doubled() {
    let mut headers = Headers::new(&[("Baggage", "stale=1"), ("baggage", "stale=2")]);
    let cx = Context::new().with_baggage(Baggage::new().with("a", "1"));
    BaggagePropagator.inject(&cx, &mut headers);
    assert_eq!(headers.all("baggage"), ["a=1"]);
}

#[test]
fn what_would_break_the_header_is_not_sent() {
    let baggage: Baggage = [
        Entry::new("a b", "1", ""),
        Entry::new("a\r\nx", "1", ""),
        Entry::new("b", "\r\nx-evil: 1", ""),
        Entry::new("c", "1", "p,evil=1"),
        Entry::new("d", "1", "p\r\nx-evil: 1"),
        Entry::new("e", "1", "é"),
        Entry::new("f", "1", " p "),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        sent(baggage).unwrap(),
        "b=%0D%0Ax-evil:%201,c=1,d=1,e=1,f=1;p"
    );
}

#[test]
fn exactly_8192_bytes_are_kept() {
    let header = format!("a={}", "x".repeat(8190));
    assert_eq!(one(&header)[1].len(), 8190);
    assert_eq!(forwarded(&header).unwrap(), header);

    let two = [format!("a={}", "x".repeat(8186)), "b=1".to_owned()];
    let (entries, malformed) = read(&[&two[0], &two[1][..2]]);
    assert_eq!(
        (entries.len(), malformed),
        (2, 0),
        "8188 bytes, a comma and 2 bytes"
    );
    let (entries, malformed) = read(&[two[0].as_str(), "bb=1"]);
    assert_eq!(
        (entries.len(), malformed),
        (1, 1),
        "8188 bytes, a comma and 4 bytes"
    );
}

#[test]
fn beyond_8192_bytes_whole_members_are_dropped() {
    let header = format!("a=1,b={},c=1", "x".repeat(8190));
    let (entries, malformed) = read(&[header.as_str(), "d=1", "e=1"]);
    assert_eq!((entries.len(), malformed), (1, 1));
    assert_eq!(entries[0][0], "a");
}

#[test]
fn exactly_64_members_are_kept() {
    let members: Vec<_> = (0..64).map(|n| format!("key{n:02}=value")).collect();
    let (entries, malformed) = read(&[members.join(",")]);
    assert_eq!((entries.len(), malformed), (64, 0));
    assert_eq!(read(&members).0.len(), 64);
    assert_eq!(forwarded(&members.join(",")).unwrap(), members.join(","));

    let (entries, malformed) = read(&[format!("{},key64=value", members.join(","))]);
    assert_eq!((entries.len(), malformed), (64, 1));
}

#[test]
fn malformed_members_take_no_place() {
    let header = format!("{}a=1", "x,".repeat(100));
    assert_eq!(read(&[header]).0.len(), 1);
}

#[test]
fn baggage_of_ten_thousand_members_is_cut_to_what_the_limits_allow() {
    let members: Vec<_> = (0..10_000).map(|n| format!("key{n}=value{n}")).collect();
    let (entries, malformed) = read(&[members.join(",")]);
    assert_eq!(entries.len(), 64);
    // The rest of the first 8192 bytes, member by member, and all the others as one.
    assert!((1..8192 / 15).contains(&malformed), "{malformed}");
}

#[test]
fn a_bomb_of_headers_is_not_looked_at_beyond_the_limit() {
    // A hundred headers of a megabyte with a malformed member at every second byte: were they all read, the count would tell.
    let bomb = vec!["x,".repeat(1 << 19); 100];
    let (entries, malformed) = read(&bomb);
    assert_eq!((entries.len(), malformed), (0, 4096 + 1));

    let long = vec!["a=".to_owned() + &"x".repeat(1 << 20); 100];
    assert_eq!(read(&long), (vec![], 1));

    let many: Vec<_> = (0..100).map(|n| format!("k{n}=1")).collect();
    assert_eq!(read(&many).0.len(), 64);
}

#[test]
fn at_most_64_members_and_8192_bytes_are_sent() {
    let many: Baggage = (0..100)
        .map(|n| Entry::new(format!("k{n}"), "1", ""))
        .collect();
    assert_eq!(sent(many).unwrap().split(',').count(), 64);

    let long = Baggage::new()
        .with("a", "1")
        .with("b", "x".repeat(8187))
        .with("c", " ".repeat(3000))
        .with("d", "x".repeat(10 << 20))
        .with("e", "1");
    assert_eq!(sent(long).unwrap(), "a=1,e=1", "whole members only");
    let exact = Baggage::new().with("a", "1").with("b", "x".repeat(8186));
    assert_eq!(sent(exact).unwrap().len(), 8192);
}

#[test]
fn entries_the_context_has_already_are_left_alone() {
    let cx = Context::new().with_baggage(Baggage::new().with("a", "ours"));
    let mut extraction = Extraction::new(cx);
    let both = Composite::default().and(BaggagePropagator);
    both.extract(
        &mut extraction,
        &Headers::new(&[("baggage", "a=theirs,b=2")]),
    );
    let baggage = extraction.context().baggage();
    assert_eq!(
        (baggage.get("a"), baggage.get("b")),
        (Some("ours"), Some("2"))
    );
}

proptest! {
    #[test]
    fn what_is_sent_is_read_back(
        entries in proptest::collection::vec(("[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}", ".{0,40}", "([!-+.-~]{1,20})?"), 0..20)
    ) {
        let baggage: Baggage = entries.into_iter().map(|(name, value, metadata)| Entry::new(name, value, metadata)).collect();
        match sent(baggage.clone()) {
            None => prop_assert!(baggage.is_empty()),
            Some(header) => {
                let (cx, malformed) = extract(&BaggagePropagator, &[("baggage", header)]);
                prop_assert_eq!(malformed, 0);
                prop_assert_eq!(cx.baggage().iter().collect::<Vec<_>>(), baggage.iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_was_read_is_sent_so_that_it_reads_the_same(headers in proptest::collection::vec("[ -~\t\u{e9}]{0,60}|([a-c]=[%0-9a-f;=]{0,9},){0,9}", 0..4)) {
        let headers: Vec<_> = headers.iter().map(|header| ("baggage", header)).collect();
        let (cx, _) = extract(&BaggagePropagator, &headers);
        let again = forwarded(&sent(cx.baggage().clone()).unwrap_or_default());
        prop_assert_eq!(again, sent(cx.baggage().clone()));
    }

    #[test]
    fn reading_never_panics(headers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4)) {
        let (entries, _) = read(&headers);
        prop_assert!(entries.len() <= MAX_MEMBERS);
    }
}
