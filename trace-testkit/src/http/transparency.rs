//! What must not change, on both sides: an instrumentation watches.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::call::{Stage, ok, poll_frame, ready};
use super::conventions::assert_went_well;
use super::service::Readiness;
use super::side::{answer, around, get, request};
use super::{Side, TestBody, TestError};

/// Something that a server or a framework put beside the message, such as the right to upgrade.
#[derive(Clone, Debug, PartialEq)]
struct Marker(u32);

/// Method, target, version, extensions, body, and every header but those that carry the context.
pub async fn the_inner_service_sees_the_request_unchanged<S: Side>() {
    const CONTEXT: &[&str] = &["traceparent", "tracestate", "baggage"];

    let build = || {
        let mut request = request::<S>("POST", "/users/7?sig=s3cret&x=%20");
        *request.version_mut() = Version::HTTP_2;
        for (name, value) in [
            ("authorization", "Bearer s3cret"),
            ("x-tag", "one"),
            ("x-tag", "two"),
        ] {
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        request.extensions_mut().insert(Marker(7));
        request.map(|_| TestBody::full("order"))
    };
    let mut stage = around::<S, _, _>(move |mut seen| async move {
        let sent = build();
        assert_eq!(seen.method(), sent.method());
        assert_eq!(seen.uri(), sent.uri());
        assert_eq!(seen.version(), sent.version());
        for name in CONTEXT {
            seen.headers_mut().remove(*name);
        }
        assert_eq!(seen.headers(), sent.headers());
        assert_eq!(seen.extensions().get::<Marker>(), Some(&Marker(7)));
        assert_eq!(seen.body().size_hint().exact(), Some(5));
        assert!(!seen.body().is_end_stream());
        let body = seen.into_body().collect().await?.to_bytes();
        assert_eq!(body, "order");
        Ok(Response::new(TestBody::empty()))
    });
    stage.exchange(build()).await;
    drop(stage.span());
}

/// Status, version, headers, extensions and every frame.
pub async fn the_caller_sees_the_answer_unchanged<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async {
        let mut response = answer(207, TestBody::new().data("one").data("").data("three"));
        *response.version_mut() = Version::HTTP_2;
        for value in ["a=1", "b=2"] {
            response
                .headers_mut()
                .append("set-cookie", HeaderValue::from_static(value));
        }
        response.extensions_mut().insert(Marker(8));
        Ok(response)
    });
    let answer = stage.exchange(get::<S>("/")).await;
    assert_eq!(answer.head.status(), StatusCode::MULTI_STATUS);
    assert_eq!(answer.head.version(), Version::HTTP_2);
    let cookies: Vec<_> = answer.head.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(
        answer.head.headers().len(),
        2,
        "got {:?}",
        answer.head.headers()
    );
    assert_eq!(answer.head.extensions().get::<Marker>(), Some(&Marker(8)));
    assert_eq!(answer.data, ["one", "", "three"].map(Bytes::from));
    assert!(answer.trailers.is_none());
    drop(stage.span());
}

/// Servers choose the framing by them: a lost size hint makes a chunked answer.
pub async fn size_hint_and_end_are_forwarded_exactly<S: Side>() {
    let bodies: [fn() -> TestBody; 6] = [
        TestBody::empty,
        || TestBody::full("hello"),
        || TestBody::new().data("hel").data("lo").knows_length(),
        || TestBody::new().data("hel").data("lo").knows_end(),
        || TestBody::new().data("hello"),
        TestBody::new,
    ];
    for (index, body) in bodies.into_iter().enumerate() {
        let mut stage = around::<S, _, _>(move |_| async move { Ok(Response::new(body())) });
        let mut traced = stage.head(get::<S>("/")).await.into_body();
        let mut bare = body();
        loop {
            let (hint, expected) = (traced.size_hint(), bare.size_hint());
            assert_eq!(
                (hint.lower(), hint.upper()),
                (expected.lower(), expected.upper()),
                "of body {index}"
            );
            assert_eq!(
                traced.is_end_stream(),
                bare.is_end_stream(),
                "of body {index}"
            );
            let frame = traced.frame().await;
            drop(bare.frame().await);
            if frame.is_none() {
                break;
            }
        }
        drop(traced);
        drop(stage.span());
    }
}

