use proptest::prelude::*;

use super::*;

fn url(text: &str) -> String {
    SensitiveKeys::default().redact_url(text).into_owned()
}

fn query(text: &str) -> String {
    SensitiveKeys::default().redact_query(text).into_owned()
}

/// The same URL through [`SensitiveKeys::write_url`], which gets it in pieces.
fn written(scheme: &str, authority: &str, path_and_query: &str) -> String {
    let mut out = String::new();
    SensitiveKeys::default()
        .write_url(&mut out, scheme, authority, path_and_query)
        .unwrap();
    out
}

#[test]
fn user_information_and_signature_of_the_conventions_are_redacted() {
    let expected = "https://REDACTED:REDACTED@h/x?sig=REDACTED&color=blue";
    assert_eq!(url("https://u:p@h/x?sig=abc&color=blue"), expected);
    assert_eq!(written("https", "u:p@h", "/x?sig=abc&color=blue"), expected);
}

#[test]
fn names_are_case_sensitive() {
    assert_eq!(query("SIG=abc"), "SIG=abc");
    assert_eq!(query("signature=abc"), "signature=abc");
    assert_eq!(url("https://h/?SIG=abc"), "https://h/?SIG=abc");
}

#[test]
fn repeated_name_is_redacted_each_time() {
    assert_eq!(query("sig=a&x=1&sig=b"), "sig=REDACTED&x=1&sig=REDACTED");
}

#[test]
fn name_without_value_stays() {
    assert_eq!(query("sig"), "sig");
    assert_eq!(url("https://h/?sig&x=1"), "https://h/?sig&x=1");
}

#[test]
fn the_seven_names_are_the_default() {
    for name in [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "Signature",
        "sig",
        "X-Goog-Signature",
    ] {
        assert_eq!(query(&format!("{name}=secret")), format!("{name}=REDACTED"));
    }
    assert_eq!(SensitiveKeys::default().names.len(), 7);
}

#[test]
fn order_and_everything_else_are_kept() {
    for (text, expected) in [
        ("", ""),
        ("&&", "&&"),
        ("=abc", "=abc"),
        ("sig=", "sig=REDACTED"),
        ("b=2&sig=x&a=1", "b=2&sig=REDACTED&a=1"),
        ("sig=a=b==", "sig=REDACTED"),
        ("sig=%41&&x", "sig=REDACTED&&x"),
        ("xsig=1&sigx=2", "xsig=1&sigx=2"),
        ("sig =1", "sig =1"),
        ("ключ=значение&sig=тайна", "ключ=значение&sig=REDACTED"),
    ] {
        assert_eq!(query(text), expected, "{text}");
    }
}

#[test]
fn percent_encoded_name_does_not_leak() {
    for name in ["%73ig", "s%69g", "%73%69%67", "X%2DAmz%2dSignature"] {
        assert_eq!(query(&format!("{name}=abc")), format!("{name}=REDACTED"));
    }
    for text in [
        "%7=abc",
        "%=abc",
        "%zzsig=abc",
        "%2573ig=abc",
        "si%g=abc",
        "%E4sig=abc",
        "%+9ig=a",
    ] {
        assert_eq!(query(text), text);
    }
    let keys = SensitiveKeys::none().extend(["pass word"]);
    assert_eq!(
        keys.redact_query("pass+word=a&pass%20word=b"),
        "pass+word=REDACTED&pass%20word=REDACTED"
    );
}

#[test]
fn semicolon_and_question_mark_begin_a_parameter() {
    for (text, expected) in [
        ("a=1;sig=x;b=2", "a=1;sig=REDACTED;b=2"),
        ("sig=ab;cd&e=f", "sig=REDACTED&e=f"),
        ("sig=ab?cd;ef&e=f", "sig=REDACTED&e=f"),
        (
            "next=https://b/x?sig=abc;d&e=f",
            "next=https://b/x?sig=REDACTED&e=f",
        ),
        ("?sig=abc", "?sig=REDACTED"),
    ] {
        assert_eq!(query(text), expected, "{text}");
    }
}

#[test]
fn own_names_add_to_the_list_and_none_empties_it() {
    let keys = SensitiveKeys::default().extend(["api_key", "sig"]);
    assert_eq!(
        keys.redact_query("api_key=k&sig=s&API_KEY=k"),
        "api_key=REDACTED&sig=REDACTED&API_KEY=k"
    );
    assert_eq!(keys.names.len(), 8);

    let none = SensitiveKeys::none();
    assert_eq!(none.redact_query("sig=abc"), "sig=abc");
    assert_eq!(
        none.redact_url("https://u:p@h/?sig=abc"),
        "https://REDACTED:REDACTED@h/?sig=abc"
    );
}

