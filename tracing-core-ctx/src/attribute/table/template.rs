use super::super::TemplatePart;
use super::super::part::Part;
use super::super::texts::Text;
use super::Table;
use crate::limits::AttributeLimits;

/// Copying of whole tables, of which there are few, to those of spans, which are many.
impl Table {
    /// Makes a template of what there is: who takes all of it over is known by that.
    pub(in crate::attribute) fn become_template(&mut self) {
        self.part = Part::whole(self.entries.len(), self.texts.len());
    }

    #[inline]
    pub(in crate::attribute) fn template_part(&self) -> Option<TemplatePart> {
        self.part.get()
    }

    /// Sets all attributes of another table, and its name.
    #[inline]
    pub(in crate::attribute) fn put_template(&mut self, limits: &AttributeLimits, other: &Self) {
        if !self.copy(limits, other) {
            self.put_template_by_each(limits, other);
        }
    }

    /// Becomes a copy of another table; says whether it did. Only a table without anything does, and only of what is small and within limits.
    #[inline]
    fn copy(&mut self, limits: &AttributeLimits, other: &Self) -> bool {
        let is_within = other.entries.len() <= limits.count
            && other.texts.len() <= limits.value_length
            && other.dropped == 0
            && other.large.is_empty();
        if !self.is_new() || !is_within {
            return false;
        }
        let is_whole = other.part.is(other.entries.len(), other.texts.len());
        if is_whole && self.part.has_left(other.part) {
            self.entries.copy_again(&other.entries);
            self.texts.copy_again(&other.texts);
        } else if self.entries.copy(&other.entries) {
            self.texts.copy(&other.texts);
        } else {
            return false;
        }
        self.part = other.part;
        self.name = other.name;
        self.marks = other.marks;
        if other.has_names {
            self.names.clone_from(&other.names);
            self.has_names = true;
        }
        true
    }

    #[cold]
    fn put_template_by_each(&mut self, limits: &AttributeLimits, other: &Self) {
        if other.name != Text::EMPTY {
            self.set_name(other.name());
        }
        self.put_all(limits, other);
    }
}

#[cfg(test)]
mod tests;
