use std::{env, fmt};

use super::{
    B3, BaggagePropagator, Correlation, Extract, Extraction, Inject, Jaeger, Propagator,
    TraceContext, XRay, baggage, trace_context,
};
use crate::diagnostics::{self, Level};
use crate::{Context, SpanRef};

const OTEL_PROPAGATORS: &str = "OTEL_PROPAGATORS";
const DEFAULT: &str = "tracecontext,baggage";

/// Several propagators as one. Empty by default: nothing is read or written.
///
/// Reading asks each of them in order, and what one has found stays: once there is a caller's span, those behind it leave
/// it alone. Writing lets each of them write.
///
/// ```
/// use tracing_core_ctx::Tracer;
/// use tracing_core_ctx::propagation::{B3, BaggagePropagator, Composite, TraceContext};
///
/// // W3C where both sides speak it, B3 for those who do not.
/// let propagator = Composite::default()
///     .and(TraceContext::default())
///     .and(B3::single())
///     .and(BaggagePropagator::default());
/// let tracer = Tracer::builder().propagator(propagator).build();
/// assert_eq!(tracer.propagator().fields(), ["traceparent", "tracestate", "b3", "baggage"]);
/// ```
#[derive(Debug, Default)]
pub struct Composite(Vec<Box<dyn Propagator>>);

impl Composite {
    /// These, in this order of priority.
    pub fn new(propagators: impl IntoIterator<Item = Box<dyn Propagator>>) -> Self {
        Self(propagators.into_iter().collect())
    }

    /// The same with one more, which comes last.
    #[must_use]
    pub fn and(mut self, propagator: impl Propagator + 'static) -> Self {
        self.0.push(Box::new(propagator));
        self
    }

    /// What the environment variable `OTEL_PROPAGATORS` names; see [`from_names`](Self::from_names).
    ///
    /// Default, also when it is empty: `tracecontext,baggage`.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_names(
            &env::var_os(OTEL_PROPAGATORS)
                .unwrap_or_default()
                .to_string_lossy(),
        )
    }

    /// A list of names with commas between them, as `OTEL_PROPAGATORS` has it
    /// ([OpenTelemetry, environment variables](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/)).
    ///
    /// | name | is |
    /// |---|---|
    /// | `tracecontext` | [`TraceContext`] |
    /// | `baggage` | [`BaggagePropagator`] |
    /// | `b3`, `b3multi` | [`B3::single`], [`B3::multi`] |
    /// | `jaeger` | [`Jaeger`] |
    /// | `xray` | [`XRay`] |
    /// | `correlation` | [`Correlation`], not known to OpenTelemetry |
    /// | `none`, alone | nothing |
    ///
    /// A name that comes twice counts once. Any other name, also `ottrace`, and a `none` that is not alone are skipped with a
    /// warning. If no name is left, it is `tracecontext,baggage`.
    ///
    /// ```
    /// use tracing_core_ctx::propagation::{Composite, Propagator};
    ///
    /// assert_eq!(Composite::from_names("b3multi, baggage").fields().len(), 5);
    /// assert!(Composite::from_names("none").fields().is_empty());
    /// ```
    #[must_use]
    pub fn from_names(names: &str) -> Self {
        let mut warn = |message: fmt::Arguments<'_>| diagnostics::report(Level::Warn, message);
        choose(names, &mut warn)
    }
}

fn choose(names: &str, warn: &mut dyn FnMut(fmt::Arguments<'_>)) -> Composite {
    let mut chosen: Vec<String> = Vec::new();
    let mut composite = Composite::default();
    let all: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if !all.is_empty() && all.iter().all(|name| name.eq_ignore_ascii_case("none")) {
        return composite;
    }
    for name in &all {
        let name = name.to_ascii_lowercase();
        if chosen.contains(&name) {
            continue;
        }
        match by_name(&name) {
            Some(propagator) => composite.0.push(propagator),
            None if name == "none" => warn(format_args!(
                "{OTEL_PROPAGATORS} has `none` among other names, where it means nothing; it is ignored"
            )),
            None if name == "ottrace" => warn(format_args!(
                "{OTEL_PROPAGATORS} names `ottrace`, which is not supported; it is ignored"
            )),
            None => warn(format_args!(
                "{OTEL_PROPAGATORS} names `{name}`, which is none of tracecontext, baggage, b3, b3multi, jaeger, xray, \
                 correlation and none; it is ignored"
            )),
        }
        chosen.push(name);
    }
    if composite.0.is_empty() {
        if !all.is_empty() {
            warn(format_args!(
                "{OTEL_PROPAGATORS} names no propagator that is known; {DEFAULT} it is"
            ));
        }
        return Composite::default().and(TraceContextAndBaggage);
    }
    if chosen == ["tracecontext", "baggage"] {
        // The same, and the headers are looked for at once.
        return Composite::default().and(TraceContextAndBaggage);
    }
    composite
}

fn by_name(name: &str) -> Option<Box<dyn Propagator>> {
    Some(match name {
        "b3" => Box::new(B3::single()),
        "b3multi" => Box::new(B3::multi()),
        "baggage" => Box::new(BaggagePropagator),
        "correlation" => Box::new(Correlation),
        "jaeger" => Box::new(Jaeger),
        "tracecontext" => Box::new(TraceContext),
        "xray" => Box::new(XRay),
        _ => return None,
    })
}

impl Propagator for Composite {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        for propagator in &self.0 {
            propagator.extract(extraction, carrier);
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        for propagator in &self.0 {
            propagator.inject(context, carrier);
        }
    }

    fn inject_span(&self, span: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
        for propagator in &self.0 {
            propagator.inject_span(span, context, carrier);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        union(self.0.iter().flat_map(|propagator| propagator.fields()))
    }

    fn reads(&self) -> Vec<&'static str> {
        union(self.0.iter().flat_map(|propagator| propagator.reads()))
    }
}

/// [`TraceContext`] and [`BaggagePropagator`], what OpenTelemetry propagates by default. A tracer has it unless told otherwise.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TraceContextAndBaggage;

impl Propagator for TraceContextAndBaggage {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        let found = carrier.get_w3c();
        trace_context::read(found.traceparent, || found.tracestate, extraction, carrier);
        baggage::read(found.baggage, extraction, carrier);
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.inject_span(context.span_ref(), context, carrier);
    }

    fn inject_span(&self, span: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
        TraceContext.inject_span(span, context, carrier);
        BaggagePropagator.inject(context, carrier);
    }

    fn fields(&self) -> Vec<&'static str> {
        [TraceContext.fields(), BaggagePropagator.fields()].concat()
    }
}

/// Each name once.
fn union(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut union = Vec::new();
    for name in names {
        if !union.contains(&name) {
            union.push(name);
        }
    }
    union
}

#[cfg(test)]
mod tests;
