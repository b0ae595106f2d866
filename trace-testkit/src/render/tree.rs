use std::collections::HashMap;

use tracing_core_ctx::{SpanId, Timestamp, TraceId};

use crate::RecordedSpan;

/// The spans of one trace, by start and then by id.
pub(super) struct Trace<'a> {
    id: TraceId,
    spans: Vec<&'a RecordedSpan>,
}

/// One span in its place.
pub(super) struct Row<'a> {
    pub(super) span: &'a RecordedSpan,
    pub(super) depth: usize,
    pub(super) parent: Parent,
}

/// Where the parent of a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// Drawn above.
    Above,
    /// It should be here, and is not.
    Missing(SpanId),
    /// There is none.
    None,
    /// In another process.
    Remote(SpanId),
}

/// Sorts spans into traces, the earliest first.
pub(super) fn traces(spans: &[RecordedSpan]) -> Vec<Trace<'_>> {
    let mut traces: Vec<Trace<'_>> = Vec::new();
    for span in spans {
        let id = span.trace_id();
        match traces.iter_mut().find(|trace| trace.id == id) {
            Some(trace) => trace.spans.push(span),
            None => traces.push(Trace {
                id,
                spans: vec![span],
            }),
        }
    }
    for trace in &mut traces {
        trace
            .spans
            .sort_by_key(|span| (span.start(), span.span_id()));
    }
    traces.sort_by_key(|trace| (trace.start(), trace.id));
    traces
}

impl<'a> Trace<'a> {
    pub(super) const fn id(&self) -> TraceId {
        self.id
    }

    pub(super) fn start(&self) -> Timestamp {
        self.spans
            .first()
            .map(|span| span.start())
            .unwrap_or_default()
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = &'a RecordedSpan> {
        self.spans.iter().copied()
    }

    /// Every span once, parents above their children.
    pub(super) fn rows(&self) -> Vec<Row<'a>> {
        let positions: HashMap<SpanId, usize> = self
            .spans
            .iter()
            .enumerate()
            .map(|(position, span)| (span.span_id(), position))
            .collect();
        let mut roots = Vec::new();
        let mut children = vec![Vec::new(); self.spans.len()];
        for (position, span) in self.spans.iter().enumerate() {
            match span.parent().and_then(|parent| positions.get(&parent)) {
                Some(&parent) => children[parent].push(position),
                None => roots.push(position),
            }
        }

        let mut rows = Vec::with_capacity(self.spans.len());
        let mut drawn = vec![false; self.spans.len()];
        // With ids that came twice, spans can be each other's parents; what no root leads to is drawn all the same.
        for root in roots.into_iter().chain(0..self.spans.len()) {
            let mut stack = vec![(root, 0)];
            while let Some((position, depth)) = stack.pop() {
                if std::mem::replace(&mut drawn[position], true) {
                    continue;
                }
                let span = self.spans[position];
                rows.push(Row {
                    span,
                    depth,
                    parent: if depth > 0 {
                        Parent::Above
                    } else {
                        above(span)
                    },
                });
                stack.extend(
                    children[position]
                        .iter()
                        .rev()
                        .map(|&child| (child, depth + 1)),
                );
            }
        }
        rows
    }
}

/// What a span without a row above it says of its parent.
fn above(span: &RecordedSpan) -> Parent {
    match span.parent() {
        None => Parent::None,
        Some(id) if span.parent_is_remote() => Parent::Remote(id),
        Some(id) => Parent::Missing(id),
    }
}
