//! The templates as a tree, one level a segment.

use std::{cmp::Reverse, sync::Arc};

use super::{Reason, parse::Segment};

/// What templates say after the segments that led here.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// The template that ends here.
    end: Option<Arc<str>>,
    /// In the order of their texts.
    texts: Vec<(Box<str>, Self)>,
    /// The longest text around the parameter first, the bare parameter last.
    parameters: Vec<(Around, Self)>,
    /// The template that takes all that is left.
    rest: Option<Arc<str>>,
}

/// The text around a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Around {
    before: Box<str>,
    after: Box<str>,
}

impl Tree {
    pub(super) fn is_empty(&self) -> bool {
        self.end.is_none()
            && self.rest.is_none()
            && self.texts.is_empty()
            && self.parameters.is_empty()
    }

    /// Adds a template, unless it is there already.
    pub(super) fn insert(
        &mut self,
        segments: &[Segment<'_>],
        template: &str,
    ) -> Result<(), Reason> {
        let (child, segments) = match segments {
            [] => return fill(&mut self.end, template),
            [Segment::Rest, ..] => return fill(&mut self.rest, template),
            [Segment::Text(text), segments @ ..] => (self.text(text), segments),
            [Segment::Parameter { before, after }, segments @ ..] => {
                (self.parameter(before, after), segments)
            }
        };
        child.insert(segments, template)
    }

    /// The template that a path matches.
    pub(super) fn find(&self, path: &str) -> Option<&Arc<str>> {
        self.search(Some(path.strip_prefix('/')?))
    }

    /// Searches what is left of a path, which is nothing after its last segment.
    ///
    /// A branch is entered from its parent only, and there at most once, so a search enters each branch at most once.
    fn search(&self, left: Option<&str>) -> Option<&Arc<str>> {
        let Some(left) = left else {
            return self.end.as_ref();
        };
        let (segment, next) = match left.split_once('/') {
            None => (left, None),
            Some((segment, next)) => (segment, Some(next)),
        };
        let text = self
            .texts
            .binary_search_by(|(text, _)| (**text).cmp(segment))
            .ok()
            .and_then(|at| self.texts[at].1.search(next));
        text.or_else(|| {
            let fits = self
                .parameters
                .iter()
                .filter(|(around, _)| around.fits(segment));
            fits.flat_map(|(_, child)| child.search(next)).next()
        })
        .or_else(|| self.rest.as_ref().filter(|_| !left.is_empty()))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        let found = self
            .texts
            .binary_search_by(|(known, _)| (**known).cmp(text));
        let at = found.unwrap_or_else(|at| {
            self.texts.insert(at, (text.into(), Self::default()));
            at
        });
        &mut self.texts[at].1
    }

    fn parameter(&mut self, before: &str, after: &str) -> &mut Self {
        let new = Around {
            before: before.into(),
            after: after.into(),
        };
        let found = self
            .parameters
            .binary_search_by(|(known, _)| known.order().cmp(&new.order()));
        let at = found.unwrap_or_else(|at| {
            self.parameters.insert(at, (new, Self::default()));
            at
        });
        &mut self.parameters[at].1
    }
}

impl Around {
    /// The longest text first. The texts themselves break a tie, so that the order of the user's list does not matter.
    fn order(&self) -> (Reverse<usize>, &str, &str) {
        let length = self.before.len() + self.after.len();
        (Reverse(length), &self.before, &self.after)
    }

    fn fits(&self, segment: &str) -> bool {
        segment.len() > self.before.len() + self.after.len()
            && segment.starts_with(&*self.before)
            && segment.ends_with(&*self.after)
    }
}

fn fill(slot: &mut Option<Arc<str>>, template: &str) -> Result<(), Reason> {
    match slot {
        None => *slot = Some(template.into()),
        Some(known) if **known == *template => {}
        Some(known) => return Err(Reason::Conflict(known.to_string())),
    }
    Ok(())
}