#[test]
fn keys_of_every_shape_are_found() {
    let long = "k".repeat(100);
    for key in ["", " ", " a", "a b", "%", "+", "é", "=", "&", long.as_str()] {
        let keys = SensitiveKeys::none().extend([key.to_owned()]);
        let encoded: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let text = format!("{encoded}=secret");
        let expected = format!("{encoded}=REDACTED");
        assert_eq!(keys.redact_query(&text), expected, "{key:?}");
        let text = format!("a=b&{text}&kk=c&c=d");
        let expected = format!("a=b&{expected}&kk=c&c=d");
        assert_eq!(keys.redact_query(&text), expected, "{key:?}");
    }
    let keys = SensitiveKeys::none().extend([long.clone()]);
    let text = format!("{long}=secret&{long}k=clear&k{}=clear", &long[..98]);
    let expected = text.replace("secret", "REDACTED");
    assert_eq!(keys.redact_query(&text), expected);
}

#[test]
fn clean_text_is_borrowed() {
    let keys = SensitiveKeys::default();
    for text in [
        "https://example.com/a?b=c#d",
        "https://REDACTED:REDACTED@h/?sig=REDACTED",
        "https://REDACTED@h/#sig=REDACTED",
        "",
    ] {
        assert!(matches!(keys.redact_url(text), Cow::Borrowed(same) if same == text));
    }
    assert!(matches!(
        keys.redact_query("a=b&sig=REDACTED"),
        Cow::Borrowed(_)
    ));
}

#[test]
fn user_information_is_redacted_part_by_part() {
    for (text, expected) in [
        ("https://ann@h/x", "https://REDACTED@h/x"),
        ("https://ann:pw@h", "https://REDACTED:REDACTED@h"),
        ("https://:pw@h/", "https://REDACTED:REDACTED@h/"),
        ("https://ann:@h/", "https://REDACTED:REDACTED@h/"),
        ("https://@h/", "https://@h/"),
        (
            "https://ann:p@w@h:8443/",
            "https://REDACTED:REDACTED@h:8443/",
        ),
        (
            "https://ann:pw@[::1]:8443/",
            "https://REDACTED:REDACTED@[::1]:8443/",
        ),
        (
            "amqp://guest:guest@mq/%2f",
            "amqp://REDACTED:REDACTED@mq/%2f",
        ),
    ] {
        assert_eq!(url(text), expected, "{text}");
    }
}

#[test]
fn at_sign_after_the_authority_is_no_user_information() {
    for text in [
        "https://example.com/@ann/posts",
        "https://example.com:8080/users/ann@example.com",
        "https://[::1]:80/x@y",
        "https://münchen.example/x@y",
        "https://example.com?mail=ann@example.com",
        "https://example.com#ann@example.com",
        "localhost:8080/@ann",
        "/@ann/posts",
        "relative/@ann",
        "?mail=ann@example.com",
    ] {
        assert_eq!(url(text), text);
    }
}

#[test]
fn broken_url_does_not_leak_user_information() {
    for text in [
        "//ann:pw@h/x",
        "ann:pw@h/x",
        "https:ann:pw@h/x",
        "https:/ann:pw@h/x",
        "https:////ann:pw@h/x",
        "https:\\\\ann:pw@h\\x",
        "\\\\ann:pw@h/x",
        " https://ann:pw@h/x",
        "https:/\t/ann:pw@h/x",
        "ht\ntps://ann:pw@h/x",
        "://ann:pw@h/x",
        "https://ann:p/w@h/x",
        "https://ann:p?w@h/x",
        "https://ann:p#w@h/x",
        "https://ann:p\\w@h/x",
        "https://ann pw/@h/x",
        "https://:pw/ann@h/x",
        "https://ann:/pw@h/x",
        "https://?ann:pw@h/x",
        "https://[ann/pw@h/x",
        "ann:p/w@h/x",
    ] {
        let redacted = url(text);
        assert!(!redacted.contains("ann"), "{text} became {redacted}");
        assert!(!redacted.contains("pw"), "{text} became {redacted}");
        assert!(redacted.contains("REDACTED@h"), "{text} became {redacted}");
    }
}

#[test]
fn fragment_is_kept_and_its_parameters_redacted() {
    for (text, expected) in [
        ("https://h/x#top", "https://h/x#top"),
        ("https://h/x?a=b#top", "https://h/x?a=b#top"),
        ("https://h/x?sig=a#sig", "https://h/x?sig=REDACTED#sig"),
        (
            "https://h/#access_token=t&sig=abc",
            "https://h/#access_token=t&sig=REDACTED",
        ),
        (
            "https://h/#/route?sig=abc",
            "https://h/#/route?sig=REDACTED",
        ),
        ("https://h/#a?b#sig=abc", "https://h/#a?b#sig=REDACTED"),
    ] {
        assert_eq!(url(text), expected, "{text}");
    }
    let keys = SensitiveKeys::default().extend(["access_token"]);
    assert_eq!(
        keys.redact_url("https://h/#access_token=t&sig=abc"),
        "https://h/#access_token=REDACTED&sig=REDACTED"
    );
}

