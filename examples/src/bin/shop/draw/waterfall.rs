use tracing_core_ctx::SpanKind;

use super::bar::Scale;
use super::critical::CriticalPath;
use super::ink::shorten;
use super::trace::Node;
use super::{Line, Link, Outcome, Palette, Span, Style, Trace, millis};

/// What the signs mean.
pub(crate) const LEGEND: &str = "█ on the critical path  ─ waiting, or beside it  → call  ↻ retry  ⇢ message  ┈ in queue  • event  ↪ link  ✗ error  ◀ slowest part";

/// The fewest cells that show anything.
const LEAST_BAR: usize = 16;
/// Room for most trees and labels, so that the columns of different traces stand below each other.
const USUAL_TREE: usize = 36;
const USUAL_LABEL: usize = 10;
const TIME: usize = 10;
const INDENT: usize = 2;
const GAP: usize = 2;
const MARK: &str = "◀";

/// Draws a trace: one row for each span, with its service, its place in the tree, its time as a bar and how it ended; events and
/// links below their span. Ends with the slowest part: the span that was on the critical path longest by itself. The columns of
/// traces with names of usual length stand below each other.
///
/// `width` is that of the terminal, in columns.
pub(crate) fn waterfall(trace: &Trace, palette: &Palette, width: usize) -> String {
    let path = CriticalPath::of(trace);
    let columns = Columns::of(trace, palette, width);
    let scale = Scale::new(trace.start()..trace.end(), columns.bar_width());
    let mut text = String::new();
    header(trace, &columns, palette, &mut text);
    for (place, node) in trace.nodes.iter().enumerate() {
        let row = Row {
            node,
            columns: &columns,
            palette,
            scale,
        };
        let is_slowest =
            trace.nodes.len() > 1 && path.slowest.is_some_and(|(slowest, _)| slowest == place);
        row.span(&path.stretches[place], is_slowest, &mut text);
        for link in &node.span.links {
            row.link(link, &mut text);
        }
        for event in &node.span.events {
            let since = event.time.saturating_sub(trace.start());
            row.note(
                &format!("· {}", event.text),
                Some(event.time),
                since,
                &mut text,
            );
        }
    }
    footer(trace, &path, palette, &mut text);
    text
}

/// Where the columns of a drawing begin.
#[derive(Debug)]
struct Columns {
    tree: usize,
    bar: usize,
    /// Durations end here.
    time: usize,
    label: usize,
}

impl Columns {
    fn of(trace: &Trace, palette: &Palette, width: usize) -> Self {
        let service = widest(
            trace
                .spans()
                .map(|span| &*span.service)
                .chain(palette.services()),
        );
        let labels: Vec<String> = trace.spans().map(label).collect();
        let label = widest(labels.iter().map(String::as_str)).max(USUAL_LABEL);
        let tree = INDENT + service + GAP;
        let after_bar = TIME + GAP + 1 + label;
        let room = width.saturating_sub(tree + GAP + after_bar);
        let tree_width = trace
            .nodes
            .iter()
            .map(|node| node.followed.len() * 2 + name(node).chars().count())
            .max()
            .unwrap_or_default()
            .max(USUAL_TREE)
            // Three parts of five for the tree, if it wants them.
            .min((room * 3 / 5).min(room.saturating_sub(LEAST_BAR)));
        let bar = tree + tree_width + GAP;
        let time = width
            .saturating_sub(GAP + 1 + label)
            .max(bar + LEAST_BAR + TIME);
        Self {
            tree,
            bar,
            time,
            label: time + GAP + 1,
        }
    }

    const fn bar_width(&self) -> usize {
        self.time - TIME - self.bar
    }

    const fn tree_width(&self) -> usize {
        self.bar - GAP - self.tree
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts
        .map(|text| text.chars().count())
        .max()
        .unwrap_or_default()
}

fn header(trace: &Trace, columns: &Columns, palette: &Palette, text: &mut String) {
    let mut line = Line::new(palette.ink);
    line.pad(INDENT);
    line.put(Palette::DIM, "service");
    line.pad(columns.tree);
    line.put(Palette::DIM, "span");
    line.pad(columns.bar);
    line.put(Palette::DIM, "0 ms");
    let length = millis(trace.end().saturating_sub(trace.start()));
    line.put_right(Palette::DIM, &length, columns.bar + columns.bar_width());
    line.end(text);
}

fn footer(trace: &Trace, path: &CriticalPath, palette: &Palette, text: &mut String) {
    // One span is no news.
    let Some((slowest, own)) = path.slowest.filter(|_| trace.nodes.len() > 1) else {
        return;
    };
    let span = &trace.nodes[slowest].span;
    let mut line = Line::new(palette.ink);
    line.pad(INDENT);
    line.put(Palette::WARNING, MARK);
    line.put(Palette::PLAIN, " slowest part: ");
    line.put(palette.service(&span.service), &span.service);
    line.put(Palette::STRONG, &format!(" {}", span.name));
    let percent = own
        .saturating_mul(100)
        .checked_div(path.length)
        .unwrap_or_default();
    let share = format!(
        ", {} of the {} on the critical path ({percent} %)",
        millis(own),
        millis(path.length)
    );
    line.put(Palette::PLAIN, &share);
    line.end(text);
}

/// The rows that belong to one node.
struct Row<'a> {
    node: &'a Node,
    columns: &'a Columns,
    palette: &'a Palette,
    scale: Scale,
}

