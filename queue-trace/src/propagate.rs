//! To whom contexts are handed on, and what of them.

use tracing_core_ctx::Context;

/// To everyone everything, until told otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Propagate {
    destinations: Option<Vec<String>>,
    baggage: Option<Vec<String>>,
}

impl Propagate {
    /// Hands contexts on to these destinations only.
    pub(crate) fn reach(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.destinations
            .get_or_insert_default()
            .extend(names.into_iter().map(Into::into));
    }

    /// Hands on these entries of the baggage only.
    pub(crate) fn baggage(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.baggage
            .get_or_insert_default()
            .extend(names.into_iter().map(Into::into));
    }

    /// Whether messages to this destination may have contexts in them. It is asked for only where that matters.
    #[inline]
    pub(crate) fn reaches<N: AsRef<str>>(&self, name: impl FnOnce() -> N) -> bool {
        match &self.destinations {
            None => true,
            Some(listed) => {
                let name = name();
                listed.iter().any(|pattern| is_like(pattern, name.as_ref()))
            }
        }
    }

    /// Whether there is a list of the baggage that may leave.
    pub(crate) const fn is_selective(&self) -> bool {
        self.baggage.is_some()
    }

    /// `context` with what may leave of its baggage; `None` if all of it may.
    #[inline]
    pub(crate) fn listed(&self, context: &Context) -> Option<Context> {
        let names = self.baggage.as_ref()?;
        let is_listed = |name: &str| names.iter().any(|listed| listed == name);
        if context
            .baggage()
            .iter()
            .all(|entry| is_listed(entry.name()))
        {
            return None;
        }
        let baggage = context.baggage().retain(|entry| is_listed(entry.name()));
        Some(context.clone().with_baggage(baggage))
    }
}

/// Whether a name is the one that is meant, where `*` stands for any text, also for none.
fn is_like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        for (pattern, name, is_meant) in [
            ("orders", "orders", true),
            ("orders", "orders-2", false),
            ("orders", "Orders", false),
            ("orders.*", "orders.placed", true),
            ("orders.*", "orders.", true),
            ("orders.*", "orders", false),
            ("orders.*", "my.orders.placed", false),
            ("*.retry", "orders.retry", true),
            ("*.retry", "orders.retry.2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("12*21", "121", false),
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "orders", false),
        ] {
            assert_eq!(is_like(pattern, name), is_meant, "{pattern} {name}");
        }
    }

    #[test]
    fn without_a_list_all_is_reached_and_with_an_empty_one_nothing() {
        let mut propagate = Propagate::default();
        assert!(propagate.reaches(|| "orders"));
        propagate.reach([""; 0]);
        assert!(!propagate.reaches(|| "orders"));
    }

    #[test]
    fn baggage_that_may_leave_altogether_is_not_copied() {
        let context = Context::new().with_baggage_entry("tier", "gold");
        let mut propagate = Propagate::default();
        assert!(propagate.listed(&context).is_none());
        propagate.baggage(["tier"]);
        assert!(propagate.listed(&context).is_none());
        let more = context.with_baggage_entry("user.email", "ann@shop.example");
        let listed = propagate.listed(&more).unwrap();
        assert_eq!(listed.baggage().len(), 1);
        assert_eq!(listed.baggage().get("tier"), Some("gold"));
    }
}
