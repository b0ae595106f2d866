use std::collections::HashMap;

use opentelemetry::Context as OtelContext;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;
use tracing_core_ctx::propagation::{Extract, Extraction, Inject, Propagator};
use tracing_core_ctx::{Context, Tracer};

use super::convert;
use super::current::{baggage_of, remembering, whole, with_baggage};

/// The propagator of a [`Tracer`] as one of OpenTelemetry's API.
#[derive(Debug)]
pub struct TextMap {
    tracer: Tracer,
    fields: Vec<String>,
}

impl TextMap {
    /// Reads and writes as `tracer` does.
    #[must_use]
    pub fn new(tracer: Tracer) -> Self {
        let fields = tracer.propagator().fields();
        Self {
            fields: fields.into_iter().map(str::to_owned).collect(),
            tracer,
        }
    }
}

impl TextMapPropagator for TextMap {
    fn inject_context(&self, context: &OtelContext, injector: &mut dyn Injector) {
        self.tracer.inject(&whole(context), &mut Written(injector));
    }

    fn extract_with_context(
        &self,
        context: &OtelContext,
        extractor: &dyn Extractor,
    ) -> OtelContext {
        let ours = self.tracer.extract(&Read(extractor));
        let above = on_top(context, &ours);
        // Their vocabulary has no words for a wish to debug, nor for ids of one's own.
        let is_whole = ours.span_context().is_some() || !above.span().span_context().is_valid();
        if ours.is_empty() || !is_whole {
            return above;
        }
        remembering(&above, &ours)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// A propagator of OpenTelemetry's API as one of ours.
#[derive(Debug)]
pub struct Foreign<P> {
    theirs: P,
    fields: Vec<&'static str>,
}

impl<P: TextMapPropagator> Foreign<P> {
    /// Reads and writes as `propagator` does. It is made once: the names of its headers are kept for ever.
    #[must_use]
    pub fn new(propagator: P) -> Self {
        let fields = propagator.fields();
        Self {
            fields: fields.map(|field| &*field.to_owned().leak()).collect(),
            theirs: propagator,
        }
    }
}

impl<P: TextMapPropagator + Send + Sync> Propagator for Foreign<P> {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        let found = Found::new(carrier, &self.fields);
        let context = self
            .theirs
            .extract_with_context(&OtelContext::new(), &found);
        if let Some(span) = convert::from_otel(context.span().span_context()) {
            extraction.set_span(span);
        }
        let baggage = baggage_of(&context);
        if !baggage.is_empty() && extraction.context().baggage().is_empty() {
            extraction.update(|context| context.with_baggage(baggage));
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        // They write and take nothing away: what was there is of another call.
        for field in &self.fields {
            carrier.remove(field);
        }
        let context = on_top(&OtelContext::new(), context);
        self.theirs.inject_context(&context, &mut Carried(carrier));
    }

    fn fields(&self) -> Vec<&'static str> {
        self.fields.clone()
    }
}

/// Our context on top of theirs, as of another service.
fn on_top(theirs: &OtelContext, ours: &Context) -> OtelContext {
    let mut theirs = theirs.clone();
    if let Some(span) = ours.span_context() {
        theirs = theirs.with_remote_span_context(convert::to_otel(span));
    }
    if !ours.baggage().is_empty() {
        theirs = with_baggage(&theirs, ours.baggage());
    }
    theirs
}

/// Their headers as a carrier of ours.
struct Read<'a>(&'a dyn Extractor);

impl Extract for Read<'_> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        for value in self.0.get_all(name).into_iter().flatten() {
            visit(value.as_bytes());
        }
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        for name in self.0.keys() {
            let start = name.get(..prefix.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                visit(name);
            }
        }
    }
}

/// The same to be written. Their carriers replace; none can take a header away.
struct Written<'a>(&'a mut dyn Injector);

impl Inject for Written<'_> {
    fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value.to_owned());
    }

    fn remove(&mut self, _name: &str) {}
}

/// Our headers as a carrier of theirs, which hands texts out by reference: so they are read before.
struct Found(HashMap<String, Vec<String>>);

impl Found {
    fn new(carrier: &dyn Extract, fields: &[&'static str]) -> Self {
        let mut names: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        carrier.names("", &mut |name| names.push(name.to_ascii_lowercase()));
        let mut found = HashMap::new();
        for name in names {
            let mut values = Vec::new();
            carrier.get_all(&name, &mut |value| {
                values.extend(std::str::from_utf8(value).map(str::to_owned));
            });
            if !values.is_empty() {
                found.insert(name.to_ascii_lowercase(), values);
            }
        }
        Self(found)
    }
}

impl Extractor for Found {
    fn get(&self, key: &str) -> Option<&str> {
        let values = self.0.get(&key.to_ascii_lowercase())?;
        values.first().map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values = self.0.get(&key.to_ascii_lowercase())?;
        Some(values.iter().map(String::as_str).collect())
    }
}

/// Ours to be written.
struct Carried<'a>(&'a mut dyn Inject);

impl Injector for Carried<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, &value);
    }
}