impl Row<'_> {
    fn span(&self, critical: &[std::ops::Range<u64>], is_slowest: bool, text: &mut String) {
        let (span, columns) = (&self.node.span, self.columns);
        let color = self.palette.service(&span.service);
        let mut line = Line::new(self.palette.ink);
        line.pad(INDENT);
        line.put(color, &span.service);
        line.pad(columns.tree);
        let guides = guides(&self.node.followed);
        line.put(Palette::DIM, &shorten(&guides, columns.tree_width()));
        let room = columns.tree_width().saturating_sub(guides.chars().count());
        let style = if is_slowest {
            Palette::STRONG
        } else {
            Palette::PLAIN
        };
        line.put(style, &shorten(&name(self.node), room));
        line.pad(columns.bar);
        let bar = self.scale.bar(&(span.start..span.end), critical);
        let queued = span.queued_since().unwrap_or(span.start)..span.start;
        line.put(color, &self.scale.in_queue(&queued, &bar));
        line.put_right(
            style,
            &millis(span.end.saturating_sub(span.start)),
            columns.time,
        );
        if is_slowest {
            line.put(Palette::WARNING, &format!(" {MARK}"));
        }
        line.pad(columns.label);
        line.put(outcome_style(span.outcome), &label(span));
        line.end(text);
    }

    /// Where the span comes from, if that is not the row above it, and how long a message was in its queue.
    fn link(&self, link: &Link, text: &mut String) {
        let span = &self.node.span;
        let queued = link
            .sent
            .map(|sent| format!("{} in queue", millis(span.start.saturating_sub(sent))));
        let note = match queued {
            Some(queued) if Some(link.span) == span.parent => queued,
            Some(queued) => format!("follows from {}, {queued}", link.label),
            None => format!("follows from {}", link.label),
        };
        self.note(&format!("↪ {note}"), None, 0, text);
    }

    /// A link or an event below the span; `time` is marked in the bar's column.
    fn note(&self, note: &str, time: Option<u64>, since_start: u64, text: &mut String) {
        let columns = self.columns;
        let mut guides: String = self
            .node
            .followed
            .iter()
            .map(|&followed| rail(followed))
            .collect();
        guides.push_str(rail(!self.node.children.is_empty()));
        let after_time = columns.label - columns.bar;
        let mark = time.map_or(after_time, |time| self.scale.cell(time));
        // A long one may use the empty cells before its mark.
        let room = columns
            .tree_width()
            .max((columns.bar + mark).saturating_sub(columns.tree + 1));
        let mut line = Line::new(self.palette.ink);
        line.pad(columns.tree);
        line.put(Palette::DIM, &shorten(&format!("{guides}{note}"), room));
        if time.is_some() {
            line.pad(columns.bar + mark);
            line.put(self.palette.service(&self.node.span.service), "•");
            line.put_right(Palette::DIM, &millis(since_start), columns.time);
        }
        line.end(text);
    }
}

/// The name as it is drawn, with an arrow if the span is about somebody else's work.
fn name(node: &Node) -> String {
    let arrow = match node.span.kind {
        SpanKind::Client | SpanKind::Producer if node.span.is_repeated => "↻ ",
        SpanKind::Client | SpanKind::Producer => "→ ",
        SpanKind::Consumer => "⇢ ",
        SpanKind::Internal | SpanKind::Server => "",
    };
    format!("{arrow}{}", node.span.name)
}

/// How the span ended, in a form that needs no colour.
fn label(span: &Span) -> String {
    match span.outcome {
        Outcome::Failed => format!("✗ {}", span.label).trim_end().to_owned(),
        Outcome::Cancelled | Outcome::Refused | Outcome::Unremarkable => span.label.clone(),
    }
}

fn guides(followed: &[bool]) -> String {
    let Some((&own, above)) = followed.split_last() else {
        return String::new();
    };
    let mut guides: String = above.iter().map(|&followed| rail(followed)).collect();
    guides.push_str(if own { "├╴" } else { "└╴" });
    guides
}

const fn rail(followed: bool) -> &'static str {
    if followed { "│ " } else { "  " }
}

const fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Cancelled | Outcome::Refused => Palette::WARNING,
        Outcome::Failed => Palette::BAD,
        Outcome::Unremarkable => Palette::DIM,
    }
}
