use std::fmt;

use crate::subject::{Entry, Subject};
use crate::work::Size;
use crate::{Error, Traced, client, grpc, instrumented, queue, raw, server};

/// One table: some work, and the ways to trace it.
pub struct Case {
    group: &'static str,
    name: &'static str,
    pub(crate) size: Size,
    subjects: Vec<Subject>,
}

/// All of them, in the order in which they are shown.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = server::cases();
    cases.extend(client::cases());
    cases.extend(grpc::cases());
    cases.extend(queue::cases());
    cases.extend(raw::cases());
    cases.extend(instrumented::cases());
    cases
}

impl Case {
    pub(crate) fn new<C: Copy + PartialEq + 'static>(
        group: &'static str,
        name: &'static str,
        size: Size,
        case: C,
        subjects: &[&[Entry<C>]],
    ) -> Self {
        let entries = subjects.iter().flat_map(|entries| entries.iter());
        Self {
            group,
            name,
            size,
            subjects: entries.filter_map(|entry| entry.subject(case)).collect(),
        }
    }

    /// The case that [`Display`](fmt::Display) shows as `id`.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        cases().into_iter().find(|case| case.to_string() == id)
    }

    /// What is being done: `server`, `client`, `grpc server`, `kafka producer`, `raw`, `instrument`, ...
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// What about it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether spans are recorded in it.
    #[must_use]
    pub const fn records(&self) -> bool {
        self.size.spans > 0
    }

    /// The ways to trace it, ours first.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The subject of this name.
    #[must_use]
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }

    /// Sees to it that what was measured is tracing: of so many samples each span has arrived, or none is recorded.
    ///
    /// # Errors
    ///
    /// When spans are missing, or too many.
    pub(crate) fn check_delivery(&self, traced: &Traced, samples: usize) -> Result<(), Error> {
        let batches = samples * self.size.batches;
        let expected = (batches * (self.size.spans + traced.others)) as u64;
        let delivered = traced.delivery.delivered();
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
