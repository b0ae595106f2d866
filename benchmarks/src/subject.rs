use std::fmt;

use crate::{Delivery, Error, Work};

/// One way to trace, and the same work without tracing.
pub struct Subject {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    /// The crates that it consists of, as `benchmarks` calls them.
    pub(crate) packages: &'static [&'static str],
    /// The work without tracing: its name, and how to make it.
    pub(crate) bare: (&'static str, MakeBare),
    pub(crate) traced: MakeTraced,
}

pub(crate) type MakeBare = Box<dyn Fn() -> Box<dyn Work>>;
pub(crate) type MakeTraced = Box<dyn Fn() -> Result<Traced, Error>>;

/// Work with tracing, set up. Peers keep state for the whole process, so a process makes at most one.
pub struct Traced {
    /// What is measured.
    pub work: Box<dyn Work>,
    /// Where its spans arrive.
    pub delivery: Box<dyn Delivery>,
    /// Spans of each batch that are not the subject's own, such as the parent of client spans.
    pub others: usize,
}

impl Traced {
    pub(crate) fn new(work: impl Work + 'static, delivery: impl Delivery + 'static) -> Self {
        Self {
            work: Box::new(work),
            delivery: Box::new(delivery),
            others: 0,
        }
    }
}

impl Subject {
    /// What it is called in the tables.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The crates that it consists of, as this crate's code calls them.
    #[must_use]
    pub const fn packages(&self) -> &'static [&'static str] {
        self.packages
    }

    /// Which work without tracing it is compared with; the same for many subjects.
    #[must_use]
    pub const fn bare_name(&self) -> &'static str {
        self.bare.0
    }

    /// The work without tracing.
    #[must_use]
    pub fn bare(&self) -> Box<dyn Work> {
        (self.bare.1)()
    }

    /// The work with tracing.
    ///
    /// # Errors
    ///
    /// When it can not be set up: most can be in a process once.
    pub fn traced(&self) -> Result<Traced, Error> {
        (self.traced)()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.name)
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").finish_non_exhaustive()
    }
}

/// A row of a group's table of subjects: what is the same in all of its cases.
pub(crate) struct Entry<C: 'static> {
    pub(crate) name: &'static str,
    pub(crate) packages: &'static [&'static str],
    pub(crate) bare: (&'static str, fn(C) -> Box<dyn Work>),
    pub(crate) traced: fn(C) -> Result<Traced, Error>,
    /// The cases that it knows.
    pub(crate) cases: &'static [C],
}

impl<C: Copy + PartialEq + 'static> Entry<C> {
    /// The subject of one case, if it knows it.
    pub(crate) fn subject(&self, case: C) -> Option<Subject> {
        let (bare, make_bare) = self.bare;
        let make_traced = self.traced;
        self.cases.contains(&case).then(|| Subject {
            name: self.name,
            packages: self.packages,
            bare: (bare, Box::new(move || make_bare(case))),
            traced: Box::new(move || make_traced(case)),
        })
    }
}
