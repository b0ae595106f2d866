//! What a span says about how an exchange ended: the part of the conventions that both sides share.

use std::borrow::Cow;

use http::StatusCode;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Status, semconv};

use crate::exchange::{End, Failure};

/// What is said only on request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extras {
    pub(crate) body_sizes: bool,
    pub(crate) legacy_names: bool,
}

/// Describes the end. `is_error` says which status codes are errors on this side.
pub(crate) fn describe(
    end: &End<'_>,
    status: Option<StatusCode>,
    is_error: impl FnOnce(StatusCode) -> bool,
    wanted: Extras,
    span: &mut SpanWriter<'_>,
) {
    // What broke the exchange says more than the status code that went before.
    match end {
        End::Cancelled => span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED),
        End::Complete(complete) => {
            let size = complete.body_size.filter(|_| wanted.body_sizes);
            span.set_opt(semconv::HTTP_RESPONSE_BODY_SIZE, size);
        }
        End::Failed(failure) => describe_failure(*failure, span),
        End::Panicked => span.fail(semconv::error_type::PANIC, ""),
        End::Upgraded => span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::UPGRADED),
    }
    if let Some(status) = status {
        span.set(semconv::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        if is_error(status) {
            fail(span, status.as_str());
        }
        if wanted.legacy_names {
            span.set(semconv::legacy::HTTP_STATUS_CODE, status.as_u16());
        }
    }
}

/// The same for observers. What the application said of an error is the span's alone: it may be of any number.
pub(crate) struct Outcome {
    status: Option<StatusCode>,
    error_type: Option<Cow<'static, str>>,
    version: Option<&'static str>,
}

impl Outcome {
    pub(crate) fn new(
        end: &End<'_>,
        status: Option<StatusCode>,
        is_error: impl FnOnce(StatusCode) -> bool,
    ) -> Self {
        let error_type = match end {
            End::Failed(failure) => Some(failure.error_type()),
            End::Panicked => Some(Cow::Borrowed(semconv::error_type::PANIC)),
            End::Cancelled | End::Complete(_) | End::Upgraded => status
                .filter(|status| is_error(*status))
                .map(|status| Cow::Owned(status.as_str().to_owned())),
        };
        Self {
            status,
            error_type,
            version: None,
        }
    }

    /// With the protocol's version, where only the response tells it.
    pub(crate) const fn with_version(mut self, version: Option<&'static str>) -> Self {
        self.version = version;
        self
    }
}

impl AttributeSource for Outcome {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        match key {
            "error.type" => self.error_type.as_deref().map(ValueRef::Str),
            "http.response.status_code" => self
                .status
                .map(|status| ValueRef::I64(i64::from(status.as_u16()))),
            "network.protocol.version" => self.version.map(ValueRef::Str),
            _ => None,
        }
    }
}

/// An error status without a description: the code says it all. What the application said before is left as it is.
fn fail(span: &mut SpanWriter<'_>, error_type: &str) {
    if span.attributes().get(semconv::ERROR_TYPE.name()).is_none() {
        span.set(semconv::ERROR_TYPE, error_type);
    }
    if !span.status().is_error() {
        span.set_status(Status::error(""));
    }
}

fn describe_failure(failure: Failure<'_>, span: &mut SpanWriter<'_>) {
    span.set(semconv::ERROR_TYPE, failure.error_type());
    if !span.status().is_error() {
        span.set_status(Status::error(failure.message().unwrap_or_default()));
    }
}