#[test]
fn url_in_pieces_is_written_with_what_there_is() {
    assert_eq!(written("http", "h:80", "/a?b=c"), "http://h:80/a?b=c");
    assert_eq!(
        written("http", "ann@h", "/?sig=a"),
        "http://REDACTED@h/?sig=REDACTED"
    );
    assert_eq!(written("http", "h", ""), "http://h");
    assert_eq!(written("", "h", "/a"), "//h/a");
    assert_eq!(written("http", "", "/a?sig=b"), "/a?sig=REDACTED");
    assert_eq!(written("", "", "*"), "*");
}

/// Marks a secret; its letters come up nowhere else in the generated URLs.
const MARKER: &str = "ZQXJ";

prop_compose! {
    fn secret(noise: &'static str)(before in noise, after in noise) -> String {
        format!("{before}{MARKER}{after}")
    }
}

proptest! {
    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "\\PC{0,60}") {
        let once = url(&text);
        prop_assert_eq!(&url(&once), &once);
        let once = query(&text);
        prop_assert_eq!(&query(&once), &once);
    }

    #[test]
    fn text_of_delimiters_is_redacted_once_and_for_all(
        text in "(sig|%73ig|Signature|REDACTED|a|:|/|\\\\|@|\\?|#|=|&|;|\\[|\\]|https|:80| ){0,30}",
    ) {
        let once = url(&text);
        prop_assert_eq!(&url(&once), &once);
        let once = query(&text);
        prop_assert_eq!(&query(&once), &once);
    }

    #[test]
    fn secret_in_user_information_does_not_survive(
        scheme in "(https?|wss|amqp|x\\+y)",
        slashes in prop::sample::select(vec!["://", ":/", ":///", ":\\\\", ":"]),
        user in secret("[a-z0-9%@!$&'()*+,;=._~-]{0,6}"),
        password in prop::option::of(secret("[a-z0-9%@:!$&'()*+,;=._~-]{0,6}")),
        rest in "@[a-z]{1,8}(:[0-9]{1,4})?(/[a-z@:]{0,8}){0,3}(\\?[a-z=&@:]{0,12})?(#[a-z=@]{0,8})?",
    ) {
        let password = password.map_or(String::new(), |password| format!(":{password}"));
        let redacted = url(&format!("{scheme}{slashes}{user}{password}{rest}"));
        prop_assert!(!redacted.contains(MARKER), "{}", redacted);
    }

    #[test]
    fn password_with_a_delimiter_does_not_survive(
        user in "[a-z]{1,6}",
        password in secret("[a-z/?#\\\\]{0,6}"),
        rest in "@[a-z]{1,8}(/[a-z]{0,8}){0,3}",
    ) {
        let redacted = url(&format!("https://{user}:{password}{rest}"));
        prop_assert!(!redacted.contains(MARKER), "{}", redacted);
    }

    #[test]
    fn secret_in_a_sensitive_value_does_not_survive(
        before in "([a-z]{0,3}(=[a-z;?=%@/:]{0,5})?&){0,4}",
        name in prop::sample::select(vec!["sig", "%73ig", "Signature", "X-Amz-Credential", "X%2dGoog-Signature"]),
        value in secret("[a-z0-9;?=%/:@+]{0,6}"),
        after in "(&[a-z]{0,3}(=[a-z;?=]{0,5})?){0,4}",
        mark in "[?#]",
    ) {
        let text = format!("{before}{name}={value}{after}");
        let redacted = query(&text);
        prop_assert!(!redacted.contains(MARKER), "{}", redacted);
        let expected = format!("{name}=REDACTED");
        prop_assert!(redacted.contains(&expected), "{}", redacted);
        let redacted = url(&format!("https://example.com/x{mark}{text}"));
        prop_assert!(!redacted.contains(MARKER), "{}", redacted);
        let redacted = written("https", "example.com", &format!("/x?{text}"));
        prop_assert!(!redacted.contains(MARKER), "{}", redacted);
    }

    #[test]
    fn pieces_and_text_give_the_same_url(
        authority in "([a-z]{1,4}(:[a-z]{0,4})?@)?[a-z]{1,8}(:[0-9]{1,4})?",
        path_and_query in "/[a-z/]{0,8}(\\?((sig|Signature|a)=[a-z;]{0,4}&){0,4})?",
    ) {
        prop_assert_eq!(
            written("https", &authority, &path_and_query),
            url(&format!("https://{authority}{path_and_query}"))
        );
    }
}

#[test]
fn a_path_alone_has_a_query_too() {
    let keys = SensitiveKeys::default();
    assert_eq!(keys.redact_url("/a?b=1&sig=abc"), "/a?b=1&sig=REDACTED");
    assert_eq!(keys.redact_url("/a@b?c=d"), "/a@b?c=d");
}

#[test]
fn urls_are_found_in_a_text() {
    let keys = SensitiveKeys::default();
    for (text, redacted) in [
        ("no url", "no url"),
        (":// and a://", ":// and a://"),
        (
            "GET (https://u:p@h/?sig=x) ü",
            "GET (https://REDACTED:REDACTED@h/?sig=REDACTED ü",
        ),
        ("üa://u@h\tb://u@h", "üa://REDACTED@h\tb://REDACTED@h"),
    ] {
        assert_eq!(keys.redact_text(text), redacted);
    }
}
