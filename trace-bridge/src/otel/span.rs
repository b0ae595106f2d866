use std::borrow::Cow;
use std::error::Error;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace as otel;
use tracing_core_ctx::{Span, SpanRef};

use super::{convert, open};

/// A span of ours as OpenTelemetry's API sees it.
///
/// One that was [started](super::BridgeTracer) by that API ends as it says. One that is only shown by its contexts is ours to end.
#[derive(Debug)]
pub struct BridgeSpan {
    handle: SpanRef,
    /// The right to end it.
    own: Option<Span>,
    /// Whether it can be found by its ids. It can until it is dropped: what starts below it after its end is its child all the same.
    is_known: bool,
    context: otel::SpanContext,
}

impl BridgeSpan {
    pub(super) fn started(span: Span) -> Self {
        let mut shown = Self::shown(&span);
        if span.is_recording() {
            open::insert(&span);
            shown.is_known = true;
        }
        shown.own = Some(span);
        shown
    }

    pub(super) fn shown(span: &SpanRef) -> Self {
        Self {
            handle: span.clone(),
            own: None,
            is_known: false,
            context: span
                .span_context()
                .map_or(otel::SpanContext::NONE, convert::to_otel),
        }
    }
}

impl otel::Span for BridgeSpan {
    fn add_event_with_timestamp<T>(&mut self, name: T, time: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        self.handle
            .event_at(convert::timestamp(time), name, |event| {
                convert::each(&attributes, |key, value| event.set(key, value));
            });
    }

    fn record_error(&mut self, error: &dyn Error) {
        self.handle.record_handled(error);
    }

    fn span_context(&self) -> &otel::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.handle.is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        convert::each(&[attribute], |key, value| self.handle.set(key, value));
    }

    fn set_status(&mut self, status: otel::Status) {
        self.handle.set_status(convert::status(status));
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        self.handle.update_name(&new_name.into());
    }

    fn add_link(&mut self, span_context: otel::SpanContext, attributes: Vec<KeyValue>) {
        if let Some(link) = convert::link(&span_context, &attributes) {
            self.handle.link(link);
        }
    }

    fn end(&mut self) {
        if let Some(span) = self.own.take() {
            span.end();
        }
    }

    fn end_with_timestamp(&mut self, time: SystemTime) {
        if let Some(span) = self.own.take() {
            span.end_at(convert::timestamp(time));
        }
    }
}

impl Drop for BridgeSpan {
    fn drop(&mut self) {
        if self.is_known
            && let Some(context) = self.handle.span_context()
        {
            open::remove(context.span_id());
        }
    }
}
