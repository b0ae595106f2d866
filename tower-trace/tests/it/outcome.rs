//! The ways an exchange goes in the matrices, played from both ends, and how a span with its expectations is compared.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use http::{Request, Response};
use http_body::Body;
use tower::Service;
use trace_testkit::RecordedSpan;
use trace_testkit::http::TestBody;
use tracing_core_ctx::Status;
use tracing_core_ctx::attribute::Value;

use crate::support::{BoxError, now, poll_once, read_to_end};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    BodyError,
    Complete,
    DroppedBeforeHead,
    DroppedInBody,
    Panic,
    ServiceError(io::ErrorKind),
}

impl Outcome {
    /// The inner service's part.
    pub(crate) async fn answer(
        self,
        head: http::response::Builder,
    ) -> Result<Response<TestBody>, BoxError> {
        match self {
            Self::ServiceError(kind) => return Err(io::Error::from(kind).into()),
            Self::Panic => resume_unwind(Box::new("on purpose")),
            Self::DroppedBeforeHead => std::future::pending::<()>().await,
            Self::BodyError | Self::Complete | Self::DroppedInBody => {}
        }
        let body = match self {
            Self::BodyError => TestBody::new().data("one").error(),
            _ => TestBody::new().data("one").data("two"),
        };
        Ok(head.body(body)?)
    }

    /// The caller's part.
    pub(crate) fn call<S, B>(self, service: &mut S, request: Request<()>)
    where
        S: Service<Request<()>, Response = Response<B>, Error = BoxError>,
        B: Body<Error = BoxError>,
    {
        let exchange = service.call(request);
        match self {
            Self::Complete => read_to_end(now(exchange).unwrap().into_body()).unwrap(),
            Self::BodyError => assert!(read_to_end(now(exchange).unwrap().into_body()).is_err()),
            Self::DroppedInBody => drop(now(exchange).unwrap()),
            Self::ServiceError(_) => assert!(now(exchange).is_err()),
            Self::Panic => assert!(catch_unwind(AssertUnwindSafe(|| now(exchange))).is_err()),
            Self::DroppedBeforeHead => assert!(poll_once(pin!(exchange)).is_pending()),
        }
    }
}

/// Asserts that the span has exactly these attributes, and the status that its `error.type` goes with.
pub(crate) fn assert_span(
    span: &RecordedSpan,
    case: &str,
    mut expected: Vec<(&str, Value)>,
    error_type: Option<&'static str>,
) {
    expected.extend(error_type.map(|error_type| ("error.type", error_type.into())));
    if let Err(difference) = catch_unwind(AssertUnwindSafe(|| span.assert_attributes(&expected))) {
        eprintln!("in the case {case}");
        resume_unwind(difference);
    }
    let description = match error_type {
        None => {
            assert_eq!(*span.status(), Status::Unset, "{case}");
            return;
        }
        Some("TestError") => "broken on purpose, exchange 4711",
        Some("connection_refused") => "connection refused",
        Some("timeout") => "timed out",
        // A status code or a panic says all there is.
        Some(_) => "",
    };
    assert_eq!(*span.status(), Status::error(description), "{case}");
}