/// A body that is not ready says so, and its waker is the reader's.
pub async fn a_pending_body_wakes_its_reader<S: Side>() {
    let (sender, body) = TestBody::channel();
    let body = std::sync::Mutex::new(Some(body));
    let mut stage = around::<S, _, _>(move |_| {
        let body = body
            .lock()
            .ok()
            .and_then(|mut body| body.take())
            .unwrap_or_default();
        async { Ok(Response::new(body)) }
    });
    let mut body = stage.head(get::<S>("/")).await.into_body();
    assert!(poll_frame(&mut body).await.is_pending());
    let writer = tokio::spawn(async move {
        for data in ["one", "two"] {
            tokio::task::yield_now().await;
            sender.data(data);
        }
        tokio::task::yield_now().await;
    });
    let read = body.collect().await.expect("a body").to_bytes();
    assert_eq!(read, "onetwo");
    assert!(writer.await.is_ok());
    assert_went_well(&stage.span());
}

/// They are for the caller, not for the instrumentation.
pub async fn errors_pass_unchanged<S: Side>() {
    if S::SEES_ERRORS {
        let mut stage = around::<S, _, _>(|_| async { Err(TestError.into()) });
        let error = stage
            .call(get::<S>("/"))
            .await
            .await
            .expect_err("the error is gone");
        assert!(
            error.is::<TestError>(),
            "it became another error: {error:?}"
        );
        drop(stage.span());
    }
    let mut stage = around::<S, _, _>(|_| async { Ok(Response::new(TestBody::new().error())) });
    let mut body = stage.head(get::<S>("/")).await.into_body();
    let error = body
        .frame()
        .await
        .and_then(Result::err)
        .expect("the error is gone");
    assert!(
        error.to_string().contains(TestError::MESSAGE),
        "it became another error: {error:?}"
    );
    drop(body);
    drop(stage.span());
}

/// Readiness belongs to the clone that was asked: a permit that it took may be needed by the call.
pub async fn readiness_is_asked_of_the_instance_that_is_called<S: Side>() {
    let mut stage = around::<S, _, _>(ok);
    if !stage.service.has_readiness() {
        return;
    }
    for _ in 0..2 {
        stage.exchange(get::<S>("/")).await;
        let mut clone = stage.service.clone();
        ready(&mut clone).await;
        drop(clone.call(get::<S>("/")).await.map(drop));
    }
    assert_eq!(stage.probe.unready_calls(), 0);
    assert_eq!(stage.recorder.take().len(), 4);
}

/// A service that is not ready is not hidden.
pub async fn readiness_is_passed_on<S: Side>() {
    for (readiness, is_ready) in [(Readiness::Pending, false), (Readiness::Ready, true)] {
        let mut stage = Stage::with_readiness(S::instrument, readiness);
        if !stage.service.has_readiness() {
            return;
        }
        let polled = poll_fn(|cx| Poll::Ready(stage.service.poll_ready(cx))).await;
        assert_eq!(polled.is_ready(), is_ready);
    }
}

/// As behind a buffer, or in a server with a task for each connection.
pub async fn a_clone_in_another_task_is_traced_alike<S: Side>() {
    let stage = around::<S, _, _>(|_| async {
        tokio::task::yield_now().await;
        Ok(Response::new(TestBody::full("hello")))
    });
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut service = stage.service.clone();
            tokio::spawn(async move {
                ready(&mut service).await;
                let response = service.call(get::<S>("/")).await.expect("an answer");
                response.into_body().collect().await.is_ok()
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.is_ok_and(|read| read));
    }
    let spans = stage.recorder.take();
    assert_eq!(spans.len(), 8);
    for span in &spans {
        assert_went_well(span);
        assert_eq!(span.parent(), None);
    }
}
