//! What of the headers is recorded: by default nothing.

use http::header::HeaderValue;
use http::{Request, Response};

use super::{HttpClient, connect, get};
use crate::http::call::Stage;
use crate::http::conventions::{assert_conventional, assert_secret};
use crate::http::{TestBody, Wish};

fn with_secrets<H: HttpClient>() -> Request<TestBody> {
    let mut request = get::<H>("/");
    for (name, value) in [
        ("authorization", "Bearer s3cret"),
        ("cookie", "session=s3cret"),
        ("proxy-authorization", "Basic s3cret"),
        ("x-api-key", "s3cret"),
        ("x-tag", "tagged"),
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    request
}

fn response_with_secrets() -> Response<TestBody> {
    let mut response = Response::new(TestBody::empty());
    for (name, value) in [("set-cookie", "session=s3cret"), ("etag", "\"tagged\"")] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Nothing is recorded unasked.
pub async fn no_header_is_captured_by_default<H: HttpClient>() {
    let mut stage = connect::<H, _, _>(|_| async { Ok(response_with_secrets()) });
    stage.exchange(with_secrets::<H>()).await;
    assert_secret(&stage.span(), &["s3cret", "tagged", ".header."]);
}

/// What is listed is a list of texts, one for each line or all in one.
pub async fn listed_headers_are_captured_as_lists<H: HttpClient>() {
    let handler = |_| async { Ok(response_with_secrets()) };
    if let Some(mut stage) = Stage::with_wish(
        H::instrument_with,
        Wish::RequestHeaders(&["x-tag"]),
        handler,
    ) {
        stage.exchange(with_secrets::<H>()).await;
        let span = stage.span();
        assert_eq!(*span.strs("http.request.header.x-tag"), ["tagged"]);
        assert_secret(&span, &["s3cret"]);
        assert_conventional(&span);
    }
    if let Some(mut stage) = Stage::with_wish(
        H::instrument_with,
        Wish::ResponseHeaders(&["etag"]),
        handler,
    ) {
        stage.exchange(with_secrets::<H>()).await;
        let span = stage.span();
        assert_eq!(*span.strs("http.response.header.etag"), ["\"tagged\""]);
        assert_secret(&span, &["s3cret"]);
        assert_conventional(&span);
    }
}

/// Not even when somebody lists them.
pub async fn credentials_are_never_captured<H: HttpClient>() {
    let handler = |_| async { Ok(response_with_secrets()) };
    let listed = Wish::RequestHeaders(&[
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-tag",
    ]);
    for wish in [listed, Wish::ResponseHeaders(&["set-cookie", "etag"])] {
        if let Some(mut stage) = Stage::with_wish(H::instrument_with, wish, handler) {
            stage.exchange(with_secrets::<H>()).await;
            assert_secret(&stage.span(), &["s3cret"]);
        }
    }
}
