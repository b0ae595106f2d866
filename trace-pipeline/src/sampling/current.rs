//! Rules that change while the program runs.

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_core_ctx::sampler::{Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanRecord};

use super::Rules;
use crate::shared::Learner;

/// The rules as they are now. Reading them takes no lock.
#[derive(Debug)]
pub(crate) struct CurrentRules(ArcSwap<Rules>);

impl CurrentRules {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(ArcSwap::from_pointee(rules))
    }

    /// From now on these.
    pub(super) fn set(&self, rules: Rules) {
        self.0.store(Arc::new(rules));
    }
}

impl Sampler for CurrentRules {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        self.0.load().sample(input)
    }

    fn description(&self) -> Cow<'static, str> {
        self.0.load().description()
    }
}

impl Learner for CurrentRules {
    fn ended(&self, root: &SpanRecord, pressure: f64) {
        let rules = self.0.load();
        if rules.learns() {
            rules.ended(root, pressure);
        }
    }
}
