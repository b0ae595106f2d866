use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::span::SpanBuilder;
use tracing_core_ctx::{SpanKind, semconv};

use crate::QueueTracer;
use crate::message::Describe;
use crate::operation::Begin;

/// What is known of an operation before its span starts: what it says, and the broker.
pub(crate) struct Known<'a, B>(&'a QueueTracer, &'a B);

impl<B: Begin> AttributeSource for Known<'_, B> {
    fn name(&self) -> &str {
        self.1.name()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.1.get(key).or_else(|| self.0.server_fact(key))
    }
}

impl QueueTracer {
    #[inline]
    pub(crate) const fn known<'a, B: Begin>(&'a self, operation: &'a B) -> Known<'a, B> {
        Known(self, operation)
    }

    #[inline]
    pub(crate) fn begin<'a, B: Begin>(
        &'a self,
        known: &'a Known<'a, B>,
        kind: SpanKind,
    ) -> SpanBuilder<'a> {
        let builder = self.settings.tracer.span("").kind(kind);
        let builder = builder.attribute_source(known);
        match known.1.start() {
            Some(time) => builder.start_time(time),
            None => builder,
        }
    }

    /// What is said of the broker.
    pub(crate) fn server_fact(&self, key: &str) -> Option<ValueRef<'_>> {
        let (address, port) = self.settings.server.as_ref()?;
        match key {
            "server.address" => Some(ValueRef::Str(address)),
            "server.port" => Some(ValueRef::I64((*port).into())),
            _ => None,
        }
    }

    /// Who speaks to it, unless that is told otherwise, and to which cluster.
    pub(crate) fn describe_client(&self, told: Option<&str>, to: &mut impl Describe) {
        let id = told.or(self.settings.client_id.as_deref());
        to.put_opt(semconv::MESSAGING_CLIENT_ID, id);
        let cluster = self.settings.cluster_id.as_deref();
        to.put_opt(semconv::KAFKA_CLUSTER_ID, cluster);
    }

    pub(crate) fn describe_server(&self, to: &mut impl Describe) {
        if let Some((address, port)) = &self.settings.server {
            to.put(semconv::SERVER_ADDRESS, address.as_str());
            to.put(semconv::SERVER_PORT, *port);
        }
    }
}
