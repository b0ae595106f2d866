use super::super::client::Body;
use super::super::compression::Compression;
use super::*;

fn response(
    headers: &[(&'static str, &str)],
    body: &[u8],
    trailers: &[(&'static str, &str)],
) -> Response {
    let map = |fields: &[(&'static str, &str)]| {
        fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    };
    Response {
        status: StatusCode::OK,
        headers: map(headers),
        body: Ok(Body {
            bytes: Bytes::copy_from_slice(body),
            trailers: map(trailers),
        }),
        max_body: 4 << 20,
    }
}

#[test]
fn a_status_is_read_from_the_trailers_and_else_from_the_headers() {
    let accepted = Answer::Accepted { warning: None };
    assert_eq!(
        judge(&response(&[], &[0; 5], &[("grpc-status", "0")])),
        accepted
    );
    assert_eq!(
        judge(&response(&[("grpc-status", "0")], b"", &[])),
        accepted
    );
    let missing = judge(&response(&[], &[0; 5], &[]));
    assert_eq!(missing, Answer::refused("the answer has no grpc-status"));
}

#[test]
fn the_statuses_of_the_specification_are_tried_again_and_no_others() {
    for code in 1..20 {
        let answer = judge(&response(&[("grpc-status", &code.to_string())], b"", &[]));
        match code {
            1 | 4 | 10 | 11 | 14 | 15 => {
                assert!(matches!(answer, Answer::Later { wait: None, .. }), "{code}");
            }
            _ => assert!(matches!(answer, Answer::Refused { .. }), "{code}"),
        }
    }
    for nonsense in ["", "x", "-1", "ok"] {
        let answer = judge(&response(&[("grpc-status", nonsense)], b"", &[]));
        assert_eq!(
            answer,
            Answer::refused("the server answered UNKNOWN"),
            "{nonsense}"
        );
    }
}

#[test]
fn a_server_out_of_resources_is_tried_again_if_it_says_when() {
    // A `RetryInfo` of one second in a `google.rpc.Status`, with and without padding.
    for details in [
        "CAgaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAQ==",
        "CAgaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAQ",
    ] {
        let answer = judge(&response(
            &[("grpc-status", "8"), ("grpc-status-details-bin", details)],
            b"",
            &[],
        ));
        let Answer::Later { wait, .. } = answer else {
            panic!("{details}: {answer:?}")
        };
        assert_eq!(wait, Some(Duration::from_secs(1)));
    }
    let answer = judge(&response(
        &[("grpc-status", "8"), ("grpc-status-details-bin", "%%%")],
        b"",
        &[],
    ));
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
}

#[test]
fn the_message_is_decoded() {
    let answer = judge(&response(
        &[("grpc-status", "3"), ("grpc-message", "no%20key %zz")],
        b"",
        &[],
    ));
    assert_eq!(
        answer,
        Answer::refused("the server answered INVALID_ARGUMENT: no%20key %zz")
    );
    let answer = judge(&response(
        &[("grpc-status", "3"), ("grpc-message", "no%20key")],
        b"",
        &[],
    ));
    assert_eq!(
        answer,
        Answer::refused("the server answered INVALID_ARGUMENT: no key")
    );
}

#[test]
fn a_proxy_that_speaks_no_grpc_is_understood() {
    for status in [400, 401, 403, 404, 429, 500, 502, 503, 504] {
        let mut response = response(&[], b"<html>", &[]);
        response.status = StatusCode::from_u16(status).unwrap();
        let answer = judge(&response);
        match status {
            429 | 502 | 503 | 504 => assert!(matches!(answer, Answer::Later { .. }), "{status}"),
            _ => assert!(matches!(answer, Answer::Refused { .. }), "{status}"),
        }
    }
}

#[test]
fn a_message_that_can_not_be_read_is_a_success_with_a_warning() {
    for body in [&[1, 0, 0, 0, 1, 0][..], &[0, 0, 0, 0, 9], &[0, 0]] {
        let answer = judge(&response(&[], body, &[("grpc-status", "0")]));
        assert!(
            matches!(answer, Answer::Accepted { warning: Some(_) }),
            "{body:?}: {answer:?}"
        );
    }
}

/// As grpc-go answers: in the encoding of the request.
fn answered_in(encoding: &str, message: &[u8]) -> Response {
    let frame = frame(message, true).unwrap();
    response(
        &[("grpc-encoding", encoding)],
        &frame,
        &[("grpc-status", "0")],
    )
}

#[test]
fn a_message_in_gzip_is_read() {
    // ExportTraceServiceResponse.partial_success.rejected_spans
    let message = Compression::Gzip.compress(Bytes::from_static(&[0x0a, 2, 0x08, 2]));
    let message = message.unwrap();
    let answer = judge(&answered_in("gzip", &message));
    assert!(
        matches!(answer, Answer::Rejected { spans: 2, .. }),
        "{answer:?}"
    );
    for (encoding, message) in [("snappy", &*message), ("gzip", b"no gzip")] {
        let answer = judge(&answered_in(encoding, message));
        assert!(
            matches!(answer, Answer::Accepted { warning: Some(_) }),
            "{encoding}: {answer:?}"
        );
    }
}

#[test]
fn a_message_is_unpacked_as_far_as_is_allowed() {
    let message = [0x0a, 2, 0x08, 2].repeat(1 << 18);
    let packed = Compression::Gzip.compress(message.clone().into()).unwrap();
    let mut response = answered_in("gzip", &packed);
    for (max_body, is_read) in [(message.len(), true), (message.len() - 1, false)] {
        response.max_body = max_body;
        let answer = judge(&response);
        let has_rejected = matches!(answer, Answer::Rejected { spans: 2, .. });
        assert_eq!(has_rejected, is_read, "{max_body}: {answer:?}");
    }
}

#[test]
fn a_timeout_has_eight_digits_at_most() {
    for (timeout, expected) in [
        (Duration::from_millis(1_500), "1500m"),
        (Duration::ZERO, "1m"),
        (Duration::MAX, "99999999m"),
    ] {
        let mut request = Request::new(Full::default());
        describe(
            &mut request,
            Some(HeaderValue::from_static("gzip")),
            timeout,
        );
        assert_eq!(request.headers()["grpc-timeout"], expected);
        assert_eq!(request.headers()["grpc-encoding"], "gzip");
    }
}
