use std::collections::BTreeMap;
use std::fmt;

use tracing_core_ctx::attribute::{Attributes, Value, ValueRef};

use crate::render::Shown;

/// What is missing, unexpected or different between two sets of attributes, a line for each, by name.
pub(super) struct Difference<'a> {
    lines: BTreeMap<&'a str, Line<'a>>,
}

#[derive(Default)]
struct Line<'a> {
    expected: Vec<ValueRef<'a>>,
    recorded: Vec<ValueRef<'a>>,
}

impl<'a> Difference<'a> {
    pub(super) fn new(recorded: &'a Attributes, expected: &'a [(&'a str, Value)]) -> Self {
        let mut lines: BTreeMap<&str, Line<'a>> = BTreeMap::new();
        for (key, value) in expected {
            lines.entry(key).or_default().expected.push(value.as_ref());
        }
        for (key, value) in recorded {
            lines.entry(key).or_default().recorded.push(value);
        }
        Self { lines }
    }

    /// The same without what nobody asked for.
    pub(super) fn of_expected(mut self) -> Self {
        self.lines.retain(|_, line| !line.expected.is_empty());
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.values().all(Line::is_same)
    }
}

impl Line<'_> {
    /// Also false when a key was exported twice, which OTLP forbids.
    fn is_same(&self) -> bool {
        self.expected.len() == 1 && self.expected == self.recorded
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, line) in &self.lines {
            if line.is_same() {
                writeln!(f, "  {key} = {}", Shown(line.recorded[0]))?;
                continue;
            }
            for value in &line.expected {
                writeln!(f, "- {key} = {}", Shown(*value))?;
            }
            for value in &line.recorded {
                writeln!(f, "+ {key} = {}", Shown(*value))?;
            }
        }
        Ok(())
    }
}
