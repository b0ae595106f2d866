use std::cell::OnceCell;

use tracing::span::Attributes as Fields;
use tracing_core_ctx::attribute::{Attributes, KeyRef, ValueRef};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::span::SpanTemplate;

use super::fields::each;
use super::otel::Otel;

/// What samplers see of a span that is about to start: its fields, which are read when the first of them is asked for, and what all spans
/// of its callsite say.
pub(super) struct Asked<'a> {
    fields: &'a Fields<'a>,
    template: &'a SpanTemplate,
    read: OnceCell<Attributes>,
}

impl<'a> Asked<'a> {
    #[inline]
    pub(super) const fn new(fields: &'a Fields<'a>, template: &'a SpanTemplate) -> Self {
        Self {
            fields,
            template,
            read: OnceCell::new(),
        }
    }
}

impl AttributeSource for Asked<'_> {
    #[cold]
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let read = self.read.get_or_init(|| read(self.fields));
        read.get(key)
            .or_else(|| self.template.attributes().get(key))
    }
}

fn read(fields: &Fields<'_>) -> Attributes {
    let mut read = Attributes::new();
    fields.record(&mut each(|name, value| {
        if !Otel::takes(name) {
            value.read(|value| read.set(KeyRef::Static(name), value));
        }
    }));
    read
}
