//! What a builder is told about sampling.

#[cfg(feature = "rules-file")]
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "rules-file")]
use std::time::Duration;

#[cfg(feature = "rules-file")]
use super::BuildError;
use super::PipelineBuilder;
#[cfg(feature = "rules-file")]
use crate::sampling::{FileRules, RulesFile, Watch};
use crate::sampling::{Rules, Tail};
use crate::shared::Learner;

impl PipelineBuilder {
    /// Who decides what is recorded, by rules. In place of any other sampler.
    pub fn rules(mut self, rules: Rules) -> Self {
        let rules = Arc::new(rules);
        self.learner = rules
            .learns()
            .then(|| Arc::clone(&rules) as Arc<dyn Learner>);
        self.tracer = self.tracer.sampler(rules);
        self
    }

    /// Takes the rules of the sampler, and those of the [tail](Self::tail) if it has any, from a TOML file; see
    /// [`RulesFile`](crate::sampling::RulesFile) for what stands in there. In place of any other sampler and tail.
    ///
    /// Every 5 s it is looked at, on a thread of its own, and followed when it has changed. What is wrong with it then is reported, and the last good
    /// rules stay. Whether there is a tail at all is decided when the pipeline is built.
    #[cfg(feature = "rules-file")]
    pub fn rules_file(self, path: impl Into<PathBuf>) -> Self {
        self.rules_file_every(path, Duration::from_secs(5))
    }

    /// The same, looked at as often as `every` says, at least 10 ms apart.
    #[cfg(feature = "rules-file")]
    pub fn rules_file_every(mut self, path: impl Into<PathBuf>, every: Duration) -> Self {
        self.rules_file = Some((path.into(), every.max(Duration::from_millis(10))));
        self
    }

    /// Decides what is kept when it is known how it went. Default: what the sampler decided.
    pub fn tail(mut self, tail: Tail) -> Self {
        self.tail = Some(tail);
        self
    }

    /// The rules of the file, and who looks at it.
    #[cfg(feature = "rules-file")]
    pub(super) fn read_rules(&mut self) -> Result<Option<Watch>, BuildError> {
        let Some((path, every)) = self.rules_file.take() else {
            return Ok(None);
        };
        let text = RulesFile::text(&path)?;
        let file = RulesFile::parse(&text).map_err(|error| error.in_file(path.clone()))?;
        let rules = Arc::new(FileRules::new(file.rules));
        self.tail = file.tail;
        self.learner = Some(Arc::clone(&rules) as Arc<dyn Learner>);
        let tracer = std::mem::take(&mut self.tracer);
        self.tracer = tracer.sampler(Arc::clone(&rules));
        Ok(Some(Watch {
            text: Some(text),
            path,
            rules,
            every,
        }))
    }
}
