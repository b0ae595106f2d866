mod difference;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use difference::Difference;
use tracing_core_ctx::attribute::{Value, ValueRef};
use tracing_core_ctx::span::Event;
use tracing_core_ctx::{SpanId, SpanRecord, Status, TraceId, semconv};

/// A span that was recorded, with assertions that say what is wrong.
///
/// Everything else that [`SpanRecord`] tells can be asked here too: `name()`, `kind()`, `status()`, `parent()`, `events()`, `links()`.
///
/// ```
/// use trace_testkit::SpanRecorder;
/// use tracing_core_ctx::{SpanKind, semconv};
///
/// let recorder = SpanRecorder::new();
/// let tracer = recorder.tracer("shop");
/// let span = tracer.span("GET").kind(SpanKind::Client).start();
/// span.set(semconv::HTTP_REQUEST_METHOD, "GET");
/// span.set(semconv::HTTP_RESPONSE_STATUS_CODE, 404);
/// span.fail("404", "");
/// span.end();
///
/// let span = recorder.take_one();
/// assert_eq!(span.kind(), SpanKind::Client);
/// assert_eq!(span.str("http.request.method"), "GET");
/// assert_eq!(span.int("http.response.status_code"), 404);
/// assert!(span.attr("http.route").is_none());
/// span.assert_failed("404");
/// span.assert_attributes(&[
///     ("error.type", "404".into()),
///     ("http.request.method", "GET".into()),
///     ("http.response.status_code", 404.into()),
/// ]);
/// ```
#[derive(Clone)]
pub struct RecordedSpan {
    service: Arc<str>,
    record: SpanRecord,
}

impl RecordedSpan {
    pub(crate) fn new(service: Arc<str>, record: SpanRecord) -> Self {
        Self { service, record }
    }

    /// The service whose tracer recorded it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Its trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.span_context().trace_id()
    }

    /// Its own id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_context().span_id()
    }

    /// The time from its start to its end.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end().since(self.start())
    }

    /// Whether `other` is its parent.
    #[must_use]
    pub fn is_child_of(&self, other: &Self) -> bool {
        self.trace_id() == other.trace_id() && self.parent() == Some(other.span_id())
    }

    /// An attribute, if there is one of this name.
    #[must_use]
    pub fn attr(&self, key: &str) -> Option<ValueRef<'_>> {
        self.attributes().get(key)
    }

    /// A text.
    ///
    /// # Panics
    ///
    /// When the attribute is absent or no text.
    #[must_use]
    #[track_caller]
    pub fn str(&self, key: &str) -> &str {
        self.typed(key, "a text", ValueRef::as_str)
    }

    /// A whole number.
    ///
    /// # Panics
    ///
    /// When the attribute is absent or no whole number.
    #[must_use]
    #[track_caller]
    pub fn int(&self, key: &str) -> i64 {
        self.typed(key, "a whole number", ValueRef::as_i64)
    }

    /// A truth value.
    ///
    /// # Panics
    ///
    /// When the attribute is absent or no truth value.
    #[must_use]
    #[track_caller]
    pub fn bool(&self, key: &str) -> bool {
        self.typed(key, "a truth value", ValueRef::as_bool)
    }

    /// A list of texts.
    ///
    /// # Panics
    ///
    /// When the attribute is absent or no list of texts.
    #[must_use]
    #[track_caller]
    pub fn strs(&self, key: &str) -> &[String] {
        self.typed(key, "a list of texts", ValueRef::as_strs)
    }

    /// The `error.type`, if it is there.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.attr(semconv::ERROR_TYPE.name())?.as_str()
    }

    /// The first event of this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn event(&self, name: &str) -> &Event {
        match self.events().iter().find(|event| event.name == name) {
            Some(event) => event,
            None => panic!("no event `{name}` in\n{self:?}"),
        }
    }

    /// Asserts that the attributes are exactly these, in whatever order.
    ///
    /// # Panics
    ///
    /// When they are not, with the difference.
    #[track_caller]
    pub fn assert_attributes(&self, expected: &[(&str, Value)]) {
        let difference = Difference::new(self.attributes(), expected);
        assert!(
            difference.is_empty(),
            "`{}` has other attributes than expected (- expected, + recorded):\n{difference}",
            self.name()
        );
    }

    /// Asserts that these attributes are there, whatever else is.
    ///
    /// ```
    /// use trace_testkit::SpanRecorder;
    ///
    /// let recorder = SpanRecorder::new();
    /// let span = recorder.tracer("shop").span("checkout").start();
    /// span.set("shop.cart.size", 3);
    /// span.set("shop.currency", "EUR");
    /// span.end();
    ///
    /// recorder.take_one().assert_has(&[("shop.cart.size", 3.into())]);
    /// ```
    ///
    /// # Panics
    ///
    /// When one is absent, has another value or was recorded twice, with the difference.
    #[track_caller]
    pub fn assert_has(&self, expected: &[(&str, Value)]) {
        let difference = Difference::new(self.attributes(), expected).of_expected();
        assert!(
            difference.is_empty(),
            "`{}` does not have these attributes (- expected, + recorded):\n{difference}in\n{self:?}",
            self.name()
        );
    }

    /// Asserts that there is no attribute of this name.
    ///
    /// # Panics
    ///
    /// When there is one.
    #[track_caller]
    pub fn assert_absent(&self, key: &str) {
        if let Some(value) = self.attr(key) {
            panic!("`{key}` is {value:?}, it should be absent in\n{self:?}");
        }
    }

    /// Asserts that nobody set a status and there is no `error.type`: a success, as instrumentations leave it.
    ///
    /// # Panics
    ///
    /// When it is not so.
    #[track_caller]
    pub fn assert_unset(&self) {
        assert_eq!(*self.status(), Status::Unset, "in\n{self:?}");
        self.assert_absent(semconv::ERROR_TYPE.name());
    }

    /// Asserts that the span failed with this `error.type`, whatever its description.
    ///
    /// # Panics
    ///
    /// When it is not so.
    #[track_caller]
    pub fn assert_failed(&self, error_type: &str) {
        assert!(
            self.status().is_error(),
            "the status is no error in\n{self:?}"
        );
        assert_eq!(self.error_type(), Some(error_type), "in\n{self:?}");
    }

    #[track_caller]
    fn typed<'a, T>(
        &'a self,
        key: &str,
        kind: &str,
        read: impl FnOnce(ValueRef<'a>) -> Option<T>,
    ) -> T {
        let Some(value) = self.attr(key) else {
            panic!("there is no `{key}` in\n{self:?}");
        };
        match read(value) {
            Some(value) => value,
            None => panic!("`{key}` is {value:?} and not {kind} in\n{self:?}"),
        }
    }
}

impl Deref for RecordedSpan {
    type Target = SpanRecord;

    fn deref(&self) -> &SpanRecord {
        &self.record
    }
}

/// The span as [`render`](crate::render()) draws it, with all its attributes.
impl fmt::Debug for RecordedSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::render::Drawing::new(std::slice::from_ref(self))
            .all_attributes()
            .fmt(f)
    }
}

#[cfg(test)]
mod tests;
