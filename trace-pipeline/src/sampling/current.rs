//! Rules that change while the program runs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use arc_swap::ArcSwap;
use tracing_core_ctx::sampler::{Sampling, SamplingInput};
use tracing_core_ctx::{Sampler, SpanRecord};

use super::Rules;
use crate::shared::{Learner, Shared};

/// The rules as they are now. Reading them takes no lock.
#[derive(Debug)]
pub(crate) struct CurrentRules(ArcSwap<Rules>);

impl CurrentRules {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(ArcSwap::from_pointee(rules))
    }

    #[cfg(test)]
    pub(super) fn now(&self) -> Arc<Rules> {
        self.0.load_full()
    }

    /// From now on these. Those that were there before go on where they are.
    pub(super) fn set(&self, mut rules: Rules) {
        rules.take_over(&self.0.load());
        self.0.store(Arc::new(rules));
    }
}

/// Looks for other rules at once and then `every` so often, on a thread that ends with the pipeline. Who takes long lets go of what is shared first.
pub(super) fn follow(
    shared: &Arc<Shared>,
    every: Duration,
    mut look: impl FnMut(Arc<Shared>) + Send + 'static,
) -> io::Result<()> {
    let shared = Arc::downgrade(shared);
    let run = move || {
        while let Some(shared) = shared.upgrade().filter(|shared| shared.is_enabled()) {
            look(shared);
            thread::park_timeout(every);
        }
    };
    let thread = thread::Builder::new().name("trace-rules".into());
    thread.spawn(run).map(drop)
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
