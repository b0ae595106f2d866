use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn headers(status: &[u8], message: Option<&[u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from_bytes(status).unwrap());
    if let Some(message) = message {
        headers.insert("grpc-message", HeaderValue::from_bytes(message).unwrap());
    }
    headers
}

#[test]
fn all_codes_are_read_and_named() {
    let names = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    for (number, expected) in names.iter().enumerate() {
        let status = CallStatus::read(&headers(number.to_string().as_bytes(), None)).unwrap();
        assert_eq!(name(status.code), *expected);
    }
}

#[test]
fn what_is_no_code_is_unknown() {
    for text in [
        "17",
        "-1",
        "+5",
        "5 ",
        "x",
        "",
        "99999999999999999999",
        "0x5",
    ] {
        let status = CallStatus::read(&headers(text.as_bytes(), None)).unwrap();
        assert_eq!(status.code, Code::Unknown, "{text:?}");
    }
    assert_eq!(CallStatus::read(&HeaderMap::new()), None);
}

#[test]
fn a_message_is_decoded_leniently() {
    for (sent, expected) in [
        ("no such item", "no such item"),
        ("caf%C3%A9", "caf\u{e9}"),
        ("100%", "100%"),
        ("%4", "%4"),
        ("%zz%20", "%zz "),
        ("%25", "%"),
        ("%ff", "\u{fffd}"),
        ("a+b", "a+b"),
    ] {
        let status = CallStatus::read(&headers(b"5", Some(sent.as_bytes()))).unwrap();
        assert_eq!(status.message, expected, "{sent}");
    }
}

#[test]
fn a_long_message_is_cut_and_that_of_a_success_is_not_kept() {
    let long = vec![b'a'; 100_000];
    let status = CallStatus::read(&headers(b"5", Some(&long))).unwrap();
    assert_eq!(status.message.len(), 8192);
    let status = CallStatus::read(&headers(b"0", Some(b"fine"))).unwrap();
    assert_eq!(status.message, "");
}

#[test]
fn an_answer_without_a_status_is_known_by_that_of_http() {
    for (http, code) in [
        (200, Code::Unknown),
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (415, Code::Unknown),
        (429, Code::Unavailable),
        (500, Code::Unknown),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
    ] {
        assert_eq!(of_http(StatusCode::from_u16(http).unwrap()), code, "{http}");
    }
}

/// What `grpc-message` has to be encoded to.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_was(text in "\\PC{0,80}") {
        let status = CallStatus::read(&headers(b"5", Some(encode(&text).as_bytes()))).unwrap();
        prop_assert_eq!(status.message, text);
    }

    #[test]
    fn no_header_makes_the_reader_fail(
        code in prop::collection::vec(0x20_u8..0x7f, 0..20),
        message in prop::collection::vec(0x20_u8..0x7f, 0..200),
    ) {
        prop_assert!(CallStatus::read(&headers(&code, Some(&message))).is_some());
    }
}
