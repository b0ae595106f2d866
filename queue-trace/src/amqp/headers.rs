use std::collections::BTreeMap;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use tracing_core_ctx::SpanContext;
use tracing_core_ctx::propagation::{Extract, Inject, TraceContext, W3cHeaders};

use crate::carrier::{self, Walk};
use crate::first::{FIRST, first};

/// The headers of an AMQP message as a carrier of contexts.
///
/// Written are long strings alone: brokers close the connection over short strings, and many consumers cannot read byte arrays. Read are all three.
/// Other entries are not touched.
///
/// ```
/// use lapin::BasicProperties;
/// use queue_trace::amqp::AmqpHeaders;
/// use tracing_core_ctx::{Context, Tracer};
///
/// # let tracer = Tracer::noop();
/// let mut headers = AmqpHeaders::of(&BasicProperties::default());
/// tracer.inject(&Context::current(), &mut headers);
/// let properties = headers.put_into(BasicProperties::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AmqpHeaders(Option<FieldTable>);

impl AmqpHeaders {
    /// A copy of the headers in `properties`.
    #[must_use]
    pub fn of(properties: &BasicProperties) -> Self {
        Self(properties.headers().clone())
    }

    /// Takes away every header of which `unwanted` says so.
    pub(super) fn drop_if(&mut self, unwanted: impl Fn(&str) -> bool) {
        let Some(table) = &mut self.0 else { return };
        if table.inner().keys().any(|name| unwanted(name.as_str())) {
            // The table itself can only grow.
            let kept = table
                .into_iter()
                .filter(|(name, _)| !unwanted(name.as_str()));
            let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
            *table = FieldTable::from(kept.collect::<BTreeMap<_, _>>());
        }
    }

    /// Where the message was first sent from, if it says so.
    pub(super) fn first(&self) -> Option<SpanContext> {
        first(carrier::last(self, FIRST)?)
    }

    /// Writes that, if it is not there.
    pub(super) fn keep_first(&mut self, sent: &SpanContext) {
        if carrier::last(self, FIRST).is_none() {
            let sent = TraceContext::traceparent(sent);
            self.set(FIRST, &sent);
        }
    }

    /// Whether there is none.
    pub(super) const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Adds one that is not there.
    fn insert(&mut self, name: &str, value: &[u8]) {
        // Names of propagators are short; one that is not cannot be sent.
        if let Ok(name) = ShortString::try_new(name) {
            let value = AMQPValue::LongString(value.into());
            self.0.get_or_insert_default().insert(name, value);
        }
    }

    /// `properties` with these headers; without a table if there never was one and nothing was written.
    #[must_use]
    pub fn put_into(self, properties: BasicProperties) -> BasicProperties {
        match self.0 {
            Some(table) => properties.with_headers(table),
            None => properties,
        }
    }
}

impl Walk for AmqpHeaders {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        if let Some(table) = &self.0 {
            walk(table, visit);
        }
    }
}

/// The headers where they lie in the properties, to be read.
impl Walk for BasicProperties {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        if let Some(table) = self.headers() {
            walk(table, visit);
        }
    }
}

fn walk<'a>(table: &'a FieldTable, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
    for (name, value) in table {
        let value = match value {
            AMQPValue::ByteArray(bytes) => Some(bytes.as_slice()),
            AMQPValue::LongString(text) => Some(text.as_bytes()),
            AMQPValue::ShortString(text) => Some(text.as_str().as_bytes()),
            _ => None,
        };
        visit(name.as_str(), value);
    }
}

impl Extract for AmqpHeaders {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        carrier::last(self, name).into_iter().for_each(visit);
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        carrier::w3c(self)
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        carrier::names(self, prefix, visit);
    }
}

impl Inject for AmqpHeaders {
    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.insert(name, value.as_bytes());
    }

    fn set_w3c(&mut self, traceparent: &[u8; 55], tracestate: &[u8]) {
        self.drop_if(|each| {
            each.eq_ignore_ascii_case("traceparent") || each.eq_ignore_ascii_case("tracestate")
        });
        self.insert("traceparent", traceparent);
        if !tracestate.is_empty() {
            self.insert("tracestate", tracestate);
        }
    }

    fn remove(&mut self, name: &str) {
        self.drop_if(|each| each.eq_ignore_ascii_case(name));
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::ByteArray;
    use tracing_core_ctx::{Context, Tracer};

    use super::*;
    use crate::carrier::LastOf;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn with(name: &str, value: AMQPValue) -> BasicProperties {
        let mut table = FieldTable::default();
        table.insert("tenant".into(), AMQPValue::LongInt(7));
        table.insert(name.into(), value);
        BasicProperties::default().with_headers(table)
    }

    fn context(properties: &BasicProperties) -> Context {
        let context = Tracer::noop().extract(&LastOf(properties));
        let copied = Tracer::noop().extract(&AmqpHeaders::of(properties));
        assert_eq!(context.span_context(), copied.span_context());
        context
    }

    #[test]
    fn long_strings_short_strings_and_byte_arrays_are_read() {
        for value in [
            AMQPValue::LongString(PARENT.into()),
            AMQPValue::ShortString(PARENT.into()),
            AMQPValue::ByteArray(ByteArray::from(PARENT.as_bytes())),
        ] {
            assert!(
                context(&with("traceparent", value))
                    .span_context()
                    .is_some()
            );
        }
    }

    #[test]
    fn values_of_other_types_are_no_context() {
        for value in [
            AMQPValue::Void,
            AMQPValue::LongInt(1),
            AMQPValue::Boolean(true),
        ] {
            assert!(
                context(&with("traceparent", value))
                    .span_context()
                    .is_none()
            );
        }
    }

    #[test]
    fn a_context_is_written_as_a_long_string_in_place_of_any_other() {
        let stale = with(
            "Traceparent",
            AMQPValue::ByteArray(ByteArray::from(&b"stale"[..])),
        );
        let came = context(&with("traceparent", AMQPValue::LongString(PARENT.into())));
        let mut headers = AmqpHeaders::of(&stale);
        Tracer::noop().inject(&came, &mut headers);
        let table = headers.put_into(stale).headers().clone().unwrap();
        let expected = AMQPValue::LongString(PARENT.into());
        assert_eq!(table.inner().get("traceparent"), Some(&expected));
        assert_eq!(table.inner().get("tenant"), Some(&AMQPValue::LongInt(7)));
        assert_eq!(table.inner().len(), 2);
    }

    #[test]
    fn without_context_no_table_is_made() {
        let mut headers = AmqpHeaders::of(&BasicProperties::default());
        Tracer::noop().inject(&Context::new(), &mut headers);
        let properties = headers.put_into(BasicProperties::default());
        assert_eq!(properties, BasicProperties::default());
    }
}
