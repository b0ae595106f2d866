use std::borrow::Cow;
use std::collections::HashMap;

use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::sampler::threshold::{self, Threshold};
use tracing_core_ctx::sampler::{AlwaysOff, Decision, ParentBased, Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanRecord, semconv};

use super::rule::Rate;
use super::{Rule, route};
use crate::shared::Learner;

/// A head sampler of rules: the first that is for a span decides about its trace.
///
/// ```
/// use trace_pipeline::Pipeline;
/// use trace_pipeline::sampling::{Rule, Rules};
/// # use trace_pipeline::exporter::InMemory;
///
/// let rules = Rules::new()
///     .rule(Rule::new().route("/checkout").probability(0.1))
///     .rule(Rule::new().route("/admin/*").always())
///     .rule(Rule::new().route("/health").never())
///     .otherwise(0.01);
/// let pipeline = Pipeline::builder().service("shop").rules(rules)
/// #   .exporter(InMemory::default())
///     .build()?;
/// # Ok::<(), trace_pipeline::BuildError>(())
/// ```
///
/// Rules are asked for traces that start here. A span with a parent does what the parent did, so that traces are whole; a service with
/// [`own_rates`](Self::own_rates) asks its rules for the traces of its callers too. Then the same randomness of the trace is used in all
/// services: of two services the one with the higher rate keeps all that the other keeps.
///
/// A trace that somebody forces, by [`SamplingHint::Debug`] or [`SamplingHint::Forced`], is kept without a rule and without a weight.
#[derive(Debug)]
pub struct Rules {
    /// For spans of exactly this name. They come first, and are found without looking at all of them.
    named: HashMap<Box<str>, Rule>,
    rules: Vec<Rule>,
    otherwise: Rate,
    own_rates: bool,
    parent: ParentBased,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            named: HashMap::new(),
            rules: Vec::new(),
            otherwise: Rate::default(),
            own_rates: false,
            parent: ParentBased::new(AlwaysOff),
        }
    }
}

impl Rules {
    /// Keeps all, as long as there is no rule.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule, to be asked after those that are there.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Which part of all other traces is kept, 0 to 1. Default: 1.
    #[must_use]
    pub fn otherwise(mut self, probability: f64) -> Self {
        self.otherwise = Rate::of_probability(probability);
        self
    }

    /// Adds a rule for spans of exactly this name, which is no pattern, before all others.
    #[cfg(feature = "jaeger-remote")]
    pub(super) fn named(mut self, name: &str, rule: Rule) -> Self {
        self.named.insert(name.into(), rule);
        self
    }

    /// Has the rules decide about the traces of callers too. Default: what the caller decided.
    #[must_use]
    pub const fn own_rates(mut self) -> Self {
        self.own_rates = true;
        self
    }

    /// Whether it wants to hear how local roots end.
    pub(crate) fn learns(&self) -> bool {
        self.rates().any(|rate| matches!(rate, Rate::Adaptive(_)))
    }
}

impl Learner for Rules {
    fn ended(&self, root: &SpanRecord, pressure: f64) {
        let routes = route::of_record(root);
        let is_error = matches!(root.status(), tracing_core_ctx::Status::Error { .. });
        for rate in self.rates() {
            if let Rate::Adaptive(adaptive) = rate {
                adaptive.ended(routes, is_error, pressure);
            }
        }
    }
}

impl Rules {
    fn rule_for(&self, input: &SamplingInput<'_>) -> Option<&Rule> {
        let named = match self.named.is_empty() {
            true => None,
            false => self.named.get(input.name()),
        };
        named.or_else(|| self.rules.iter().find(|rule| rule.is_for(input)))
    }

    /// Has rules that `before` had too share their limits and what they have learnt.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(super) fn take_over(&mut self, before: &Self) {
        for (name, rule) in &mut self.named {
            if let Some(known) = before.named.get(name) {
                rule.take_over(known);
            }
        }
        for rule in &mut self.rules {
            before.rules.iter().any(|known| rule.take_over(known));
        }
    }

    fn rates(&self) -> impl Iterator<Item = &Rate> {
        let rules = self.named.values().chain(&self.rules);
        rules.map(|rule| &rule.rate).chain([&self.otherwise])
    }

    fn decide(&self, input: &SamplingInput<'_>) -> Sampling {
        let rule = self.rule_for(input);
        let rate = rule.map_or(&self.otherwise, |rule| &rule.rate);
        let state = input.trace_state();
        let randomness = threshold::randomness(state, input.trace_id);
        let kept = match rate {
            Rate::Never => return dropped(input).finally(),
            Rate::Threshold(threshold) => threshold.filter(|kept| kept.keeps(randomness)),
            Rate::Adaptive(adaptive) => {
                let threshold = adaptive.threshold(route::of_input(input));
                Some(threshold).filter(|kept| kept.keeps(randomness))
            }
            Rate::AtLeast(threshold, limit) => {
                // The lower one of those that keep it is the weight.
                let kept = threshold.filter(|kept| kept.keeps(randomness));
                let in_any_case = limit.keeps(randomness);
                kept.into_iter().chain(in_any_case).min()
            }
            Rate::Limit(limit) => limit.keeps(randomness),
        };
        match kept {
            Some(threshold) => kept_by(threshold, rule, input),
            None => dropped(input),
        }
    }

    /// Whether a rule wants no span like this at all.
    fn is_never(&self, input: &SamplingInput<'_>) -> bool {
        let rule = self.rule_for(input);
        matches!(rule.map_or(&self.otherwise, |rule| &rule.rate), Rate::Never)
    }
}

fn kept_by(threshold: Threshold, rule: Option<&Rule>, input: &SamplingInput<'_>) -> Sampling {
    let mut sampling = Sampling::new(Decision::RecordAndSample)
        .with_trace_state(threshold.stamp(input.trace_state()));
    if let Some(reason) = rule.and_then(|rule| rule.reason.as_deref()) {
        sampling
            .attributes
            .set(semconv::CTX_SAMPLING_REASON, reason);
    }
    sampling
}

fn dropped(input: &SamplingInput<'_>) -> Sampling {
    let mut sampling = Sampling::new(Decision::Drop);
    sampling.trace_state = threshold::erase(input.trace_state());
    sampling
}

/// Kept for a reason that is no probability.
fn forced(input: &SamplingInput<'_>) -> Sampling {
    let mut sampling = Sampling::new(Decision::RecordAndSample);
    sampling.trace_state = threshold::erase(input.trace_state());
    sampling
        .attributes
        .set(semconv::CTX_SAMPLING_REASON, "forced");
    sampling
}

impl Sampler for Rules {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let Some(parent) = input.parent else {
            return match input.hint {
                Some(SamplingHint::Accept | SamplingHint::Debug | SamplingHint::Forced) => {
                    forced(input)
                }
                Some(SamplingHint::Deny) => dropped(input),
                _ => self.decide(input),
            };
        };
        if !parent.is_remote() {
            return self.parent.sample(input);
        }
        match input.hint {
            Some(SamplingHint::Debug | SamplingHint::Forced) => forced(input),
            Some(SamplingHint::Defer) => self.decide(input),
            _ if self.own_rates => self.decide(input),
            _ if !parent.is_sampled() && self.is_never(input) => dropped(input).finally(),
            _ => self.parent.sample(input),
        }
    }

    fn description(&self) -> Cow<'static, str> {
        format!("Rules{{{}}}", self.rules.len()).into()
    }
}

#[cfg(test)]
mod tests;
