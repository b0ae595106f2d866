//! What a trace waited for.
//!
//! The critical path runs from the end of a root back to its start: at each moment it is in the child that ended last, or in the span
//! itself while no child runs that the span still waited for. To make anything on it faster is to make the trace faster; nothing
//! beside it is worth the trouble.

use std::ops::Range;

use super::{Outcome, Trace};

/// The critical path of a trace.
#[derive(Debug)]
pub(crate) struct CriticalPath {
    /// For each node of the trace the times when it was on the path itself, none of its children being.
    pub(crate) stretches: Vec<Vec<Range<u64>>>,
    /// The node that was on it longest, and how long.
    pub(crate) slowest: Option<(usize, u64)>,
    /// How long it is: the duration of the root.
    pub(crate) length: u64,
}

impl CriticalPath {
    /// Follows the path below the first root.
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut path = Self {
            stretches: vec![Vec::new(); trace.nodes.len()],
            slowest: None,
            length: 0,
        };
        let Some(&root) = trace.roots.first() else {
            return path;
        };
        let span = &trace.nodes[root].span;
        path.length = span.end.saturating_sub(span.start);
        path.follow(trace, root, span.start..span.end);
        for (node, stretches) in path.stretches.iter().enumerate() {
            let own = stretches
                .iter()
                .map(|stretch| stretch.end - stretch.start)
                .sum();
            if own > path.slowest.map_or(0, |(_, most)| most) {
                path.slowest = Some((node, own));
            }
        }
        path
    }

    /// Follows the path through `node`, which is on it in `window`. Children are cut to the window: what runs longer
    /// than its parent did not hold the parent up. Nor did a child that the parent called off, while it went on itself.
    fn follow(&mut self, trace: &Trace, node: usize, window: Range<u64>) {
        let is_cancelled = |node: usize| trace.nodes[node].span.outcome == Outcome::Cancelled;
        let mut children: Vec<(usize, Range<u64>)> = trace.nodes[node]
            .children
            .iter()
            .filter(|&&child| is_cancelled(node) || !is_cancelled(child))
            .map(|&child| {
                let span = &trace.nodes[child].span;
                (
                    child,
                    span.start.max(window.start)..span.end.min(window.end),
                )
            })
            .filter(|(_, time)| time.start < time.end)
            .collect();
        children.sort_by_key(|(_, time)| std::cmp::Reverse(time.end));
        let mut cursor = window.end;
        for (child, time) in children {
            // One that ended later ran beside the one that the path went through.
            if time.end > cursor {
                continue;
            }
            self.stretch(node, time.end..cursor);
            cursor = time.start;
            self.follow(trace, child, time);
        }
        self.stretch(node, window.start..cursor);
    }

    fn stretch(&mut self, node: usize, time: Range<u64>) {
        if time.start < time.end {
            self.stretches[node].push(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::span;
    use super::*;

    /// The time of each span on the path, by its name.
    fn path(spans: Vec<super::super::Span>) -> Vec<(String, u64)> {
        let traces = Trace::assemble(spans);
        let path = CriticalPath::of(&traces[0]);
        let own = |node: usize| {
            path.stretches[node]
                .iter()
                .map(|time| time.end - time.start)
                .sum()
        };
        traces[0]
            .spans()
            .enumerate()
            .map(|(node, span)| (span.name.clone(), own(node)))
            .collect()
    }

    fn times(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
        expected
            .iter()
            .map(|(name, time)| ((*name).to_owned(), time * 1_000_000))
            .collect()
    }

    #[test]
    fn children_one_after_the_other_are_both_on_it() {
        let spans = vec![
            span(1, None, "root", 0..100),
            span(2, Some(1), "first", 10..30),
            span(3, Some(1), "second", 40..90),
        ];
        assert_eq!(
            path(spans),
            times(&[("root", 30), ("first", 20), ("second", 50)])
        );
    }

    #[test]
    fn of_two_at_a_time_only_the_one_that_ends_last_is_on_it() {
        let spans = vec![
            span(1, None, "root", 0..100),
            span(2, Some(1), "quick", 10..30),
            span(3, Some(1), "slow", 10..95),
        ];
        assert_eq!(
            path(spans),
            times(&[("root", 15), ("quick", 0), ("slow", 85)])
        );
    }

    #[test]
    fn what_runs_on_after_its_parent_counts_up_to_the_end_of_it() {
        let spans = vec![
            span(1, None, "root", 0..100),
            span(2, Some(1), "late", 80..150),
            span(3, Some(1), "after", 120..150),
        ];
        assert_eq!(
            path(spans),
            times(&[("root", 80), ("late", 20), ("after", 0)])
        );
    }

    #[test]
    fn what_was_called_off_is_beside_it_unless_all_was() {
        let spans = |root: Outcome| {
            let mut spans = vec![
                span(1, None, "root", 0..100),
                span(2, Some(1), "failed", 0..60),
                span(3, Some(1), "called off", 0..61),
            ];
            spans[0].outcome = root;
            spans[2].outcome = Outcome::Cancelled;
            spans
        };
        assert_eq!(
            path(spans(Outcome::Failed)),
            times(&[("root", 40), ("failed", 60), ("called off", 0)])
        );
        assert_eq!(
            path(spans(Outcome::Cancelled)),
            times(&[("root", 39), ("failed", 0), ("called off", 61)])
        );
    }

    #[test]
    fn the_path_is_as_long_as_the_root() {
        let spans = vec![
            span(1, None, "root", 0..100),
            span(2, Some(1), "a", 5..60),
            span(3, Some(2), "b", 10..20),
            span(4, Some(2), "c", 15..50),
            span(5, Some(1), "d", 60..99),
        ];
        let traces = Trace::assemble(spans);
        let path = CriticalPath::of(&traces[0]);
        let all: u64 = path
            .stretches
            .iter()
            .flatten()
            .map(|time| time.end - time.start)
            .sum();
        assert_eq!(all, path.length);
        assert_eq!(
            path.slowest
                .map(|(node, own)| (traces[0].nodes[node].span.name.as_str(), own)),
            Some(("d", 39_000_000))
        );
    }
}
