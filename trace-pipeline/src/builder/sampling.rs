//! What a builder is told about sampling.

#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
use std::io;
#[cfg(feature = "rules-file")]
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "rules-file")]
use std::time::Duration;

#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
use tracing_core_ctx::Resource;
use tracing_core_ctx::Sampler;

#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
use super::BuildError;
use super::PipelineBuilder;
use crate::budget::Budget;
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
use crate::sampling::CurrentRules;
#[cfg(feature = "jaeger-remote")]
use crate::sampling::{JaegerRemote, Poll};
use crate::sampling::{Rules, Tail};
#[cfg(feature = "rules-file")]
use crate::sampling::{RulesFile, Watch};
use crate::shared::Learner;
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
use crate::shared::Shared;

/// From where rules come while the program runs.
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
#[derive(Debug)]
pub(crate) enum RulesSource {
    #[cfg(feature = "rules-file")]
    File(PathBuf, Duration),
    #[cfg(feature = "jaeger-remote")]
    Jaeger(JaegerRemote),
}

/// Starts the thread that follows the source, which ends with the pipeline.
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
pub(super) type Follow = Box<dyn FnOnce(&Arc<Shared>) -> io::Result<()>>;

impl PipelineBuilder {
    /// Who decides what is recorded. Default: what the parent decided, and everything that starts here.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.tracer = self.tracer.sampler(sampler);
        #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
        {
            self.rules_from = None;
        }
        self
    }

    /// Who decides what is recorded, by rules. In place of any other sampler.
    pub fn rules(mut self, rules: Rules) -> Self {
        let rules = Arc::new(rules);
        self.learner = rules
            .learns()
            .then(|| Arc::clone(&rules) as Arc<dyn Learner>);
        self.sampler(rules)
    }

    /// Takes the rules of the sampler, and those of the [tail](Self::tail) if it has any, from a TOML file; see
    /// [`RulesFile`](crate::sampling::RulesFile) for what stands in there. In place of any other sampler and tail.
    ///
    /// Every 5 s it is looked at, on a thread of its own, and followed when two looks have read the same new text. What is wrong with it then is reported, and
    /// the last good rules stay. Limits and targets of rules that are as they were go on where they are. Whether there is a tail at all is decided when the pipeline is built.
    #[cfg(feature = "rules-file")]
    pub fn rules_file(self, path: impl Into<PathBuf>) -> Self {
        self.rules_file_every(path, Duration::from_secs(5))
    }

    /// The same, looked at as often as `every` says, at least 10 ms apart.
    #[cfg(feature = "rules-file")]
    pub fn rules_file_every(mut self, path: impl Into<PathBuf>, every: Duration) -> Self {
        let every = every.max(Duration::from_millis(10));
        self.rules_from = Some(RulesSource::File(path.into(), every));
        self
    }

    /// Takes the rules of the sampler from a server by Jaeger's protocol for remote sampling; `OTEL_TRACES_SAMPLER` may name it too. In place of
    /// any other sampler.
    #[cfg(feature = "jaeger-remote")]
    pub fn jaeger_remote(mut self, remote: JaegerRemote) -> Self {
        self.rules_from = Some(RulesSource::Jaeger(remote));
        self
    }

    /// Decides what is kept when it is known how it went. Default: what the sampler decided.
    pub fn tail(mut self, tail: Tail) -> Self {
        self.tail = Some(tail);
        self
    }

    /// Keeps fewer traces before the pipeline costs more than this. Default: no budget, only bounds.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Makes the rules of the source the sampler. The rest is for who follows it to do.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(super) fn follow_rules(
        &mut self,
        resource: &Resource,
    ) -> Result<Option<Follow>, BuildError> {
        let _ = resource;
        if self.disabled {
            return Ok(None);
        }
        Ok(match self.rules_from.take() {
            None => None,
            #[cfg(feature = "rules-file")]
            Some(RulesSource::File(path, every)) => {
                let text = RulesFile::text(&path)?;
                let file = RulesFile::parse(&text).map_err(|error| error.in_file(path.clone()))?;
                let rules = Arc::new(CurrentRules::new(file.rules));
                self.tail = file.tail;
                self.use_rules(&rules);
                let watch = Watch {
                    text: Some(text),
                    seen: None,
                    tail: self.tail.clone(),
                    path,
                    rules,
                    every,
                };
                Some(Box::new(|shared| watch.spawn(shared)))
            }
            #[cfg(feature = "jaeger-remote")]
            Some(RulesSource::Jaeger(remote)) => {
                let poll =
                    Poll::new(remote, resource.service_name()).map_err(BuildError::JaegerRemote)?;
                self.use_rules(poll.rules());
                Some(Box::new(|shared| poll.spawn(shared)))
            }
        })
    }

    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    fn use_rules(&mut self, rules: &Arc<CurrentRules>) {
        self.learner = Some(Arc::clone(rules) as Arc<dyn Learner>);
        let tracer = std::mem::take(&mut self.tracer);
        self.tracer = tracer.sampler(Arc::clone(rules));
    }
}
