//! Lines of `tracing_subscriber::fmt`.

mod json;

use std::cell::Cell;
use std::fmt;

use tracing::{Event, Subscriber};
use tracing_core_ctx::Context;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogIds;
use crate::TracingLayer;

/// Lines of JSON with the ids in front, as members of the outermost object. Made by [`LogIds::json`].
#[derive(Clone, Debug)]
pub struct JsonLines<E> {
    ids: LogIds,
    format: E,
}

/// Lines of text with the ids at the end. Made by [`LogIds::text`].
#[derive(Clone, Debug)]
pub struct TextLines<E> {
    ids: LogIds,
    colored: E,
    plain: E,
}

impl LogIds {
    /// Puts the ids on the lines of a format that writes one JSON object for each event.
    ///
    /// ```
    /// use trace_bridge::logs::LogIds;
    ///
    /// # let _ =
    /// tracing_subscriber::fmt()
    ///     .json()
    ///     .map_event_format(|format| LogIds::otel().service("shop").json(format))
    /// # ;
    /// ```
    ///
    /// A line that is no JSON object is left as it is.
    #[must_use]
    pub const fn json<E>(self, format: E) -> JsonLines<E> {
        JsonLines { ids: self, format }
    }

    /// Puts the ids at the end of the lines of a format for people: the default one, `compact` or `pretty`.
    ///
    /// ```
    /// use trace_bridge::logs::LogIds;
    ///
    /// # let _ =
    /// tracing_subscriber::fmt().map_event_format(|format| LogIds::otel().text(format))
    /// # ;
    /// ```
    ///
    /// Whether there are colours is said by the layer's `with_ansi` alone.
    #[must_use]
    pub fn text<F, T>(self, format: Format<F, T>) -> TextLines<Format<F, T>>
    where
        Format<F, T>: Clone,
    {
        TextLines {
            ids: self,
            colored: format.clone().with_ansi(true),
            plain: format.with_ansi(false),
        }
    }

    /// Knows the spans of a layer too: an event whose parent is given (`info!(parent: &span, ..)`), as those are that
    /// `with_span_events` writes, has the ids of that span then. Default: it has those of the current one.
    pub fn spans_of(mut self, layer: &TracingLayer) -> Self {
        self.spans = Some(layer.spans_of());
        self
    }

    /// The context of an event.
    fn context(&self, event: &Event<'_>) -> Context {
        event
            .parent()
            .and_then(|parent| self.spans.as_ref()?.context(parent))
            .unwrap_or_else(Context::current)
    }
}

impl<S, N, E> FormatEvent<S, N> for JsonLines<E>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    E: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        with_line(|line| {
            self.format
                .format_event(ctx, Writer::new(&mut line.text), event)?;
            let Some(rest) = line.text.strip_prefix('{') else {
                return writer.write_str(&line.text);
            };
            line.ids.push('{');
            json::write(&self.ids, &self.ids.context(event), &mut line.ids);
            if line.ids.len() > 1 && !rest.trim_start().starts_with('}') {
                line.ids.push(',');
            }
            writer.write_str(&line.ids)?;
            writer.write_str(rest)
        })
    }
}

impl<S, N, E> FormatEvent<S, N> for TextLines<E>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    E: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let format = match writer.has_ansi_escapes() {
            true => &self.colored,
            false => &self.plain,
        };
        with_line(|line| {
            format.format_event(ctx, Writer::new(&mut line.text), event)?;
            let text = line.text.trim_end_matches('\n');
            self.ids.write_text(&self.ids.context(event), &mut line.ids);
            writer.write_str(text)?;
            writer.write_str(&line.ids)?;
            writer.write_str(&line.text[text.len()..])
        })
    }
}

/// A line while it is put together.
#[derive(Default)]
struct Line {
    text: String,
    ids: String,
}

/// What is kept of the memory of a long line.
const KEPT: usize = 16 * 1024;

/// Lends memory for a line that is used again. Whoever is called while one is lent, because a `Debug` logs, gets new memory.
fn with_line(write: impl FnOnce(&mut Line) -> fmt::Result) -> fmt::Result {
    thread_local! {
        static LINE: Cell<Line> = const { Cell::new(Line { text: String::new(), ids: String::new() }) };
    }
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    line.text.clear();
    line.ids.clear();
    let result = write(&mut line);
    if line.text.capacity() <= KEPT {
        let _ = LINE.try_with(|lent| lent.set(line));
    }
    result
}
