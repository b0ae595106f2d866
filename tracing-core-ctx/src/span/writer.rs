use std::borrow::Cow;
use std::fmt;

use super::recording::Recording;
use super::{Event, Link, SpanKind, SpanTemplate, Status};
use crate::attribute::{AttributeKey, AttributeValue, Attributes, KeyRef, ValueRef};
use crate::limits::SpanLimits;
use crate::{Timestamp, Tracer, semconv};

/// Writes on a span that is being started or ended, without locking it for each attribute.
///
/// Handed to instrumentation by [`SpanBuilder::start_with`](super::SpanBuilder::start_with) and
/// [`Span::end_with`](super::Span::end_with). It describes a span; it cannot end one.
pub struct SpanWriter<'a> {
    record: &'a mut Recording,
    limits: &'a SpanLimits,
}

impl<'a> SpanWriter<'a> {
    #[inline]
    pub(super) fn new(record: &'a mut Recording, tracer: &'a Tracer) -> Self {
        let limits = tracer.limits();
        Self { record, limits }
    }

    /// Sets an attribute; a second value for a key replaces the first.
    #[inline]
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.record
            .attributes
            .set_within(&self.limits.attributes, key, value);
    }

    #[inline]
    pub(super) fn put(&mut self, key: KeyRef<'_>, value: ValueRef<'_>) {
        self.record
            .attributes
            .put(&self.limits.attributes, key, value);
    }

    /// Sets an attribute that the caller knows not to be there yet. Spares looking for it.
    ///
    /// Setting a key twice this way exports it twice, which OTLP forbids.
    #[inline]
    pub fn set_new<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.record
            .attributes
            .set_new_within(&self.limits.attributes, key, value);
    }

    /// Takes over the name and the attributes of `template`; a key that is there already gets the new value. By two copies, where the span
    /// has nothing yet.
    #[inline]
    pub fn use_template(&mut self, template: &SpanTemplate) {
        let limits = &self.limits.attributes;
        let attributes = &mut self.record.attributes;
        attributes.put_template_within(limits, template.attributes());
    }

    /// Sets an attribute if there is a value.
    pub fn set_opt<K: AttributeKey>(
        &mut self,
        key: K,
        value: Option<impl AttributeValue<K::Type>>,
    ) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// The attributes so far.
    #[must_use]
    pub const fn attributes(&self) -> &Attributes {
        &self.record.attributes
    }

    /// The name so far.
    #[must_use]
    pub fn name(&self) -> &str {
        self.record.attributes.name()
    }

    /// The role.
    #[must_use]
    pub const fn kind(&self) -> SpanKind {
        self.record.kind
    }

    /// The status so far.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.record.status
    }

    /// The moment at which the span started.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.record.start
    }

    /// Replaces the name.
    pub fn update_name(&mut self, name: &str) {
        self.record.attributes.set_name(name);
    }

    /// Replaces the name by one that is given in pieces, without putting it together first.
    pub fn update_name_of(&mut self, pieces: &[&str]) {
        self.record.attributes.set_name_of(pieces);
    }

    /// Takes a status over if the order `Ok` > `Error` > `Unset` allows it. The later of two failures counts, unless it has no
    /// description.
    pub fn set_status(&mut self, status: Status) {
        self.record.status.update(status);
    }

    /// Marks the operation as failed: error status and `error.type`.
    ///
    /// `error_type` is one of few values, such as `timeout` or the name of a type, never a message. `description` may be
    /// empty.
    pub fn fail(&mut self, error_type: &str, description: impl Into<Cow<'static, str>>) {
        self.set(semconv::ERROR_TYPE, error_type);
        self.set_status(Status::error(description));
    }

    /// Whether somebody has said that it failed.
    pub(super) const fn has_failed(&self) -> bool {
        self.record.status.is_error()
    }

    pub(super) fn push_event(&mut self, event: Event) {
        if self.record.events.len() >= self.limits.events {
            self.record.dropped_events = self.record.dropped_events.saturating_add(1);
            return;
        }
        self.record.events.push(event);
    }

    /// Adds a link, to a [`SpanContext`] or with attributes.
    ///
    /// [`SpanContext`]: crate::SpanContext
    pub fn link(&mut self, link: impl Into<Link>) {
        if self.record.links.len() >= self.limits.links {
            self.record.dropped_links = self.record.dropped_links.saturating_add(1);
            return;
        }
        let mut link = link.into();
        link.limit(&self.limits.link_attributes);
        self.record.links.push(link);
    }
}

impl fmt::Debug for SpanWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanWriter")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
