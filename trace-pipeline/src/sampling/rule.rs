use std::borrow::Cow;
use std::sync::Arc;

use tracing_core_ctx::SpanKind;
use tracing_core_ctx::attribute::{Value, ValueRef};
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::sampler::{AttributeSource, SamplingInput};

use super::pattern::Pattern;
use super::{Adaptive, RateLimit};

/// One of [`Rules`](super::Rules): for which spans it is, and which of their traces are kept.
///
/// All that is asked for must be so; a rule that asks for nothing is for all spans. Patterns take `*` for any run of characters. Without
/// [`probability`](Self::probability) or one of its kin, all are kept.
///
/// ```
/// use trace_pipeline::sampling::{RateLimit, Rule};
/// use tracing_core_ctx::SpanKind;
///
/// let checkout = Rule::new().method("POST").route("/checkout").probability(0.1);
/// let partners = Rule::new().kind(SpanKind::Server).host("*.partner.example").limit(RateLimit::per_second(5));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rule {
    kind: Option<SpanKind>,
    texts: Vec<(Texts, Pattern)>,
    attributes: Vec<(String, Value)>,
    pub(crate) rate: Rate,
    pub(crate) reason: Option<Cow<'static, str>>,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Texts {
    Host,
    Method,
    Name,
    Route,
    Topic,
}

/// Which traces are kept.
#[derive(Clone, Debug)]
pub(crate) enum Rate {
    Adaptive(Arc<Adaptive>),
    /// A probability, and so many in any case.
    AtLeast(Option<Threshold>, Arc<RateLimit>),
    Limit(Arc<RateLimit>),
    Never,
    /// `None` keeps none.
    Threshold(Option<Threshold>),
}

impl Default for Rate {
    fn default() -> Self {
        Self::Threshold(Some(Threshold::ALWAYS))
    }
}

impl Rate {
    /// Whether it was set to the same, whatever has happened since.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    fn is_set_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Adaptive(one), Self::Adaptive(other)) => one.is_set_as(other),
            (Self::AtLeast(part, one), Self::AtLeast(other_part, other)) => {
                part == other_part && one.is_set_as(other)
            }
            (Self::Limit(one), Self::Limit(other)) => one.is_set_as(other),
            (Self::Never, Self::Never) => true,
            (Self::Threshold(one), Self::Threshold(other)) => one == other,
            _ => false,
        }
    }

    pub(crate) fn of_probability(probability: f64) -> Self {
        Self::Threshold(threshold(probability))
    }

    pub(crate) fn at_least(probability: f64, bound: RateLimit) -> Self {
        Self::AtLeast(threshold(probability), Arc::new(bound))
    }
}

/// What is no number keeps all.
fn threshold(probability: f64) -> Option<Threshold> {
    if probability.is_nan() {
        return Some(Threshold::ALWAYS);
    }
    Threshold::from_probability(probability)
}

impl Rule {
    /// For all spans.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Spans of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Requests for this route, or this path where the route is not known when the span starts: `/admin/*`.
    ///
    /// Looked at are `http.route`, else `url.path` and `url.template`, and for gRPC `rpc.method`.
    #[must_use]
    pub fn route(self, pattern: impl Into<String>) -> Self {
        self.text(Texts::Route, pattern)
    }

    /// Requests with this HTTP method (`http.request.method`).
    #[must_use]
    pub fn method(self, pattern: impl Into<String>) -> Self {
        self.text(Texts::Method, pattern)
    }

    /// Requests to this host (`server.address`).
    #[must_use]
    pub fn host(self, pattern: impl Into<String>) -> Self {
        self.text(Texts::Host, pattern)
    }

    /// Messages of this topic or queue (`messaging.destination.name`).
    #[must_use]
    pub fn topic(self, pattern: impl Into<String>) -> Self {
        self.text(Texts::Topic, pattern)
    }

    /// Spans of this name.
    #[must_use]
    pub fn name(self, pattern: impl Into<String>) -> Self {
        self.text(Texts::Name, pattern)
    }

    /// Spans with this attribute when they start.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    fn text(mut self, texts: Texts, pattern: impl Into<String>) -> Self {
        self.texts.push((texts, Pattern::new(pattern)));
        self
    }

    /// Keeps this part of the traces, 0 to 1: the same ones in every service. What is no number keeps all.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        self.rate(Rate::of_probability(probability))
    }

    /// Keeps all.
    #[must_use]
    pub fn always(self) -> Self {
        self.probability(1.0)
    }

    /// Keeps none and does not even record them for a [tail](super::Tail).
    #[must_use]
    pub fn never(self) -> Self {
        self.rate(Rate::Never)
    }

    /// Keeps so many in a second.
    #[must_use]
    pub fn limit(self, limit: RateLimit) -> Self {
        self.rate(Rate::Limit(Arc::new(limit)))
    }

    /// Keeps this part of the traces, and so many in any case: of what is seldom there is something. Each has the higher of both probabilities as its
    /// weight.
    ///
    /// ```
    /// use std::time::Duration;
    /// use trace_pipeline::sampling::{RateLimit, Rule};
    ///
    /// // One in a thousand, and one in a minute at least.
    /// let rule = Rule::new().at_least(0.001, RateLimit::per(1, Duration::from_secs(60)));
    /// ```
    #[must_use]
    pub fn at_least(self, probability: f64, bound: RateLimit) -> Self {
        self.rate(Rate::at_least(probability, bound))
    }

    /// Keeps as many as come up to a target, route by route.
    #[must_use]
    pub fn adaptive(self, adaptive: Adaptive) -> Self {
        self.rate(Rate::Adaptive(Arc::new(adaptive)))
    }

    pub(crate) fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Has the root of each trace that it keeps say so, as `ctx.sampling.reason`. Default: it says nothing.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Shares the state of a rule that says the same; false if that says something else.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(crate) fn take_over(&mut self, known: &Self) -> bool {
        let is_same = self.kind == known.kind
            && self.texts == known.texts
            && self.attributes == known.attributes
            && self.rate.is_set_as(&known.rate);
        if is_same {
            self.rate = known.rate.clone();
        }
        is_same
    }

    /// Whether it is for this span. Allocates nothing, unless the instrumentation does to say the name.
    pub(crate) fn is_for(&self, input: &SamplingInput<'_>) -> bool {
        let attributes = input.attributes;
        let text = |key| attributes.get(key).and_then(ValueRef::as_str);
        self.kind.is_none_or(|kind| kind == input.kind)
            && self.texts.iter().all(|(texts, pattern)| {
                let is = |text: Option<&str>| text.is_some_and(|text| pattern.matches(text));
                match texts {
                    Texts::Host => is(text("server.address")),
                    Texts::Method => is(text("http.request.method")),
                    Texts::Name => is(Some(input.name())),
                    Texts::Route => is_route(attributes, is),
                    Texts::Topic => is(text("messaging.destination.name")),
                }
            })
            && self
                .attributes
                .iter()
                .all(|(key, value)| attributes.get(key) == Some(value.as_ref()))
    }
}

fn is_route(attributes: &dyn AttributeSource, is: impl Fn(Option<&str>) -> bool) -> bool {
    let text = |key| attributes.get(key).and_then(ValueRef::as_str);
    match text("http.route") {
        Some(route) => is(Some(route)),
        None => ["url.path", "url.template", "rpc.method"]
            .into_iter()
            .any(|key| is(text(key))),
    }
}
