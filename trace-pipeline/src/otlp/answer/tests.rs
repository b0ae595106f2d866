use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

fn response(rejected_spans: i64, error_message: &str) -> Vec<u8> {
    let partial_success = ExportTracePartialSuccess {
        rejected_spans,
        error_message: error_message.to_owned(),
    };
    ExportTraceServiceResponse {
        partial_success: Some(partial_success),
    }
    .encode_to_vec()
}

#[test]
fn an_empty_response_is_a_success() {
    let accepted = Answer::Accepted { warning: None };
    assert_eq!(Answer::from_response(&[]), accepted);
    assert_eq!(Answer::from_response(&response(0, "")), accepted);
}

#[test]
fn rejected_spans_are_told_with_their_reason() {
    let rejected = Answer::Rejected {
        spans: 3,
        reason: "too old".to_owned(),
    };
    assert_eq!(Answer::from_response(&response(3, "too old")), rejected);
}

#[test]
fn a_message_without_rejected_spans_is_a_warning() {
    for rejected in [0, -1] {
        let warned = Answer::Accepted {
            warning: Some("use v2".to_owned()),
        };
        assert_eq!(Answer::from_response(&response(rejected, "use v2")), warned);
    }
}

#[test]
fn what_can_not_be_read_is_a_success_with_a_warning() {
    for body in [&b"<html>"[..], &[0x0a, 0xff], &[0x0a, 2, 0x08, 0xff]] {
        let answer = Answer::from_response(body);
        assert!(
            matches!(answer, Answer::Accepted { warning: Some(_) }),
            "{body:?}: {answer:?}"
        );
    }
}

/// Fields by hand, since the oracle has no `google.rpc`.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    field.extend_from_slice(content);
    field
}

fn status(type_url: &str, retry_info: &[u8]) -> Vec<u8> {
    let any = [field(1, type_url.as_bytes()), field(2, retry_info)].concat();
    [vec![0x08, 8], field(2, b"slow down"), field(3, &any)].concat()
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

#[test]
fn a_retry_info_is_found_among_the_details() {
    // 2 s and 500 ms.
    let delay = field(1, &[0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]);
    let read = RpcStatus::read(&status(RETRY_INFO, &delay)).unwrap();
    assert_eq!(read.message, "slow down");
    assert_eq!(read.retry_delay, Some(Duration::from_millis(2_500)));
}

#[test]
fn a_retry_info_without_a_delay_and_a_negative_one_are_no_wait() {
    let read = RpcStatus::read(&status(RETRY_INFO, &[])).unwrap();
    assert_eq!(read.retry_delay, Some(Duration::ZERO));
    let minus_one = [
        0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ];
    let read = RpcStatus::read(&status(RETRY_INFO, &field(1, &minus_one))).unwrap();
    assert_eq!(read.retry_delay, Some(Duration::ZERO));
}

#[test]
fn other_details_are_none() {
    let read = RpcStatus::read(&status("type.googleapis.com/google.rpc.ErrorInfo", &[])).unwrap();
    assert_eq!(read.retry_delay, None);
    assert_eq!(RpcStatus::read(b"<html>"), None);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in any::<Vec<u8>>()) {
        let _ = Answer::from_response(&body);
        let _ = RpcStatus::read(&body);
        let _ = RpcStatus::read(&status(RETRY_INFO, &body[..body.len().min(40)]));
    }
}

#[test]
fn an_answer_in_json_says_the_same() {
    let accepted = |warning: Option<&str>| Answer::Accepted {
        warning: warning.map(str::to_owned),
    };
    for nothing in [
        "",
        "{}",
        " {\"partialSuccess\":{}}\n",
        "{\"partialSuccess\":null}",
    ] {
        assert_eq!(Answer::from_json(nothing.as_bytes()), accepted(None));
    }
    let rejected = Answer::Rejected {
        spans: 3,
        reason: "too old".to_owned(),
    };
    for number in ["3", "\"3\""] {
        let body = format!(
            "{{\"partialSuccess\":{{\"rejectedSpans\":{number},\"errorMessage\":\"too old\"}}}}"
        );
        assert_eq!(Answer::from_json(body.as_bytes()), rejected);
    }
    let warning = b"{\"partialSuccess\":{\"errorMessage\":\"use TLS\"}}";
    assert_eq!(Answer::from_json(warning), accepted(Some("use TLS")));
    let garbage = accepted(Some("the body of the answer is no JSON"));
    assert_eq!(Answer::from_json(b"<html>"), garbage);
    assert_eq!(Answer::from_json(b"[1]"), accepted(None));
}

#[test]
fn nobody_is_left_alone_for_longer_than_an_hour() {
    let name = b"type.googleapis.com/google.rpc.RetryInfo";
    // Ten million seconds.
    let delay = field(1, &[0x08, 0x80, 0xad, 0xe2, 0x04]);
    let any = [field(1, name), field(2, &delay)].concat();
    let status = RpcStatus::read(&field(3, &any)).unwrap();
    assert_eq!(status.retry_delay, Some(Duration::from_secs(60 * 60)));
}
