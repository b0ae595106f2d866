//! Rules from a TOML file, followed when it changes.

mod read;
mod watch;

use std::path::{Path, PathBuf};

use super::{Rules, Tail};

pub(crate) use watch::Watch;

/// What a file of sampling rules says.
///
/// ```
/// use trace_pipeline::sampling::RulesFile;
///
/// let file = RulesFile::parse(r#"
///     otherwise = 0.01          # 1 % of all that no rule is for
///     own_rates = false         # true: the rules decide about the traces of callers too
///
///     [[rule]]
///     route = "/checkout"       # also: kind, method, host, topic, name, attributes = { "user.tier" = "gold" }
///     keep = 0.1                # or "always", "never", { per_second = 50 }, { target = 2.0 }
///
///     [[rule]]
///     route = "/report"         # a part, and some in any case; seconds: 1 if left out
///     keep = { probability = 0.001, at_least = 1, seconds = 60 }
///
///     [[rule]]
///     route = "/export"         # of a longer period than a second
///     keep = { traces = 3, seconds = 60 }
///
///     [[rule]]
///     route = "/search"         # more in the first time, by default twice as many for an hour
///     keep = { target = 2.0, after_deployment = 5.0, deployment_seconds = 600 }
///
///     [[rule]]
///     route = "/admin/*"
///     keep = "always"
///     reason = "admin"          # ctx.sampling.reason
///
///     [[rule]]
///     route = "/health"
///     keep = "never"
///
///     [tail]                    # all of it may be left out
///     limit = 50                # traces in a second
///     bytes = 67108864
///     wait_seconds = 30
///     part_spans = 1000
///
///     [[tail.keep]]
///     when = "error"
///
///     [[tail.keep]]
///     when = "callee"
///
///     [[tail.keep]]
///     when = "slower_than"
///     seconds = 1.5
///
///     [[tail.keep]]
///     when = "slowest"
///     share = 0.01
///
///     [[tail.keep]]
///     when = "endpoint"
///     route = "/pay/*"
///     probability = 0.5         # for any of these; 1 if left out
///     reason = "payment"
///
///     [[tail.keep]]
///     when = "attribute"
///     key = "user.tier"
///     value = "gold"
///
///     [[tail.keep]]
///     when = "rare"
///
///     [[tail.keep]]
///     when = "thinned"          # of what the head keeps
///     probability = 0.5
///
///     [[tail.keep]]
///     when = "always"
///     probability = 0.1
/// "#)?;
/// # Ok::<(), trace_pipeline::sampling::InvalidRules>(())
/// ```
///
/// See [`PipelineBuilder::rules_file`](crate::PipelineBuilder::rules_file) for one that is followed while the program runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct RulesFile {
    /// The head's rules.
    pub rules: Rules,
    /// The tail's, if it has some.
    pub tail: Option<Tail>,
}

impl RulesFile {
    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// When it says nothing at all, is no TOML, has a key that is not known, or a value that cannot be used. The error says where.
    pub fn parse(text: &str) -> Result<Self, InvalidRules> {
        read::read(text)
    }

    /// Reads such a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, and as [`parse`](Self::parse).
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, InvalidRules> {
        let path = path.into();
        Self::parse(&Self::text(&path)?).map_err(|error| error.in_file(path))
    }

    pub(crate) fn text(path: &Path) -> Result<String, InvalidRules> {
        std::fs::read_to_string(path)
            .map_err(|error| InvalidRules::new(error.to_string()).in_file(path.to_owned()))
    }
}

/// A file of sampling rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(.path.as_ref()))]
pub struct InvalidRules {
    path: Option<PathBuf>,
    problem: String,
}

fn place(path: Option<&PathBuf>) -> String {
    path.map(|path| format!("{}: ", path.display()))
        .unwrap_or_default()
}

impl InvalidRules {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self {
            path: None,
            problem: problem.into(),
        }
    }

    pub(crate) fn in_file(mut self, path: PathBuf) -> Self {
        self.path = Some(path);
        self
    }
}
