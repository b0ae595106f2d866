//! What the semantic conventions say about any attribute at all.

use std::collections::HashSet;

use tracing_core_ctx::attribute::{Array, ValueRef};
use tracing_core_ctx::semconv::{self, Stability, ValueType};

use crate::RecordedSpan;

/// Asserts that nothing went wrong with the exchange. A call of gRPC that was answered by plain HTTP has no status and has failed for that,
/// but neither was it cancelled.
#[track_caller]
pub(crate) fn assert_went_well(span: &RecordedSpan) {
    span.assert_absent("ctx.outcome");
    if span.attr("rpc.system.name").is_none() {
        span.assert_unset();
    }
}

/// Asserts of every attribute that the conventions know its name, that it has their type and is not deprecated, that it is there once,
/// and that it is not empty: what does not apply is absent.
#[track_caller]
pub(crate) fn assert_conventional(span: &RecordedSpan) {
    let mut seen = HashSet::new();
    for (key, value) in span.attributes() {
        assert!(seen.insert(key), "`{key}` is there twice in\n{span:?}");
        let Some(definition) = semconv::definition(key) else {
            panic!("`{key}` is not in the conventions, in\n{span:?}");
        };
        assert_ne!(
            definition.stability(),
            Stability::Deprecated,
            "`{key}` is deprecated, in\n{span:?}"
        );
        let found = ValueType::of(value);
        assert!(
            definition.value_type().accepts(found),
            "`{key}` is of type {found}, the conventions want {}, in\n{span:?}",
            definition.value_type()
        );
        let empty = match value {
            ValueRef::Str(text) => text.is_empty(),
            ValueRef::Array(Array::Str(texts)) => texts.is_empty(),
            _ => false,
        };
        assert!(
            !empty,
            "`{key}` is empty and should be absent, in\n{span:?}"
        );
    }
}

/// Asserts that no attribute, event, link or description of the span holds any of these texts.
#[track_caller]
pub(crate) fn assert_secret(span: &RecordedSpan, secrets: &[&str]) {
    let text = format!("{span:?}");
    for secret in secrets {
        assert!(!text.contains(secret), "`{secret}` was recorded in\n{text}");
    }
}

/// Asserts that the `error.type` is one of few values: there, and no message.
#[track_caller]
pub(crate) fn assert_error_type_of_error(span: &RecordedSpan) {
    assert!(
        span.status().is_error(),
        "the status is no error in\n{span:?}"
    );
    let error_type = span.error_type().unwrap_or_default();
    assert!(!error_type.is_empty(), "no `error.type` in\n{span:?}");
    assert!(
        !error_type.contains("purpose")
            && !error_type.contains("4711")
            && !error_type.contains(char::is_whitespace),
        "`error.type` is a message and not one of few values, in\n{span:?}"
    );
}

/// Asserts that the name begins with this method. Behind it may stand a target, for an instrumentation that has a way to find one.
#[track_caller]
pub(crate) fn assert_named(span: &RecordedSpan, method: &str) {
    let rest = span.name().strip_prefix(method);
    assert!(
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" /")),
        "the name is `{}`, expected `{method}`, with a target or without",
        span.name()
    );
}
