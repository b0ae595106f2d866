use std::borrow::Cow;

/// How an operation ended, as far as someone said so.
///
/// Instrumentations leave a success `Unset`; `Ok` is for the application's owner and is final
/// (OpenTelemetry trace API, "Set Status").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nobody said anything: a success by default.
    #[default]
    Unset,
    /// It failed.
    Error {
        /// What went wrong, without secrets and without repeating a status code; may be empty.
        description: Cow<'static, str>,
    },
    /// The application's owner calls it a success, whatever else was recorded.
    Ok,
}

impl Status {
    /// A failure with a description, which may be empty.
    pub fn error(description: impl Into<Cow<'static, str>>) -> Self {
        Self::Error {
            description: description.into(),
        }
    }

    /// Whether this is a failure.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    /// What went wrong, if somebody said so; otherwise empty.
    #[inline]
    pub(crate) fn description(&self) -> &str {
        match self {
            Self::Error { description } => description,
            Self::Unset | Self::Ok => "",
        }
    }

    /// Takes `new` over if the order `Ok` > `Error` > `Unset` allows it. A failure that says nothing leaves what an earlier one said.
    pub(crate) fn update(&mut self, new: Self) {
        match (&self, &new) {
            (Self::Ok, _) | (_, Self::Unset) => {}
            (Self::Error { .. }, Self::Error { description }) if description.is_empty() => {}
            _ => *self = new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_is_final_and_unset_changes_nothing() {
        let mut status = Status::Unset;
        status.update(Status::error("first"));
        status.update(Status::Unset);
        assert_eq!(status, Status::error("first"));
        status.update(Status::error("second"));
        assert_eq!(status, Status::error("second"));
        status.update(Status::Ok);
        status.update(Status::error("late"));
        assert_eq!(status, Status::Ok);
    }

    #[test]
    fn an_error_that_says_nothing_leaves_what_an_earlier_one_said() {
        let mut status = Status::error("");
        status.update(Status::error("stock is empty"));
        status.update(Status::error(""));
        assert_eq!(status, Status::error("stock is empty"));
    }
}
