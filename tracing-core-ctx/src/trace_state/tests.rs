use proptest::prelude::*;

use super::*;

fn headers(headers: &[&str]) -> Result<String, InvalidTraceState> {
    TraceState::from_headers(headers.iter().map(|header| header.as_bytes()))
        .map(|state| state.as_str().to_owned())
}

#[test]
fn several_headers_are_one_list_in_order() {
    assert_eq!(
        headers(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]).unwrap(),
        "foo=1,bar=2,rojo=1,congo=2,baz=3"
    );
}

#[test]
fn empty_headers_and_members_are_skipped() {
    assert_eq!(headers(&["", "foo=1"]).unwrap(), "foo=1");
    assert_eq!(headers(&["foo=1", ""]).unwrap(), "foo=1");
    assert_eq!(headers(&["foo=1,, \t,bar=2,"]).unwrap(), "foo=1,bar=2");
    assert!(TraceState::from_headers([&b" , "[..]]).unwrap().is_empty());
}

#[test]
fn white_space_around_members_is_not_part_of_them() {
    assert_eq!(
        headers(&["foo=1 \t , \t bar=2, \t baz=3"]).unwrap(),
        "foo=1,bar=2,baz=3"
    );
    assert_eq!(headers(&["\t foo=1 \t"]).unwrap(), "foo=1");
}

#[test]
fn a_value_keeps_its_leading_spaces() {
    assert_eq!(headers(&["foo=  1"]).unwrap(), "foo=  1");
}

#[test]
fn of_two_members_with_one_key_the_first_is_kept() {
    assert_eq!(
        headers(&["foo=1,foo=2", "foo=3,fo=4"]).unwrap(),
        "foo=1,fo=4"
    );
}

#[test]
fn one_bad_member_spoils_the_list() {
    for bad in [
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "@foo=1,bar=2",
        "foo=bar=baz",
        "foo=,bar=3",
        "foo",
        "=1",
        "foo=\u{7f}",
        "foo=é",
    ] {
        assert!(headers(&["ok=1", bad]).is_err(), "{bad}");
    }
}

#[test]
fn level_two_keys_may_hold_at_signs_anywhere_but_first() {
    assert_eq!(
        headers(&["foo@=1,foo@@bar=1,foo@bar@baz=1,0a=1"]).unwrap(),
        "foo@=1,foo@@bar=1,foo@bar@baz=1,0a=1"
    );
}

#[test]
fn thirty_two_members_are_kept_and_thirty_three_drop_all() {
    let list = |count: usize| {
        (0..count)
            .map(|n| format!("bar{n:02}={n}"))
            .collect::<Vec<_>>()
    };
    let kept = list(32);
    let (first, second) = kept.split_at(16);
    assert_eq!(
        headers(&[&first.join(","), &second.join(",")]).unwrap(),
        kept.join(",")
    );
    assert!(headers(&[&list(33).join(",")]).is_err());
}

#[test]
fn keys_and_values_have_256_characters_at_most() {
    let (fits, too_long) = ("z".repeat(256), "z".repeat(257));
    assert!(headers(&[&format!("{fits}={fits}")]).is_ok());
    assert!(headers(&[&format!("{too_long}=1")]).is_err());
    assert!(headers(&[&format!("z={too_long}")]).is_err());
}

#[test]
fn an_update_moves_to_the_front_and_the_rightmost_gives_way() {
    let full: TraceState = (0..32)
        .map(|n| format!("k{n}={n}"))
        .collect::<Vec<_>>()
        .join(",")
        .parse()
        .unwrap();
    let state = full.with("ot", "th:8").unwrap();
    assert_eq!(state.iter().count(), 32);
    assert_eq!(state.iter().next(), Some(("ot", "th:8")));
    assert_eq!(state.get("k31"), None);
    assert!(state.with("ot", "").is_err());
    assert_eq!(state.without("ot").get("ot"), None);
    assert!(
        TraceState::EMPTY
            .with("a", "1")
            .unwrap()
            .without("a")
            .is_empty()
    );
}

#[test]
fn a_pooled_buffer_never_shows_old_text() {
    drop("first=1".parse::<TraceState>().unwrap());
    let second: TraceState = "second=2".parse().unwrap();
    let clone = second.clone();
    drop(second);
    let third: TraceState = "third=3".parse().unwrap();
    assert_eq!(clone.as_str(), "second=2");
    assert_eq!(third.as_str(), "third=3");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic_and_what_is_accepted_round_trips(
        list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4),
    ) {
        if let Ok(state) = TraceState::from_headers(list.iter().map(Vec::as_slice)) {
            prop_assert_eq!(state.as_str().parse::<TraceState>().unwrap(), state);
        }
    }

    #[test]
    fn legal_lists_are_kept_as_they_are(
        members in prop::collection::btree_map("[a-z0-9][a-z0-9_*/@-]{0,20}", "[ -+\\--<>-~]{0,20}[!-+\\--<>-~]", 1..32),
    ) {
        let text = members.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let parsed = text.parse::<TraceState>().unwrap();
        prop_assert_eq!(parsed.as_str(), text.as_str());
    }

    #[test]
    fn a_list_in_the_usual_form_is_read_as_member_by_member(
        members in prop::collection::vec("[a-c]{0,3}=?[ -~]{0,4}|[a-z]{1,9}=[!-+--<>-~]{1,20}|\\PC{0,3}", 0..40),
        long in 250usize..260,
        place in 0usize..80,
    ) {
        let list = members.join(",");
        let at = list.char_indices().map(|(at, _)| at).nth(place).unwrap_or_default();
        let longer = format!("{}{}{}", &list[..at], "x".repeat(long), &list[at..]);
        for text in [list, longer] {
            let mut reader = Reader::new();
            let by_member = reader.read(text.as_bytes()).map(|()| reader.finish());
            let at_once = TraceState::from_header(text.as_bytes());
            prop_assert_eq!(&at_once, &by_member);
            if let (Ok(at_once), Ok(by_member)) = (at_once, by_member) {
                prop_assert_eq!(at_once.0.keys(), by_member.0.keys());
            }
        }
    }
}
