use std::fmt;

/// Why spans of a batch did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// None arrived: the back end could not be reached, or refused them all.
    #[error("{reason}")]
    Failed {
        /// What went wrong, for the operator; no secrets.
        reason: String,
    },
    /// The batch arrived, but the back end threw some of it away. To send it again would not help.
    #[error("the back end rejected {spans} of what it was sent: {reason}")]
    Rejected {
        /// How many it threw away: spans, or log records and metrics where those are sent.
        spans: usize,
        /// What it said.
        reason: String,
    },
    /// The deadline came first. Whether they arrived is not known; they are counted as lost.
    #[error("no answer in time: {reason}")]
    TimedOut {
        /// What was waited for.
        reason: String,
    },
    /// The batch is more than may be sent at once.
    #[error("a request of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// What it would have been.
        bytes: usize,
        /// What it may be.
        limit: usize,
    },
}

impl ExportError {
    /// Nothing arrived, and `reason` says why.
    pub fn failed(reason: impl fmt::Display) -> Self {
        Self::Failed {
            reason: reason.to_string(),
        }
    }

    /// The deadline came first.
    pub fn timed_out(reason: impl fmt::Display) -> Self {
        Self::TimedOut {
            reason: reason.to_string(),
        }
    }

    /// How many of `all` spans are lost by it.
    #[must_use]
    pub fn lost(&self, all: usize) -> usize {
        match self {
            Self::Failed { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } => all,
            Self::Rejected { spans, .. } => all.min(*spans),
        }
    }
}
