use super::super::client::Body;
use super::*;

fn response(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
        body: Ok(Body {
            bytes: Bytes::copy_from_slice(body),
            trailers: HeaderMap::new(),
        }),
        max_body: 4 << 20,
    }
}

#[test]
fn only_four_statuses_are_tried_again() {
    for status in 300..600 {
        let answer = judge(&response(status, &[], b""));
        match status {
            429 | 502 | 503 | 504 => assert!(
                matches!(answer, Answer::Later { wait: None, .. }),
                "{status}"
            ),
            _ => assert!(matches!(answer, Answer::Refused { .. }), "{status}"),
        }
    }
}

#[test]
fn every_status_of_success_is_one() {
    for status in 200..300 {
        assert_eq!(
            judge(&response(status, &[], b"")),
            Answer::Accepted { warning: None },
            "{status}"
        );
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let wait = |value: &str| match judge(&response(429, &[("retry-after", value)], b"")) {
        Answer::Later { wait, .. } => wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("7"), Some(Duration::from_secs(7)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    for far in ["Tue, 31 Dec 2999 23:59:59 GMT", "18446744073709551615"] {
        assert_eq!(wait(far), Some(Duration::from_secs(3600)), "{far}");
    }
    for nonsense in ["soon", "-1", "1.5", "", "99999999999999999999999"] {
        assert_eq!(wait(nonsense), None, "{nonsense}");
    }
}

#[test]
fn a_date_is_one_of_the_clock_of_the_server() {
    let headers = [
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),
    ];
    let answer = judge(&response(503, &headers, b""));
    let Answer::Later { wait, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(wait, Some(Duration::from_secs(10)));
}

#[test]
fn retry_after_means_nothing_where_nothing_is_tried_again() {
    let answer = judge(&response(500, &[("retry-after", "1")], b""));
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
}

#[test]
fn what_the_server_says_is_in_the_reason() {
    let refused = |response: &Response| match judge(response) {
        Answer::Refused { reason } => reason,
        other => panic!("{other:?}"),
    };
    let said = refused(&response(
        401,
        &[("content-type", "text/plain")],
        b" no such key\n",
    ));
    assert_eq!(said, "the server answered 401 Unauthorized: no such key");
    let status = [&[0x08, 3, 0x12, 6][..], b"broken"].concat();
    let said = refused(&response(
        400,
        &[("content-type", "application/x-protobuf")],
        &status,
    ));
    assert_eq!(said, "the server answered 400 Bad Request: broken");
    let said = refused(&response(400, &[], "ü".repeat(500).as_bytes()));
    assert!(said.chars().count() < 250, "{said}");
}

#[test]
fn a_redirect_says_where_it_would_have_led() {
    let answer = judge(&response(307, &[("location", "http://elsewhere/")], b""));
    let Answer::Refused { reason } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        reason,
        "the server answered 307 Temporary Redirect to http://elsewhere/; redirects are not followed"
    );
}

#[test]
fn a_success_that_breaks_off_is_tried_again_and_one_that_is_too_large_is_not() {
    let mut broken = response(200, &[], b"");
    broken.body = Err(BodyError::Broken("reset".to_owned()));
    assert!(matches!(judge(&broken), Answer::Later { .. }));
    broken.body = Err(BodyError::TooLarge);
    assert!(matches!(judge(&broken), Answer::Refused { .. }));
}
