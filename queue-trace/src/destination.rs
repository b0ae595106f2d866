/// Where messages go to or come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination<'a> {
    /// The name: the topic of Kafka, `{exchange}:{routing key}:{queue}` of RabbitMQ. Empty when there is none, or when a batch has several.
    pub name: &'a str,
    /// The pattern of names with parameters, of few values: it names spans in place of the name.
    pub template: Option<&'a str>,
    /// It may vanish with its last user. Its name is not in the names of spans.
    pub is_temporary: bool,
    /// It has no name of its own, or a made-up one. Its name is not in the names of spans.
    pub is_anonymous: bool,
}

impl<'a> Destination<'a> {
    /// One with a name of its own.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self {
            name,
            template: None,
            is_temporary: false,
            is_anonymous: false,
        }
    }

    /// One whose name somebody made up, such as the queue of the replies to one client.
    #[must_use]
    pub const fn anonymous(name: &'a str) -> Self {
        Self {
            name,
            template: None,
            is_temporary: false,
            is_anonymous: true,
        }
    }

    /// The same with a template.
    #[must_use]
    pub const fn with_template(mut self, template: &'a str) -> Self {
        self.template = Some(template);
        self
    }

    /// What stands in the name of a span: of few values, so nothing made-up.
    pub(crate) fn in_span_name(&self) -> Option<&'a str> {
        let named = !self.name.is_empty() && !self.is_temporary && !self.is_anonymous;
        self.template.or_else(|| named.then_some(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_name_names_no_span_but_its_template_does() {
        assert_eq!(Destination::named("orders").in_span_name(), Some("orders"));
        let reply = Destination::anonymous("amq.gen-7x");
        assert_eq!(reply.in_span_name(), None);
        assert_eq!(
            reply.with_template("replies").in_span_name(),
            Some("replies")
        );
        let temporary = Destination {
            is_temporary: true,
            ..Destination::named("q-17")
        };
        assert_eq!(temporary.in_span_name(), None);
        assert_eq!(Destination::default().in_span_name(), None);
    }
}
