use std::collections::BTreeSet;
use std::sync::Arc;

use amq_protocol::protocol::BasicProperties;
use amq_protocol::types::{AMQPValue, FieldTable};

use super::topic;

/// How an exchange chooses among its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Direct,
    Fanout,
    Headers,
    Topic,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "fanout" => Some(Self::Fanout),
            "headers" => Some(Self::Headers),
            "topic" => Some(Self::Topic),
            _ => None,
        }
    }
}

/// Where messages are published to, and which queues they go to from there.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) kind: Kind,
    pub(super) auto_delete: bool,
    pub(super) internal: bool,
    bindings: Vec<Binding>,
}

#[derive(Debug, PartialEq)]
struct Binding {
    queue: Arc<str>,
    key: String,
    arguments: FieldTable,
}

impl Exchange {
    pub(super) const fn new(kind: Kind, auto_delete: bool, internal: bool) -> Self {
        Self {
            kind,
            auto_delete,
            internal,
            bindings: Vec::new(),
        }
    }

    /// Binds a queue; once, however often it is asked for.
    pub(super) fn bind(&mut self, queue: Arc<str>, key: String, arguments: FieldTable) {
        let binding = Binding {
            queue,
            key,
            arguments,
        };
        if !self.bindings.contains(&binding) {
            self.bindings.push(binding);
        }
    }

    pub(super) fn unbind(&mut self, queue: &str, key: &str, arguments: &FieldTable) {
        self.bindings.retain(|binding| {
            *binding.queue != *queue || binding.key != key || binding.arguments != *arguments
        });
    }

    /// Forgets a queue that is gone.
    pub(super) fn forget(&mut self, queue: &str) {
        self.bindings.retain(|binding| *binding.queue != *queue);
    }

    pub(super) const fn bindings(&self) -> usize {
        self.bindings.len()
    }

    /// The queues that a message goes to, each once.
    pub(super) fn route(&self, key: &str, properties: &BasicProperties) -> BTreeSet<Arc<str>> {
        let chosen = self.bindings.iter().filter(|binding| match self.kind {
            Kind::Direct => binding.key == key,
            Kind::Fanout => true,
            Kind::Headers => headers_match(&binding.arguments, properties.headers().as_ref()),
            Kind::Topic => topic::matches(&binding.key, key),
        });
        chosen.map(|binding| binding.queue.clone()).collect()
    }
}

/// Whether headers have what a binding asks for. A value of the other type is another value; none at all asks only whether the header is there.
fn headers_match(wanted: &FieldTable, headers: Option<&FieldTable>) -> bool {
    let how = match wanted.inner().get("x-match") {
        Some(AMQPValue::LongString(how)) => how.as_bytes(),
        _ => b"all",
    };
    let with_x = how.ends_with(b"-with-x");
    let mut asked = wanted.into_iter().filter(|(name, _)| {
        name.as_str() != "x-match" && (with_x || !name.as_str().starts_with("x-"))
    });
    let is_there = |(name, value): (&_, &AMQPValue)| {
        let found = headers.and_then(|headers| headers.inner().get(name));
        found.is_some_and(|found| *value == AMQPValue::Void || found == value)
    };
    match how.starts_with(b"any") {
        true => asked.any(is_there),
        false => asked.all(is_there),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn text(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    #[test]
    fn a_queue_that_is_bound_twice_gets_a_message_once() {
        let mut exchange = Exchange::new(Kind::Topic, false, false);
        exchange.bind("q".into(), "a.*".into(), FieldTable::default());
        exchange.bind("q".into(), "#".into(), FieldTable::default());
        exchange.bind("q".into(), "#".into(), FieldTable::default());
        assert_eq!(exchange.bindings(), 2);
        assert_eq!(exchange.route("a.b", &BasicProperties::default()).len(), 1);
        exchange.unbind("q", "#", &FieldTable::default());
        assert!(exchange.route("b", &BasicProperties::default()).is_empty());
    }

    #[test]
    fn headers_are_matched_all_or_any() {
        let headers = table(&[("kind", text("order")), ("size", AMQPValue::LongInt(3))]);
        let all = table(&[("kind", text("order")), ("size", AMQPValue::LongInt(4))]);
        assert!(!headers_match(&all, Some(&headers)));
        let mut any = all;
        any.insert("x-match".into(), text("any"));
        assert!(headers_match(&any, Some(&headers)));
        assert!(!headers_match(&any, None));
        assert!(headers_match(&FieldTable::default(), None));
    }

    #[test]
    fn a_header_is_asked_for_by_its_presence_or_its_value_and_type() {
        let headers = table(&[("size", AMQPValue::LongInt(3))]);
        let asks = |value| headers_match(&table(&[("size", value)]), Some(&headers));
        assert!(asks(AMQPValue::Void));
        assert!(asks(AMQPValue::LongInt(3)));
        assert!(!asks(AMQPValue::LongLongInt(3)));
    }

    #[test]
    fn headers_of_the_broker_count_only_where_they_are_asked_for() {
        let mut wanted = table(&[("x-tenant", text("7"))]);
        assert!(headers_match(&wanted, None));
        wanted.insert("x-match".into(), text("all-with-x"));
        assert!(!headers_match(&wanted, None));
    }
}
