use std::borrow::Cow;

use crate::Timestamp;
use crate::attribute::{AttributeKey, AttributeValue, Attributes};
use crate::limits::AttributeLimits;

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub name: Cow<'static, str>,
    /// When.
    pub time: Timestamp,
    /// What is known about it.
    pub attributes: Attributes,
}

impl Event {
    /// An event without attributes.
    pub fn new(name: impl Into<Cow<'static, str>>, time: Timestamp) -> Self {
        Self {
            name: name.into(),
            time,
            attributes: Attributes::new(),
        }
    }
}

/// Describes an event while it is added.
#[derive(Debug)]
pub struct EventWriter<'a> {
    pub(super) attributes: &'a mut Attributes,
    pub(super) limits: &'a AttributeLimits,
}

impl EventWriter<'_> {
    /// Sets an attribute of the event.
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        self.attributes.set_within(self.limits, key, value);
    }
}
