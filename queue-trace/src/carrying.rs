use tracing_core_ctx::Context;
#[cfg(any(feature = "amqp", feature = "kafka"))]
use tracing_core_ctx::Span;
use tracing_core_ctx::propagation::{Extract, Inject};

use crate::origin::with_baggage_of;
use crate::{Existing, Incoming, Origin, QueueTracer};

/// # Carrying contexts
impl QueueTracer {
    /// Reads the context of a message, as far as the [trust](Self::trust) goes. What is missing or malformed is no error.
    #[must_use]
    pub fn extract(&self, carrier: &dyn Extract) -> Origin {
        self.extract_by(carrier, || Incoming::new("", carrier))
    }

    /// The same for one who [trusts](Self::trust_by) by where a message comes from.
    #[must_use]
    pub fn extract_from(&self, incoming: &Incoming<'_>) -> Origin {
        self.extract_by(incoming.headers(), || *incoming)
    }

    /// The same of a message of which more is told if somebody wants to know.
    #[inline]
    pub(crate) fn extract_by<'a>(
        &self,
        carrier: &dyn Extract,
        incoming: impl FnOnce() -> Incoming<'a>,
    ) -> Origin {
        let (span, rest) = self.settings.tracer.extract_parts(carrier);
        Origin::of_parts(span, rest, self.trust_in(incoming))
    }

    /// Writes `context` into a message in place of any context that is there; of none, it removes what is there. Of baggage, what
    /// [may leave](Self::propagate_baggage).
    ///
    /// Whether the destination [may see it](Self::propagate_to) is not asked: it is not known here.
    pub fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.remove(carrier);
        let listed = self.settings.propagate.listed(context);
        let context = listed.as_ref().unwrap_or(context);
        self.settings.tracer.inject(context, carrier);
    }

    /// Takes any context out of a message: for one that is sent on and not on behalf of its first producer.
    pub fn remove(&self, carrier: &mut dyn Inject) {
        for field in &self.settings.fields {
            carrier.remove(field);
        }
    }

    /// What is in a message about to be sent, and is to be respected: a context, or baggage alone.
    pub(crate) fn found(&self, message: &dyn Extract) -> Context {
        match self.settings.existing {
            Existing::Replace => Context::new(),
            Existing::Respect => self.settings.tracer.extract(message),
        }
    }

    /// Whether messages to this destination may have contexts in them.
    #[inline]
    pub(crate) fn reaches<N: AsRef<str>>(&self, name: impl FnOnce() -> N) -> bool {
        self.settings.propagate.reaches(name)
    }

    /// Writes the context of a span that sends a message below `around` into it, with the baggage that may leave.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[inline]
    pub(crate) fn inject_span(&self, span: &Span, around: &Context, carrier: &mut dyn Inject) {
        let listed = self.settings.propagate.listed(around);
        let around = listed.as_ref().unwrap_or(around);
        self.settings.tracer.inject_span(span, around, carrier);
    }

    /// Takes out of a message that keeps the context that it has, `found`, what is not to leave: all of it, or some of the baggage.
    pub(crate) fn restrict<C: Extract + Inject>(
        &self,
        reaches: bool,
        found: &Context,
        message: &mut C,
    ) {
        if !reaches {
            take_out(&self.settings.revealing, message);
        } else if self.settings.propagate.is_selective() {
            // Also what of it could not be read.
            take_out(&self.settings.fields, message);
            let listed = self.settings.propagate.listed(found);
            let context = listed.as_ref().unwrap_or(found);
            self.settings.tracer.inject(context, message);
        }
    }
}

/// Takes these headers away; `*` at the end of a name stands for the rest of it.
fn take_out<C: Extract + Inject>(fields: &[&'static str], message: &mut C) {
    for field in fields {
        let Some(prefix) = field.strip_suffix('*') else {
            message.remove(field);
            continue;
        };
        let mut found = Vec::new();
        message.names(prefix, &mut |name| found.push(name.to_owned()));
        for name in found {
            message.remove(&name);
        }
    }
}

/// In which context a message is sent that has baggage and no span: `around`, with that baggage. None if there is none.
#[inline]
pub(crate) fn baggage_beside(found: &Context, around: &Context) -> Option<Context> {
    let has_baggage = !found.baggage().is_empty();
    has_baggage.then(|| with_baggage_of(found, around.clone()))
}
