use std::fmt;

use super::SpanWriter;
use crate::attribute::{AttributeKey, AttributeValue, Attributes};

/// What many spans say alike: a name and attributes that are put together once, and given to each span by two copies.
///
/// For who starts spans by the thousand that differ in little: the producer of one topic, the calls of one method. A template is
/// written [by hand](Self::set), or [learnt](Self::learn) from a span that has been described.
///
/// ```
/// use tracing_core_ctx::span::SpanTemplate;
/// use tracing_core_ctx::{Tracer, semconv};
///
/// let mut select = SpanTemplate::new("SELECT carts");
/// select.set(semconv::DB_SYSTEM_NAME, "postgresql");
/// select.set(semconv::DB_QUERY_SUMMARY, "SELECT carts");
///
/// # let tracer = Tracer::noop();
/// let span = tracer.span("").start_with(|span| {
///     span.use_template(&select);
///     span.set_new(semconv::DB_RESPONSE_RETURNED_ROWS, 3);
/// });
/// # span.end();
/// ```
///
/// Where nothing else is to be decided before it is known, the span [begins](super::SpanBuilder::template) with it.
///
/// A sampler sees none of its attributes: what is to be seen is lent to it as a [source](super::SpanBuilder::attribute_source).
#[derive(Clone, Default)]
pub struct SpanTemplate {
    attributes: Attributes,
}

impl SpanTemplate {
    /// A name, and no attributes yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut attributes = Attributes::new();
        attributes.set_name(name);
        Self { attributes }
    }

    /// Sets an attribute; a second value for a key replaces the first.
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.attributes.set(key, value);
        self.attributes.become_template();
    }

    /// Becomes what `span` says so far, in place of all that was there. Its memory stays.
    pub fn learn(&mut self, span: &SpanWriter<'_>) {
        self.attributes.clear();
        self.attributes.put_template(span.attributes());
        self.attributes.become_template();
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.attributes.name()
    }

    /// The attributes.
    #[must_use]
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

impl fmt::Debug for SpanTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanTemplate")
            .field("name", &self.name())
            .field("attributes", &self.attributes)
            .finish()
    }
}
