use std::fmt;
use std::sync::Arc;

use crate::{BATCH, Collected, Error, Subject, client, raw, server};

/// One row of the table: some work without tracing and with it.
pub struct Case {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) records: bool,
    pub(crate) bare: fn() -> Box<dyn Subject>,
    pub(crate) traced: fn(Arc<Collected>) -> Box<dyn Subject>,
}

/// All of them, in the order of the table.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [server::CASES, client::CASES, raw::CASES]
        .into_iter()
        .flatten()
}

impl Case {
    /// The case that [`Display`](fmt::Display) shows as `id`.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        cases().find(|case| case.to_string() == id)
    }

    /// What is being done: `server`, `client` or `raw`.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// What about it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The work without tracing.
    #[must_use]
    pub fn bare(&self) -> Box<dyn Subject> {
        (self.bare)()
    }

    /// The work with tracing, whose spans go to `sink`.
    #[must_use]
    pub fn traced(&self, sink: Arc<Collected>) -> Box<dyn Subject> {
        (self.traced)(sink)
    }

    /// Sees to it that what was measured is tracing: of so many batches each span has arrived, or none is recorded.
    ///
    /// # Errors
    ///
    /// When spans are missing, or too many.
    pub fn check_delivery(&self, subject: &dyn Subject, batches: usize) -> Result<(), Error> {
        let expected = if self.records {
            (batches * BATCH) as u64
        } else {
            0
        };
        let delivered = subject.delivered();
        if delivered == expected {
            Ok(())
        } else {
            Err(format!("{self}: {delivered} spans arrived of {expected}").into())
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({self})")
    }
}
