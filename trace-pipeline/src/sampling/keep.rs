use std::borrow::Cow;
use std::time::Duration;

use tracing_core_ctx::attribute::Value;
use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::semconv;

use super::pattern::Pattern;

/// A reason to keep a local trace, seen when its root has ended. See [`Tail`](super::Tail).
///
/// A kept span says the reason as `ctx.sampling.reason`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    pub(crate) when: When,
    /// `None` keeps nothing.
    pub(crate) threshold: Option<Threshold>,
    /// Whether it is a part of what the head kept.
    pub(crate) of_head: bool,
    pub(crate) reason: Cow<'static, str>,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum When {
    Always,
    Attribute(String, Value),
    Endpoint(Pattern),
    Error,
    Rare(Duration),
    SlowerThan(Duration),
    Slowest(f64),
}

impl Keep {
    const fn new(when: When, reason: &'static str) -> Self {
        Self {
            when,
            threshold: Some(Threshold::ALWAYS),
            of_head: false,
            reason: Cow::Borrowed(reason),
        }
    }

    /// Traces in which a span has the status error. Reason: `error`.
    #[must_use]
    pub const fn errors() -> Self {
        Self::new(When::Error, "error")
    }

    /// Traces in which a service that was called has told that it keeps its part (the way back of tower-trace). Reason: `callee`.
    #[must_use]
    pub fn callees() -> Self {
        let told = semconv::CTX_SAMPLING_CALLEE.name().to_owned();
        Self::new(When::Attribute(told, Value::from(true)), "callee")
    }

    /// Traces whose local root took `limit` or longer. Reason: `slow`.
    #[must_use]
    pub const fn slower_than(limit: Duration) -> Self {
        Self::new(When::SlowerThan(limit), "slow")
    }

    /// Of each route the slowest `share` of its traces, by what was seen of that route so far: 0.01 keeps what is above its 99th
    /// percentile. Reason: `slowest`.
    ///
    /// The route is the name of the local root. For the first 100 traces of it, or twice the inverse of `share` where that is more, no
    /// trace is slow. More than 500 routes share one percentile.
    #[must_use]
    pub const fn slowest(share: f64) -> Self {
        Self::new(When::Slowest(share), "slowest")
    }

    /// Traces whose local root is of this route, path or name; `*` stands for any run of characters. Reason: `endpoint`.
    ///
    /// Looked at are `http.route`, `url.path` and the span's name.
    #[must_use]
    pub fn endpoint(pattern: impl Into<String>) -> Self {
        Self::new(When::Endpoint(Pattern::new(pattern)), "endpoint")
    }

    /// Traces in which a span has this attribute. Reason: `attribute`.
    ///
    /// ```
    /// use trace_pipeline::sampling::Keep;
    ///
    /// let keep = Keep::attribute("user.tier", "gold").at(0.5);
    /// ```
    #[must_use]
    pub fn attribute(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(When::Attribute(key.into(), value.into()), "attribute")
    }

    /// Traces of a route, status or error type, or a new combination of them, that were not seen for an hour. Reason: `rare`.
    ///
    /// 4096 combinations are remembered; while there are more, a new one is not rare.
    #[must_use]
    pub const fn rare() -> Self {
        Self::new(When::Rare(Duration::from_secs(3600)), "rare")
    }

    /// This part of all traces, 0 to 1: the same traces in every service. Reason: `probability`.
    #[must_use]
    pub fn probability(probability: f64) -> Self {
        Self::new(When::Always, "probability").at(probability)
    }

    /// At most this part of all traces, and only of those that the head sampler has kept: what it kept beyond is dropped. Of several such rules the one that
    /// keeps least counts. It gives no reason: what is left was kept by the head. Forced traces are not touched; the
    /// last 1024 that were forced are known to be from their start, others when their root ends.
    ///
    /// Without such a rule all traces that the head kept are kept, since other services have kept their parts of them.
    #[must_use]
    pub fn thinned(probability: f64) -> Self {
        Self {
            of_head: true,
            ..Self::new(When::Always, "thinned")
        }
        .at(probability)
    }

    /// Keeps this part of the traces in question instead of all of them. 0 and less keeps none; what is no number keeps all.
    #[must_use]
    pub fn at(mut self, probability: f64) -> Self {
        self.threshold = if probability.is_nan() {
            Some(Threshold::ALWAYS)
        } else {
            Threshold::from_probability(probability)
        };
        self
    }

    /// Gives another reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }
}
