//! Carrying contexts from service to service.
//!
//! A [`Propagator`] knows one wire format, or several. It reads from anything that is [`Extract`] and writes to anything that is
//! [`Inject`]: HTTP headers, gRPC metadata, message headers, environment variables.
//!
//! | format | headers |
//! |---|---|
//! | [`TraceContext`] | `traceparent`, `tracestate` |
//! | [`BaggagePropagator`] | `baggage` |
//! | [`B3`] | `b3`, or `X-B3-TraceId` and its like |
//! | [`Jaeger`] | `uber-trace-id`, `uberctx-*` |
//! | [`XRay`] | `X-Amzn-Trace-Id` |
//! | [`Correlation`] | `X-Trace-ID`, `X-Span-ID`, `X-Parent-Span-ID` |
//! | [`Composite`] | those of several formats, chosen by code or by `OTEL_PROPAGATORS` |
//!
//! What is missing or malformed starts a new trace; it is never an error, and what is malformed is counted. Reading allocates only for
//! what it keeps (baggage, opaque ids, a `tracestate` for which no buffer is at hand), and checks the limits first.
//!
//! ```
//! use std::collections::HashMap;
//! use tracing_core_ctx::Tracer;
//!
//! let tracer = Tracer::builder().build();
//! let mut headers = HashMap::new();
//! headers.insert(
//!     "traceparent".to_owned(),
//!     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
//! );
//! let cx = tracer.extract(&headers);
//! assert!(cx.span_context().is_some_and(|caller| caller.is_remote()));
//!
//! let mut sent = HashMap::new();
//! tracer.inject(&cx, &mut sent);
//! assert_eq!(sent["traceparent"], headers["traceparent"]);
//! ```

mod b3;
mod baggage;
mod carrier;
mod composite;
mod correlation;
mod foreign;
mod jaeger;
mod line;
mod percent;
mod scratch;
mod trace_context;
mod xray;

use std::fmt;
use std::sync::Arc;

pub use b3::B3;
pub use baggage::BaggagePropagator;
pub use carrier::{Extract, Inject, Only, W3cHeaders};
pub use composite::{Composite, TraceContextAndBaggage};
pub use correlation::{Correlation, CorrelationId};
pub use jaeger::{Jaeger, JaegerDebugId};
pub use trace_context::TraceContext;
pub use xray::XRay;

use crate::baggage::Entry;
use crate::{Context, SpanContext, SpanRef};

/// Reads and writes contexts in one format, or in several.
pub trait Propagator: fmt::Debug + Send + Sync {
    /// Adds what `carrier` holds to the extraction. Never fails; what is malformed is reported to the extraction and otherwise taken as
    /// absent. A span context that is there already is left alone.
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract);

    /// Writes `context`, replacing what `carrier` holds under the names that are written. Writes nothing when there is nothing to say: what stands
    /// in the carrier is left alone then, and so are names that are only read. Where it may be another's context, take out what
    /// [`reads`](Self::reads) names first.
    fn inject(&self, context: &Context, carrier: &mut dyn Inject);

    /// Writes `context` with `span` as its current one: for a span in which nobody is, so that no context is made for it.
    ///
    /// Default: makes that context.
    fn inject_span(&self, span: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
        self.inject(&context.clone().with_span(span), carrier);
    }

    /// The names that are written, for carriers that must be cleared first.
    fn fields(&self) -> Vec<&'static str>;

    /// All names under which a context of the format may stand: those that are written, and those that are only read. Where it is to be gone, or to give way to
    /// another one, all of them are taken away. One that ends with `*` stands for all names that begin so.
    ///
    /// Default: those that are written.
    fn reads(&self) -> Vec<&'static str> {
        self.fields()
    }
}

/// A context that is being read, and what went wrong on the way.
#[derive(Debug)]
pub struct Extraction<'a> {
    context: Context,
    /// Where the caller's span goes if not into the context, where whoever starts a span below it puts that one.
    apart: Option<&'a mut Option<SpanContext>>,
    malformed: u32,
}

impl<'a> Extraction<'a> {
    /// Starts from `context`.
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self {
            context,
            apart: None,
            malformed: 0,
        }
    }

    /// Starts from nothing, and puts the caller's span apart.
    pub(crate) const fn apart(span: &'a mut Option<SpanContext>) -> Self {
        Self {
            context: Context::new(),
            apart: Some(span),
            malformed: 0,
        }
    }

    /// The caller's span, if it was found.
    #[must_use]
    pub fn span_context(&self) -> Option<&SpanContext> {
        match &self.apart {
            Some(span) => span.as_ref(),
            None => self.context.span_context(),
        }
    }

    /// What else was read so far.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Ends the reading.
    #[must_use]
    pub fn into_context(self) -> Context {
        self.context
    }

    /// How many values were there and could not be read.
    #[must_use]
    pub const fn malformed(&self) -> u32 {
        self.malformed
    }

    /// Whether a caller's span was found. Formats of lower priority then leave it alone.
    #[must_use]
    #[inline]
    pub fn has_span(&self) -> bool {
        self.span_context().is_some()
    }

    /// Takes over the caller's span, marked as remote, unless there is one already: what was found first counts.
    #[inline]
    pub fn set_span(&mut self, span_context: SpanContext) {
        if !self.has_span() {
            self.put_span(span_context.with_remote(true));
        }
    }

    #[inline]
    fn put_span(&mut self, span_context: SpanContext) {
        match &mut self.apart {
            Some(span) => **span = Some(span_context),
            None => self.context.set_remote_span(span_context),
        }
    }

    /// Changes the context.
    pub fn update(&mut self, change: impl FnOnce(Context) -> Context) {
        self.context = change(std::mem::take(&mut self.context));
    }

    /// Counts a value that was there and could not be read.
    pub const fn report_malformed(&mut self) {
        self.malformed = self.malformed.saturating_add(1);
    }

    fn add_malformed(&mut self, values: u32) {
        self.malformed = self.malformed.saturating_add(values);
    }

    /// Adds the caller's baggage, but for names that are there already.
    fn add_baggage(&mut self, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.update(|cx| {
                // Of two entries with one name the last is kept.
                let known = cx.baggage().iter().cloned();
                let baggage = entries.into_iter().chain(known).collect();
                cx.with_baggage(baggage)
            });
        }
    }
}

macro_rules! pointer {
    ($($pointer:ident)*) => {
        $(impl<P: Propagator + ?Sized> Propagator for $pointer<P> {
            fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
                (**self).extract(extraction, carrier);
            }

            fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
                (**self).inject(context, carrier);
            }

            fn inject_span(&self, span: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
                (**self).inject_span(span, context, carrier);
            }

            fn fields(&self) -> Vec<&'static str> {
                (**self).fields()
            }

            fn reads(&self) -> Vec<&'static str> {
                (**self).reads()
            }
        })*
    };
}

pointer!(Arc Box);

#[cfg(test)]
mod tests;
