//! Which code a call ended with, and whether that is an error.

use tracing_core_ctx::Status;
use tracing_core_ctx::semconv::rpc_grpc_status_code;

use super::{assert_status, call, head, is_error, streamed, trailers_only};
use crate::http::side::around;
use crate::http::{Side, TestBody};

/// All 17 codes, in answers of no message, one and several, with the status in the trailers or in the headers.
pub async fn every_code_is_recorded_by_its_name_and_fails_where_the_table_says<S: Side>() {
    for (number, code) in rpc_grpc_status_code::ALL.iter().enumerate() {
        let status = number.to_string();
        for messages in [0, 1, 3] {
            let status = status.clone();
            let mut stage = around::<S, _, _>(move |_| {
                let response = streamed(messages, &status, None);
                async { Ok(response) }
            });
            stage.exchange(call()).await;
            assert_status::<S>(&stage.span(), code);
        }
        let mut stage = around::<S, _, _>(move |_| {
            let response = trailers_only(&status, None);
            async { Ok(response) }
        });
        stage.exchange(call()).await;
        assert_status::<S>(&stage.span(), code);
    }
}

/// Decoded, and without the code, which is an attribute.
pub async fn the_message_is_the_description_and_nothing_else<S: Side>() {
    for trailers in [true, false] {
        let mut stage = around::<S, _, _>(move |_| {
            let message = Some("caf%C3%A9 is 100%25 closed%");
            let response = match trailers {
                true => streamed(1, "13", message),
                false => trailers_only("13", message),
            };
            async { Ok(response) }
        });
        stage.exchange(call()).await;
        let span = stage.span();
        assert_status::<S>(&span, "INTERNAL");
        assert_eq!(*span.status(), Status::error("caf\u{e9} is 100% closed%"));
    }
    // A success has none, whatever was said.
    let mut stage = around::<S, _, _>(|_| async { Ok(streamed(1, "0", Some("fine"))) });
    stage.exchange(call()).await;
    assert_status::<S>(&stage.span(), "OK");
}

/// A code of the future, or none at all.
pub async fn a_status_that_cannot_be_read_is_unknown<S: Side>() {
    for status in ["17", "-1", "NOT_FOUND", "", "99999999999999999999"] {
        let mut stage = around::<S, _, _>(move |_| async move { Ok(streamed(1, status, None)) });
        stage.exchange(call()).await;
        assert_status::<S>(&stage.span(), "UNKNOWN");
    }
}

/// What proxies answer.
pub async fn a_missing_status_is_mapped_from_that_of_http<S: Side>() {
    for (http, code) in MAPPED {
        let mut stage = around::<S, _, _>(move |_| async move {
            let mut response = head(TestBody::new().data("<html>"));
            *response.status_mut() = http_status(http);
            Ok(response)
        });
        stage.exchange(call()).await;
        assert_status::<S>(&stage.span(), code);
    }
}

/// A client that is refused drops the page that says so: that is no cancellation.
pub async fn a_refusal_in_http_is_known_though_its_page_is_not_read<S: Side>() {
    for (http, code) in MAPPED.into_iter().filter(|(http, _)| *http != 200) {
        let mut stage = around::<S, _, _>(move |_| async move {
            let mut response = head(TestBody::new().data("<html>"));
            *response.status_mut() = http_status(http);
            Ok(response)
        });
        drop(stage.head(call()).await);
        let span = stage.span();
        assert_status::<S>(&span, code);
        span.assert_absent("ctx.outcome");
    }
}

/// Both are there where a proxy has copied one.
pub async fn the_status_of_the_head_counts_before_that_of_the_trailers<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        let mut response = streamed(0, "0", None);
        response
            .headers_mut()
            .extend(super::status_headers("14", None));
        Ok(response)
    });
    stage.exchange(call()).await;
    assert!(is_error::<S>("UNAVAILABLE"));
    assert_status::<S>(&stage.span(), "UNAVAILABLE");
}

const MAPPED: [(u16, &str); 11] = [
    (200, "UNKNOWN"),
    (400, "INTERNAL"),
    (401, "UNAUTHENTICATED"),
    (403, "PERMISSION_DENIED"),
    (404, "UNIMPLEMENTED"),
    (415, "UNKNOWN"),
    (429, "UNAVAILABLE"),
    (500, "UNKNOWN"),
    (502, "UNAVAILABLE"),
    (503, "UNAVAILABLE"),
    (504, "UNAVAILABLE"),
];

fn http_status(code: u16) -> http::StatusCode {
    match http::StatusCode::from_u16(code) {
        Ok(status) => status,
        Err(error) => panic!("{code} is no status: {error}"),
    }
}
