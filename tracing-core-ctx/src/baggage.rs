//! Baggage: names and values that travel with a request through every service.

use std::fmt;
use std::sync::Arc;

/// A list of entries with unique names; empty by default, cheap to clone, changed by copy.
///
/// Baggage is sent to whoever is called: put nothing in it that a stranger may not read. Limits on what is sent
/// (64 entries, 8192 bytes) are the propagator's.
///
/// ```
/// use tracing_core_ctx::Baggage;
///
/// let baggage = Baggage::new().with("user.tier", "gold");
/// assert_eq!(baggage.get("user.tier"), Some("gold"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<Vec<Entry>>>);

/// One entry of a [`Baggage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    name: String,
    value: String,
    metadata: String,
}

impl Entry {
    /// A name with its value; `metadata` is the opaque text behind the first `;` on the wire, mostly empty.
    pub fn new(
        name: impl Into<String>,
        value: impl Into<String>,
        metadata: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            metadata: metadata.into(),
        }
    }

    /// The name; case matters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, decoded.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The properties, as they came.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }
}

impl Baggage {
    /// No entry, no allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|entry| entry.name == name)
            .map(Entry::value)
    }

    /// The list with `name` set to `value`. An empty name is ignored.
    #[must_use]
    pub fn with(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_entry(Entry::new(name, value, ""))
    }

    /// The list with `entry` in place of one with the same name, or at the end. An empty name is ignored.
    #[must_use]
    pub fn with_entry(&self, entry: Entry) -> Self {
        if entry.name.is_empty() {
            return self.clone();
        }
        let mut entries = self.entries().to_vec();
        match entries.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
        Self(Some(Arc::new(entries)))
    }

    /// The list without `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        self.retain(|entry| entry.name != name)
    }

    /// The list with only the entries that `keep` wants.
    #[must_use]
    pub fn retain(&self, mut keep: impl FnMut(&Entry) -> bool) -> Self {
        self.iter().filter(|entry| keep(entry)).cloned().collect()
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries().iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    fn entries(&self) -> &[Entry] {
        self.0.as_ref().map_or(&[], |entries| entries.as_slice())
    }
}

/// Of two entries with one name the last is kept, in the place of the first.
impl FromIterator<Entry> for Baggage {
    fn from_iter<I: IntoIterator<Item = Entry>>(iter: I) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for entry in iter {
            match entries.iter_mut().find(|known| known.name == entry.name) {
                Some(known) => *known = entry,
                None if entry.name.is_empty() => {}
                None => entries.push(entry),
            }
        }
        Self((!entries.is_empty()).then(|| Arc::new(entries)))
    }
}

impl<'a> IntoIterator for &'a Baggage {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Baggage {
    /// Names only: values may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Entry::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_name_wins_and_order_is_kept() {
        let baggage = Baggage::new().with("a", "1").with("b", "2").with("a", "3");
        let list: Vec<_> = baggage
            .iter()
            .map(|entry| (entry.name(), entry.value()))
            .collect();
        assert_eq!(list, [("a", "3"), ("b", "2")]);
        assert_eq!(baggage.without("a").len(), 1);
        assert!(baggage.retain(|_| false).is_empty());
    }

    #[test]
    fn a_nameless_entry_is_ignored() {
        assert!(Baggage::new().with("", "1").is_empty());
        assert!(
            [Entry::new("", "1", "")]
                .into_iter()
                .collect::<Baggage>()
                .is_empty()
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", Baggage::new().with("token", "s3cret"));
        assert_eq!(text, r#"{"token"}"#);
    }
}
