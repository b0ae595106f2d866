use proptest::prelude::*;

use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(*name, value);
    }
    headers
}

/// The client as `address|port`, or `-`.
fn client(lines: &[(&'static str, &str)]) -> String {
    let headers = headers(lines);
    match Forwarded::read(&headers).client {
        None => "-".into(),
        Some(Node {
            address,
            port: None,
        }) => address.into_owned(),
        Some(Node {
            address,
            port: Some(port),
        }) => format!("{address}|{port}"),
    }
}

fn host(lines: &[(&'static str, &str)]) -> Option<String> {
    let headers = headers(lines);
    Forwarded::read(&headers).host.map(Cow::into_owned)
}

fn scheme(lines: &[(&'static str, &str)]) -> Option<&'static str> {
    Forwarded::read(&headers(lines)).scheme
}

#[test]
fn without_headers_nothing_is_known() {
    assert_eq!(Forwarded::read(&HeaderMap::new()), Forwarded::default());
}

#[test]
fn examples_of_rfc_7239_are_read() {
    assert_eq!(client(&[("forwarded", r#"for="_gazonk""#)]), "_gazonk");
    assert_eq!(
        client(&[("forwarded", r#"For="[2001:db8:cafe::17]:4711""#)]),
        "2001:db8:cafe::17|4711"
    );
    let line = "for=192.0.2.60;proto=http;by=203.0.113.43";
    assert_eq!(client(&[("forwarded", line)]), "192.0.2.60");
    assert_eq!(scheme(&[("forwarded", line)]), Some("http"));
    assert_eq!(
        client(&[("forwarded", "for=192.0.2.43, for=198.51.100.17")]),
        "192.0.2.43"
    );
    assert_eq!(
        client(&[("forwarded", r#"for=_hidden, for=_SEVKISEK"#)]),
        "_hidden"
    );
}

#[test]
fn client_is_the_first_node_of_forwarded() {
    for (line, expected) in [
        ("for=192.0.2.60", "192.0.2.60"),
        (r#"for="192.0.2.60:8080""#, "192.0.2.60|8080"),
        ("for=192.0.2.60:8080", "192.0.2.60|8080"),
        ("FOR = 192.0.2.60 ; proto = http", "192.0.2.60"),
        ("proto=https;for=192.0.2.60", "192.0.2.60"),
        ("proto=https, for=192.0.2.60", "192.0.2.60"),
        ("for=[2001:db8::1]:4711", "2001:db8::1|4711"),
        (r#"for="[2001:db8::1]""#, "2001:db8::1"),
        (r#"for="2001:db8::1""#, "2001:db8::1"),
        (r#"for="[2001:db8::1]:_port""#, "2001:db8::1"),
        (r#"for="_hidden:_port""#, "_hidden"),
        (r#"for="_hidden:4711""#, "_hidden|4711"),
        (r#"for="192.0.2.\60""#, "192.0.2.60"),
        (r#"for="\[2001:db8::1\]:1""#, "2001:db8::1|1"),
        (r#", ; ,for=192.0.2.60"#, "192.0.2.60"),
        (r#"ext="a,for=10.0.0.1;\"x";for=192.0.2.60"#, "192.0.2.60"),
        ("for=192.0.2.1;for=192.0.2.2", "192.0.2.1"),
        ("junk;for=192.0.2.60", "192.0.2.60"),
    ] {
        assert_eq!(client(&[("forwarded", line)]), expected, "{line}");
    }
}

#[test]
fn what_is_no_node_is_ignored_and_the_proxy_does_not_take_its_place() {
    for line in [
        "",
        "for",
        "for=",
        "for=unknown",
        "for=unknown, for=198.51.100.17",
        "for=example.com",
        "for=example.com, for=198.51.100.17",
        "for=\"_\"",
        "for=\"_hid den\"",
        "for=user@192.0.2.60",
        "for=\"user@[::1]\"",
        "for=192.0.2",
        "for=300.0.0.1",
        "for=\"192.0.2.60",
        "for=\"192.0.2.60, for=198.51.100.17",
        "for=\"192.0.2.60\\\"",
        "for=\"[::1\"",
        "xfor=192.0.2.60",
        "for 192.0.2.60",
    ] {
        assert_eq!(client(&[("forwarded", line)]), "-", "{line}");
    }
}

#[test]
fn text_after_a_quoted_value_spoils_its_pair_only() {
    let line = r#"for="192.0.2.60"x;proto=https"#;
    assert_eq!(client(&[("forwarded", line)]), "-");
    assert_eq!(scheme(&[("forwarded", line)]), Some("https"));
}

#[test]
fn several_header_lines_are_one_list() {
    let lines = [
        ("forwarded", "proto=https"),
        ("forwarded", "for=192.0.2.60;proto=http"),
    ];
    assert_eq!(client(&lines), "192.0.2.60");
    assert_eq!(scheme(&lines), Some("https"));

    let lines = [
        ("x-forwarded-for", " , "),
        ("x-forwarded-for", "192.0.2.60, 10.0.0.1"),
    ];
    assert_eq!(client(&lines), "192.0.2.60");
}

#[test]
fn leftmost_of_x_forwarded_for_is_the_client() {
    for (line, expected) in [
        ("192.0.2.60", "192.0.2.60"),
        ("192.0.2.60, 198.51.100.17", "192.0.2.60"),
        (" ,\t192.0.2.60 ,198.51.100.17", "192.0.2.60"),
        ("192.0.2.60:50000", "192.0.2.60|50000"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1|443"),
        ("_hidden", "_hidden"),
        ("unknown, 198.51.100.17", "-"),
        ("<script>, 198.51.100.17", "-"),
        ("localhost", "-"),
        ("", "-"),
    ] {
        assert_eq!(client(&[("x-forwarded-for", line)]), expected, "{line}");
    }
}

#[test]
fn forwarded_wins_over_x_forwarded_fact_by_fact() {
    let lines = [
        ("x-forwarded-for", "198.51.100.17"),
        ("x-forwarded-host", "other.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=192.0.2.60;host=shop.example"),
    ];
    assert_eq!(client(&lines), "192.0.2.60");
    assert_eq!(host(&lines).as_deref(), Some("shop.example"));
    assert_eq!(scheme(&lines), Some("https"));
}

#[test]
fn useless_forwarded_leaves_the_word_to_x_forwarded() {
    let lines = [
        ("forwarded", "for=unknown;host=\"a b\";proto=gopher"),
        ("x-forwarded-for", "192.0.2.60"),
        ("x-forwarded-host", "shop.example:8443, proxy.example"),
        ("x-forwarded-proto", "HTTPS, http"),
    ];
    assert_eq!(client(&lines), "192.0.2.60");
    assert_eq!(host(&lines).as_deref(), Some("shop.example:8443"));
    assert_eq!(scheme(&lines), Some("https"));
}

#[test]
fn host_is_kept_with_its_port_if_it_can_be_one() {
    for (value, expected) in [
        ("shop.example", Some("shop.example")),
        ("shop.example:8080", Some("shop.example:8080")),
        ("\"[::1]:8080\"", Some("[::1]:8080")),
        (r#""sh\op.example""#, Some("shop.example")),
        ("shop.example/path", None),
        ("ann:secret@shop.example", None),
        ("\"a b\"", None),
        ("", None),
    ] {
        let line = format!("host={value}");
        assert_eq!(host(&[("forwarded", &line)]).as_deref(), expected, "{line}");
    }
}

#[test]
fn scheme_is_http_or_https() {
    for (value, expected) in [
        ("http", Some("http")),
        ("HTTPS", Some("https")),
        ("\"https\"", Some("https")),
        ("ws", Some("http")),
        ("wss", Some("https")),
        ("ftp", None),
        ("https:", None),
        ("", None),
    ] {
        let line = format!("proto={value}");
        assert_eq!(scheme(&[("forwarded", &line)]), expected, "{line}");
    }
}

#[test]
fn values_borrow_unless_escaped() {
    let headers = headers(&[("forwarded", r#"for="[::1]:1";host="h\h""#)]);
    let forwarded = Forwarded::read(&headers);
    let client = forwarded.client.unwrap();
    assert!(matches!(client.address, Cow::Borrowed("::1")));
    assert!(matches!(forwarded.host, Some(Cow::Owned(host)) if host == "hh"));
}

#[test]
fn line_that_is_not_ascii_text_ends_its_header() {
    let mut map = HeaderMap::new();
    let broken = HeaderValue::from_bytes(b"192.0.2.\xff").unwrap();
    map.append(X_FORWARDED_FOR, broken.clone());
    map.append(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.17"));
    map.append(header::FORWARDED, HeaderValue::from_static("proto=https"));
    map.append(header::FORWARDED, broken);
    map.append(
        header::FORWARDED,
        HeaderValue::from_static("for=198.51.100.17"),
    );
    let forwarded = Forwarded::read(&map);
    assert_eq!(forwarded.client, None);
    assert_eq!(forwarded.scheme, Some("https"));
}

#[test]
fn header_bomb_is_not_read() {
    let hops = "for=10.0.0.1,".repeat(5000);
    assert_eq!(client(&[("forwarded", &hops)]), "-");
    let hops = "10.0.0.1,".repeat(5000);
    assert_eq!(client(&[("x-forwarded-for", &hops)]), "-");

    let elements = format!("{}for=10.0.0.1", "a=b,".repeat(40));
    assert_eq!(client(&[("forwarded", &elements)]), "-");

    let mut lines = vec![("forwarded", "a=b"); MAX_LINES];
    lines.push(("forwarded", "for=10.0.0.1"));
    assert_eq!(client(&lines), "-");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        values in prop::collection::vec(
            (0_usize..4, prop::collection::vec(any::<u8>(), 0..80)),
            0..12,
        ),
    ) {
        let names = [header::FORWARDED, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];
        let mut map = HeaderMap::new();
        for (name, bytes) in values {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                map.append(&names[name], value);
            }
        }
        let _ = Forwarded::read(&map);
    }

    #[test]
    fn what_looks_like_forwarded_is_read_without_panic(
        line in "((for|host|proto|by)?(=|;|,|\"|\\\\|\\[|\\]|:|_|@| |unknown|10\\.0\\.0\\.1|::1|80|https)){0,20}",
    ) {
        let map = headers(&[("forwarded", &line), ("x-forwarded-for", &line)]);
        let forwarded = Forwarded::read(&map);
        if let Some(client) = &forwarded.client {
            let address = client.address.as_ref();
            prop_assert!(address.starts_with('_') || address.parse::<IpAddr>().is_ok());
        }
        if let Some(host) = &forwarded.host {
            prop_assert!(authority::split(host).is_some());
        }
    }

    #[test]
    fn quoted_node_round_trips(address in any::<IpAddr>(), port in 1_u16.., tail in "(, ?for=10\\.0\\.0\\.1|;proto=http)*") {
        let text = match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        };
        let line = format!("for=\"{text}\"{tail}");
        prop_assert_eq!(client(&[("forwarded", &line)]), format!("{address}|{port}"));
    }
}
